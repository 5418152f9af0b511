/** What can go wrong at a store, by object, and how to look at what is there without Dray. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { Fault, RequestInfo } from '../../agent/s3-server/faults.ts'
import { displayKey } from '../../shared/key.ts'
import { fromA, type Outcome, type Place, toB } from './place.ts'

/** What goes wrong, by the object's name: for each request about it, counted from 1 within its operation and part. */
export type Trouble = (
  info: RequestInfo,
  nth: number,
) => Fault | null | undefined | Promise<Fault | null | undefined>

export function troubles(byKey: Record<string, Trouble>) {
  const counts = new Map<string, number>()
  return async (info: RequestInfo) => {
    const trouble = byKey[info.key ?? '']
    if (!trouble) return null
    const name = `${info.operation} ${info.key} ${info.query.get('partNumber') ?? ''}`
    const nth = (counts.get(name) ?? 0) + 1
    counts.set(name, nth)
    return trouble(info, nth)
  }
}

export const on =
  (operation: RequestInfo['operation'], fault: Fault, times = Number.POSITIVE_INFINITY): Trouble =>
  (info, nth) =>
    info.operation === operation && nth <= times ? fault : null

export const slowDown: Fault = { status: 503, code: 'SlowDown' }
export const internal: Fault = { status: 500, code: 'InternalError' }
export const denied: Fault = { status: 403, code: 'AccessDenied' }

export const causes = ({ lines }: Outcome) =>
  Object.fromEntries(lines.filter(({ outcome }) => outcome === 'failed').map(({ key, code }) => [key, code]))

export const digests = async (server: Place['a'], bucket: string) => {
  const found = new Map<string, string>()
  for (const object of server.objects(bucket)) {
    const hash = createHash('sha256').update(await object.body())
    found.set(displayKey(object.key), hash.digest('hex'))
  }
  return found
}

/** Sends an object up in parts, so that its ETag is one of parts. */
export async function putInParts(
  sdk: Place['sdk']['a'],
  bucket: string,
  key: string,
  body: Buffer,
  part: number,
) {
  const { Upload } = await import('@aws-sdk/lib-storage')
  await new Upload({
    client: sdk,
    params: { Bucket: bucket, Key: key, Body: body, ContentType: 'text/x-parts' },
    partSize: part,
    queueSize: 1,
  }).done()
}

export const MiB = 1024 * 1024
export const bytes = (size: number, salt: number) => Buffer.alloc(size, `${salt} bytes that go in parts `)

const count = 1_500
const name = (i: number) => `o-${String(i).padStart(4, '0')}`

/** Runs into the trouble, and again with its cause gone: everything is there then, and nothing was written twice. */
export async function overcomes(place: Place, bucket: string, refusal: Fault, code: string, says: RegExp) {
  const { a, b, dray } = place
  a.fill(bucket, { count, key: name, size: () => 30 })
  b.createBucket(bucket)
  let puts = 0
  let isBroken = true
  b.hooks = {
    beforeRequest: ({ operation, method, bucket: of }) => {
      if (of !== bucket) return null
      if (operation === 'PutObject') puts++
      return isBroken && puts > 700 && method !== 'DELETE' ? refusal : null
    },
  }
  const args = ['copy', `s3://${bucket}`, `s3://${bucket}`, ...fromA, ...toB]
  const first = await dray(bucket, ...args)
  expect(first.status, code).toBe(1)
  expect(first.stderr).toMatch(says)
  // It is the side's trouble, and not that of hundreds of objects.
  expect(first.result.objects).toMatchObject({ failed: 0, vanished: 0 })
  isBroken = false
  const had = [...b.objects(bucket)].length
  puts = 0
  const second = await dray(bucket, ...args)
  expect(second.status, second.stderr).toBe(0)
  expect(second.result.objects).toMatchObject({ listed: count, copied: count - had, same: had })
  expect(puts).toBe(count - had)
  expect(await digests(b, bucket)).toEqual(await digests(a, bucket))
}
