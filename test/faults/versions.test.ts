/**
 * kill -9 while all versions are copied: at every moment each key's chain at the destination is the head of the source's,
 * and the same command, run again, appends the rest and nothing twice. By a listing that is not Dray's.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { descendants, mentioning, resultOf, start } from '../support/dray.ts'

const keys = 80
const kills = 8

let work: string
let server: S3Server
let env: Record<string, string>

beforeEach(async () => {
  work = mkdtempSync(join(tmpdir(), 'dray-versions-'))
  server = await startS3Server({ credentials: { KILLTEST: 'killtestsecret' } })
  for (const name of ['from', 'to']) server.createBucket(name, { versioned: true })
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

/** Each key's ETags, oldest first, a delete marker as `-`. */
const chains = (bucket: string) =>
  new Map(
    [...server.chains(bucket)].map(([key, versions]) => [
      key,
      versions.map(({ etag, isMarker }) => (isMarker ? '-' : etag)),
    ]),
  )

describe('kill -9', () => {
  it('leaves heads of chains, and the next runs complete them', async () => {
    for (let key = 0; key < keys; key++) {
      for (let i = 0; i < 4 + (key % 9); i++) {
        // Some are equal to the one before them, and must not be taken for it.
        if ((key + i) % 5 === 3) server.delete('from', `k/${key}`)
        else await server.put('from', `k/${key}`, `${key} ${i >> 1}`)
      }
    }
    const wanted = chains('from')
    const total = [...wanted.values()].flat().length
    server.hooks = {
      beforeRequest: ({ bucket, operation }) =>
        bucket === 'to' &&
        (operation === 'PutObject' || operation === 'CopyObject' || operation === 'DeleteObject')
          ? { delayMs: 150 }
          : null,
    }
    const command = ['copy', 's3://from', 's3://to', '--versions', 'all', '--concurrency', '8', '--json']
    const run = () => start([...command, '--state-dir', join(work, 'state')], env, true)
    let between = 0
    for (let round = 0; round < kills; round++) {
      const running = run()
      await Promise.race([running.ended, setTimeout(1_200 + Math.random() * 1_000)])
      for (const pid of [running.child.pid!, ...descendants(running.child.pid!).map(({ pid }) => pid)]) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It had ended.
        }
      }
      await running.ended
      for (let left = mentioning(work); left.length > 0; left = mentioning(work)) await setTimeout(50)
      const there = chains('to')
      for (const [key, chain] of there) expect(chain, key).toEqual(wanted.get(key)!.slice(0, chain.length))
      if (there.size > 0 && [...there.values()].flat().length < total) between++
    }
    // Else nothing was shown.
    expect(between).toBeGreaterThan(2)
    const over = await run().ended
    expect(over.status, over.stderr).toBe(0)
    const { listed, failed, same, copied } = resultOf(over).objects
    expect([listed, failed, same + copied]).toEqual([total, 0, total])
    expect(chains('to')).toEqual(wanted)
    const again = resultOf(await run().ended)
    expect(again.objects).toMatchObject({ listed: total, same: total, copied: 0 })
  }, 120_000)
})
