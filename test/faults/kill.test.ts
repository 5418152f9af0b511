/**
 * kill -9 in mid-copy, ten times at random moments for each victim: the command, run again, ends with everything equal, exact counts,
 * and no process left behind. The store is the project's own server, slowed so that there is always something in flight.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { descendants, mentioning, type Result, resultOf, start } from '../support/dray.ts'

const objects = 3_000
const kills = 10

let work: string
let server: S3Server
let env: Record<string, string>

function makeTree(root: string): Map<string, string> {
  const digests = new Map<string, string>()
  for (let i = 0; i < objects; i++) {
    const name = `d${i % 23}/file-${i}.bin`
    if (i < 23) mkdirSync(join(root, `d${i}`), { recursive: true })
    const body = Buffer.from(`${name} `.repeat(1 + (i % 200)))
    writeFileSync(join(root, name), body)
    digests.set(name, createHash('md5').update(body).digest('hex'))
  }
  const large = Buffer.alloc(80 * 1024 * 1024, 'large')
  writeFileSync(join(root, 'large.bin'), large)
  digests.set('large.bin', createHash('md5').update(large).digest('hex'))
  return digests
}

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'dray-kill-'))
  server = await startS3Server({ credentials: { KILLTEST: 'killtestsecret' } })
  server.createBucket('kill')
  server.hooks = {
    beforeRequest: ({ operation }) =>
      operation === 'PutObject' || operation === 'UploadPart' ? { delayMs: 60 } : null,
  }
  env = {
    AWS_ACCESS_KEY_ID: 'KILLTEST',
    AWS_SECRET_ACCESS_KEY: 'killtestsecret',
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: server.url.href,
    AWS_CONFIG_FILE: join(work, 'none'),
    AWS_SHARED_CREDENTIALS_FILE: join(work, 'none'),
  }
})

afterEach(async () => {
  await server.stop()
  rmSync(work, { recursive: true, force: true })
})

async function stored(): Promise<Map<string, string>> {
  const s3 = new S3Client({
    endpoint: server.url.href,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'KILLTEST', secretAccessKey: 'killtestsecret' },
  })
  const found = new Map<string, string>()
  for (let token: string | undefined, more = true; more; ) {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: 'kill', ContinuationToken: token }))
    for (const object of page.Contents ?? []) found.set(object.Key!, object.ETag!.slice(1, -1))
    token = page.NextContinuationToken
    more = token !== undefined
  }
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'kill', Key: 'large.bin' }))
  found.set(
    'large.bin',
    createHash('md5')
      .update(await Body!.transformToByteArray())
      .digest('hex'),
  )
  return found
}

/** Waits until nothing mentions the state directory any more; a process that stays makes the test fail by its time-out. */
async function nobodyLeft(): Promise<void> {
  for (let left = mentioning(work); left.length > 0; left = mentioning(work)) await setTimeout(50)
}

const victims = {
  'the agent (the command itself)': (root: number) => [root],
  workerd: (root: number) =>
    descendants(root)
      .filter(({ command }) => command.includes('workerd'))
      .map(({ pid }) => pid),
  'the whole process tree': (root: number) => [root, ...descendants(root).map(({ pid }) => pid)],
}

describe('kill -9', () => {
  it.each(Object.entries(victims))(
    'of %s, ten times',
    async (_, victimsOf) => {
      const root = join(work, 'source')
      const wanted = makeTree(root)
      const command = ['copy', root, 's3://kill', '--json', '--state-dir', join(work, 'state')]
      let result: Result | null = null
      let killed = 0
      let running = start(command, env, true)
      while (killed < kills) {
        const over = await Promise.race([running.ended, setTimeout(600 + Math.random() * 1200)])
        if (over) {
          // It came to its end between two kills (or after workerd was killed): what is to be killed next has all to do again.
          expect(over.status, over.stderr).toBe(0)
          result = resultOf(over)
          server.removeBucket('kill')
          server.createBucket('kill')
          running = start(command, env, true)
          continue
        }
        for (const pid of victimsOf(running.child.pid!)) {
          try {
            process.kill(pid, 'SIGKILL')
          } catch {
            // It went with another one.
          }
        }
        killed++
        if (victimsOf === victims.workerd) continue
        await running.ended
        await nobodyLeft()
        running = start(command, env, true)
      }
      const over = await running.ended
      expect(over.status, over.stderr).toBe(0)
      result = resultOf(over)
      const { listed, same, copied, skipped, vanished, failed } = result.objects
      expect(result.state).toBe('complete')
      expect([listed, failed, skipped, vanished]).toEqual([objects + 1, 0, 0, 0])
      expect(same + copied).toBe(objects + 1)
      expect(await stored()).toEqual(wanted)
      await nobodyLeft()

      const again = start(command, env, true)
      expect(resultOf(await again.ended).objects).toMatchObject({
        listed: objects + 1,
        same: objects + 1,
        copied: 0,
      })
    },
    240_000,
  )

  it('of everything while writing files leaves no half-written file', async () => {
    const root = join(work, 'source')
    const wanted = makeTree(root)
    const target = join(work, 'target')
    const command = ['copy', root, target, '--json', '--state-dir', join(work, 'state')]
    for (let round = 0; round < kills; round++) {
      const running = start(command, env, true)
      await Promise.race([running.ended, setTimeout(400 + Math.random() * 800)])
      for (const pid of victims['the whole process tree'](running.child.pid!)) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It had ended.
        }
      }
      await running.ended
      await nobodyLeft()
      // What is there under its own name is whole, at every moment.
      for (const [name, digest] of wanted) {
        const path = join(target, name)
        if (!statSync(path, { throwIfNoEntry: false })) continue
        expect(createHash('md5').update(readFileSync(path)).digest('hex'), name).toBe(digest)
      }
    }
    const over = await start(command, env).ended
    expect(over.status, over.stderr).toBe(0)
    const { listed, same, copied } = resultOf(over).objects
    expect([listed, same + copied]).toEqual([objects + 1, objects + 1])
    const there = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(target, name)).isFile(),
    )
    expect(there.sort()).toEqual([...wanted.keys()].sort())
  }, 240_000)
})
