/** An S3 server in a process of its own, which tells a few times a second what it has seen: `node limits-server.ts BUCKET:COUNT:SIZE…`. */
import { execFile } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'

export interface Seen {
  /** Milliseconds since the epoch. */
  at: number
  /** That came, and that arrived over there, since the beginning. What the kernel here has been given and not yet sent is none of it. */
  bytes: number
  requests: number
  /** The most at once, since this was told last. */
  peak: number
}

const server = await startS3Server({ credentials: { test: 'testsecret' } })
for (const fill of process.argv.slice(2)) {
  const [bucket = '', objects, size] = fill.split(':')
  const count = Number(objects)
  if (count === 0) server.createBucket(bucket)
  else server.fill(bucket, { count, key: (i) => `key-${String(i).padStart(8, '0')}`, size: Number(size) })
}
process.send!(server.url.origin)
process.once('disconnect', () => process.exit())
const ask = promisify(execFile)
/** Of each connection, by its other end: Node knows what it gave the kernel, and only the kernel what became of that. */
const byPeer = new Map<string, number>()
let requests = 0
for (;;) {
  const { stdout } = await ask('ss', ['-tinHO', `( sport = :${server.url.port} )`])
  const at = Date.now()
  for (const line of stdout.split('\n')) {
    const [, , , , peer = ''] = line.trim().split(/\s+/)
    const count = (name: string) => Number(new RegExp(`\\b${name}:(\\d+)`).exec(line)?.[1] ?? 0)
    if (peer)
      byPeer.set(peer, Math.max(byPeer.get(peer) ?? 0, count('bytes_acked') + count('bytes_received')))
  }
  const { total, peak } = server.requests
  requests += total
  server.requests.reset()
  const bytes = [...byPeer.values()].reduce((sum, each) => sum + each, 0)
  process.send!({ at, bytes, requests, peak } satisfies Seen)
  await pause(200)
}
