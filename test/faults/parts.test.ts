/**
 * kill -9 while objects go up in parts: the command, run again, sends what is missing and nothing else, whether the upload was
 * remembered by the agent (up to four packets' bytes) or by the control plane.
 */
import { setTimeout } from 'node:timers/promises'
import { CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { fromA, openPlace, type Place, toB } from '../support/place.ts'

const MiB = 1024 * 1024
const partSize = 16 * MiB

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

/** Copies `bucket`, killed with no warning once so many parts of it are there, each time. */
async function copyKilled(bucket: string, kills: readonly number[]) {
  const { a, b, begin, dray } = place
  const args = ['copy', `s3://${bucket}`, `s3://${bucket}`, ...fromA, ...toB]
  b.createBucket(bucket)
  const partsThere = () => b.uploads(bucket).reduce((sum, { parts }) => sum + parts, 0)
  /** Parts that were stored, in all attempts. */
  let stored = 0
  b.hooks = {
    beforeRequest: ({ operation }) => (operation === 'UploadPart' ? { delayMs: 20 } : null),
  }
  for (const kill of kills) {
    const before = partsThere()
    const running = begin(bucket, ...args)
    while (partsThere() < kill && running.child.exitCode === null) await setTimeout(5)
    running.child.kill('SIGKILL')
    await running.ended
    // What the killed process had sent may still be arriving.
    for (let last = -1; last !== partsThere(); ) {
      last = partsThere()
      await setTimeout(200)
    }
    stored += partsThere() - before
    expect(partsThere()).toBeGreaterThanOrEqual(kill)
  }
  b.hooks = {}
  b.requests.reset()
  const done = await dray(bucket, ...args)
  expect(done.status, done.stderr).toBe(0)
  stored += b.requests.count('UploadPart')
  const [from] = [...a.objects(bucket)]
  const [to] = [...b.objects(bucket)]
  expect(to).toMatchObject({ key: from!.key, etag: from!.etag, size: from!.size })
  expect(b.uploads(bucket)).toEqual([])
  return { ...done, stored }
}

describe('kill -9 in the middle of an upload', () => {
  it('of some hundred megabytes: the agent goes on with it', async () => {
    place.a.fill('some', { count: 1, key: () => 'film', size: 20 * partSize + 5, partSize })
    const { result, stored } = await copyKilled('some', [4, 11])
    expect(result.objects).toMatchObject({ listed: 1, copied: 1 })
    expect(result.evidence).toEqual({ etag: 1 })
    expect(stored).toBe(21)
  }, 120_000)

  it('of more: the control plane has it gone on with, by whoever is there', async () => {
    place.a.fill('large', { count: 1, key: () => 'film', size: 60 * partSize + 5, partSize })
    const { result, stored } = await copyKilled('large', [5, 20, 40])
    expect(result.objects).toMatchObject({ listed: 1, copied: 1 })
    expect(result.evidence).toEqual({ etag: 1 })
    expect(stored).toBe(61)
  }, 180_000)
})

it('uploads of others, of the same key too, are left alone', async () => {
  const { a, b, sdk, dray } = place
  a.fill('shared', { count: 1, key: () => 'film', size: 5 * partSize, partSize })
  b.createBucket('shared')
  const theirs = await sdk.b.send(new CreateMultipartUploadCommand({ Bucket: 'shared', Key: 'film' }))
  const part = { Bucket: 'shared', Key: 'film', UploadId: theirs.UploadId!, PartNumber: 1, Body: 'theirs' }
  await sdk.b.send(new UploadPartCommand(part))
  const done = await dray('shared', 'copy', 's3://shared', 's3://shared', ...fromA, ...toB)
  expect(done.status, done.stderr).toBe(0)
  expect(done.stderr).toContain("1 unfinished multipart upload that is not Dray's, of film for one")
  expect(b.uploads('shared')).toMatchObject([{ id: theirs.UploadId, parts: 1 }])
}, 60_000)
