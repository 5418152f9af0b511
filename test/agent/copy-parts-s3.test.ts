/** Objects in parts through the real adapter, between S3 servers on which things go wrong. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { copyObject } from '../../agent/copy.ts'
import { openIntents } from '../../agent/intents.ts'
import type { Fault } from '../../agent/s3-server/faults.ts'
import type { Operation } from '../../agent/s3-server/operation.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { withRetry } from '../../agent/storage/retry.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Multipart, Storage } from '../../agent/storage/storage.ts'
import { keyFromText } from '../../shared/key.ts'
import { bodyOf, listAll, noSignal, patterned } from '../storage/contract.ts'

const MiB = 1024 * 1024
const key = keyFromText('film')
/** No two alike, so that they must be asked for. */
const sizes = [5 * MiB, 8 * MiB + 1, 7 * MiB + 7, 99]
const body = patterned(
  sizes.reduce((sum, size) => sum + size, 0),
  4,
)
const work = mkdtempSync(join(tmpdir(), 'dray-parts-s3-'))
let from: S3Server
let to: S3Server
let source: Storage
let destination: Storage

async function open(server: S3Server): Promise<Storage> {
  server.createBucket('bucket')
  const place = { prefix: 'a/', region: null, profile: null, site: null }
  const location = { kind: 's3', bucket: 'bucket', endpoint: server.url.href, ...place } as const
  return withRetry(await openS3Storage(location, { connections: 8 }), { attempts: 3, random: () => 0 })
}

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'KEY')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  const credentials = { KEY: 'secret' }
  ;[from, to] = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
  ;[source, destination] = await Promise.all([open(from), open(to)])
  const multipart = source.multipart as Multipart
  const id = await multipart.create(key, { headers: {}, user: {} }, noSignal)
  const parts = []
  let at = 0
  for (const [i, size] of sizes.entries()) {
    parts.push(await multipart.part(key, id, i + 1, bodyOf(body.subarray(at, at + size)), noSignal))
    at += size
  }
  await multipart.complete(key, id, parts, noSignal)
})
afterAll(async () => {
  await Promise.all([source.close(), destination.close()])
  await Promise.all([from.stop(), to.stop()])
  vi.unstubAllEnvs()
  rmSync(work, { recursive: true, force: true })
})
beforeEach(async () => {
  for (const server of [from, to]) {
    server.hooks = {}
    server.requests.reset()
  }
  to.delete('bucket', 'a/film')
})

/** `fault` happens to the `nth` request of that kind at the destination. */
function once(operation: Operation, nth: number, fault: Fault): void {
  let seen = 0
  to.hooks = {
    beforeRequest: (request) => (request.operation === operation && ++seen === nth ? fault : null),
  }
}

let attempts = 0
async function copy() {
  const intents = openIntents(join(work, `${++attempts}.sqlite`)).of('there')
  const [entry] = await listAll(source)
  const deps = { source, destination, intents, serverSide: false, moved() {}, pause: async () => {} }
  const result = await copyObject(deps, entry!, noSignal)
  expect(result).toMatchObject({ outcome: 'copied', evidence: 'etag' })
  const made = to.object('bucket', 'a/film')!
  expect(made.etag).toBe(entry!.token)
  const md5 = createHash('md5').update(await made.body())
  expect(md5.digest('hex')).toBe(createHash('md5').update(body).digest('hex'))
  expect([to.uploads('bucket'), intents.all()]).toEqual([[], []])
}

it('uneven parts are asked for, no more than need be, and nothing is read twice', async () => {
  await copy()
  // Part 1 (with the metadata), 2 and 3; the last follows. Once more before it is completed.
  expect(from.requests.byOperation()).toMatchObject({ HeadObject: 4, GetObject: 4 })
  expect(to.requests.byOperation()).toMatchObject({ CreateMultipartUpload: 1, UploadPart: 4 })
})

it.each<[string, Operation, Fault, number]>([
  [
    'an error inside the answer of its completion',
    'CompleteMultipartUpload',
    { insideOk: 'InternalError' },
    4,
  ],
  ['an answer of its completion that is lost', 'CompleteMultipartUpload', 'drop-answer', 4],
  ['an answer to its creation that is lost', 'CreateMultipartUpload', 'drop-answer', 4],
  ['an answer to a part that is lost', 'UploadPart', 'drop-answer', 5],
  ['a completion that is refused for now', 'CompleteMultipartUpload', { status: 503, code: 'SlowDown' }, 4],
])('an upload survives %s', async (_, operation, fault, parts) => {
  once(operation, 1, fault)
  await copy()
  expect(to.requests.count('UploadPart')).toBe(parts)
})

it('a part that is changed on its way is found by its ETag, and sent again', async () => {
  let reads = 0
  from.hooks = {
    beforeRequest: ({ operation }) =>
      operation === 'GetObject' && ++reads === 2 ? { corruptAt: 1000 } : null,
  }
  await copy()
  expect(to.requests.count('UploadPart')).toBe(5)
})
