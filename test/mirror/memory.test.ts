/** A body of any size goes to both sides at the pace of the slower, and no more of it than a little is in memory. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, onTestFinished } from 'vitest'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import { childMirror } from './child.ts'
import { appAt, appKeys } from './stage.ts'

const MiB = 1024 * 1024
const Bucket = 'photos'

/** Lets bytes through to the server at a pace of its own. */
async function slowWay(to: URL): Promise<URL> {
  const sockets = new Set<Socket>()
  const server = createServer((from) => {
    const on = connect(Number(to.port), to.hostname)
    for (const socket of [from, on]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => void [from.destroy(), on.destroy()])
    }
    on.pipe(from)
    from.on('data', (bytes) => {
      from.pause()
      on.write(bytes, () => setTimeout(() => from.resume(), 1))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

/** Of a process, the most that it ever had (bytes). */
const peakOf = (pid: number) =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024

it.skipIf(process.platform !== 'linux')(
  'holds little of a large body in memory while one side is slow',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'dray-mirror-'))
    const side = { accessKeyId: 'SIDE', secretAccessKey: 'the secret of both sides' }
    const credentials = { [side.accessKeyId]: side.secretAccessKey }
    const [old, fresh] = await Promise.all([
      startS3Server({ credentials, dir: join(dir, 'old') }),
      startS3Server({ credentials, dir: join(dir, 'new') }),
    ])
    old.createBucket('old')
    fresh.createBucket('new')
    const slow = await slowWay(fresh.url)
    const mirror = await childMirror({
      old,
      new: { url: slow },
      stateDir: join(dir, 'state'),
      app: appKeys,
      side,
    })
    const app = appAt(mirror.url)
    onTestFinished(async () => {
      app.destroy()
      await mirror.kill()
      await Promise.all([old.stop(), fresh.stop()])
      rmSync(dir, { recursive: true, force: true })
    })
    const put = async (Key: string, size: number) => {
      const piece = Buffer.alloc(MiB, Key)
      const Body = Readable.from(
        (function* () {
          for (let i = 0; i < size / MiB; i++) yield piece
        })(),
      )
      await app.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: size }))
    }
    await put('warm', 16 * MiB)
    const before = peakOf(mirror.running.child.pid!)
    await put('large', 96 * MiB)
    const grown = peakOf(mirror.running.child.pid!) - before
    expect(grown).toBeLessThan(72 * MiB)
    expect(fresh.object('new', 'large')).toMatchObject({
      size: 96 * MiB,
      etag: old.object('old', 'large')!.etag,
    })
  },
  60_000,
)
