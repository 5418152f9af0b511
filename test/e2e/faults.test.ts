import { beforeAll, describe, expect, it, vi } from 'vitest'
import { fromA, openPlace, type Place, toB, told } from '../support/place.ts'
import {
  bytes,
  causes,
  denied,
  digests,
  internal,
  MiB,
  on,
  overcomes,
  putInParts,
  slowDown,
  type Trouble,
  troubles,
} from '../support/troubles.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

describe('one object in trouble', () => {
  it('is that object’s trouble alone; what passes is overcome, and what is broken is never copied', async () => {
    const { a, b, sdk, dray } = place
    const small = 3_000
    a.fill('from', { count: small, key: (i) => `many/${String(i).padStart(5, '0')}`, size: () => 50 })
    b.createBucket('to')
    const medium = Buffer.alloc(200_000, 'medium ')
    const overcome: Record<string, { side: 'a' | 'b'; trouble: Trouble }> = {
      'slow-get': { side: 'a', trouble: on('GetObject', slowDown, 3) },
      'slow-put': { side: 'b', trouble: on('PutObject', slowDown, 3) },
      'error-get': { side: 'a', trouble: on('GetObject', internal, 2) },
      'error-put': { side: 'b', trouble: on('PutObject', internal, 2) },
      'drop-get': { side: 'a', trouble: on('GetObject', 'drop', 2) },
      'drop-put': { side: 'b', trouble: on('PutObject', 'drop', 2) },
      'lost-put': { side: 'b', trouble: on('PutObject', 'drop-answer', 1) },
      'cut-get': { side: 'a', trouble: on('GetObject', { truncateAfter: 70_000 }, 2) },
      'corrupt-get': { side: 'a', trouble: on('GetObject', { corruptAt: 1_234 }, 1) },
      // More than one try of an object bears: all others come first then, and it is tried once more.
      'away-get': { side: 'a', trouble: on('GetObject', 'drop', 6) },
      'away-cut': { side: 'a', trouble: on('GetObject', { truncateAfter: 70_000 }, 6) },
      'away-put': { side: 'b', trouble: on('PutObject', internal, 6) },
    }
    const broken: Record<string, { side: 'a' | 'b'; trouble: Trouble; code: string }> = {
      'poison-cut': { side: 'a', trouble: on('GetObject', { truncateAfter: 70_000 }), code: 'unreachable' },
      'poison-drop': { side: 'a', trouble: on('GetObject', 'drop'), code: 'unreachable' },
      'poison-put': { side: 'b', trouble: on('PutObject', 'drop'), code: 'unreachable' },
      'poison-corrupt': { side: 'a', trouble: on('GetObject', { corruptAt: 1_234 }), code: 'bad-digest' },
      'poison-500': { side: 'a', trouble: on('GetObject', internal), code: 'server-error' },
      'denied-get': { side: 'a', trouble: on('GetObject', denied), code: 'access-denied' },
      'denied-put': { side: 'b', trouble: on('PutObject', denied), code: 'access-denied' },
      // The listing has it, and nobody can read it: that is not an object that vanished.
      phantom: { side: 'a', trouble: on('GetObject', { status: 404, code: 'NoSuchKey' }), code: 'not-found' },
    }
    const sides: Record<'a' | 'b', Record<string, Trouble>> = { a: {}, b: {} }
    for (const [key, { side, trouble }] of Object.entries({ ...overcome, ...broken })) {
      sides[side][key] = trouble
      // A large one shows a refusal before the body was sent.
      await a.put(
        'from',
        key,
        key === 'denied-put' ? bytes(4 * MiB, 1) : Buffer.concat([Buffer.from(key), medium]),
      )
    }
    // In parts, and what can happen to those.
    const parts: Record<string, Trouble> = {
      'parts-no-upload': on('UploadPart', { status: 404, code: 'NoSuchUpload' }, 1),
      'parts-inside-200': on('CompleteMultipartUpload', { insideOk: 'InternalError' }, 1),
      'parts-lost-complete': on('CompleteMultipartUpload', 'drop-answer', 1),
      'parts-cut': on('UploadPart', 'drop', 1),
    }
    for (const [i, [key, trouble]] of Object.entries(parts).entries()) {
      sides.b[key] = trouble
      await putInParts(sdk.a, 'from', key, bytes(11 * MiB + i, i), 5 * MiB)
    }
    // What happens to the source meanwhile.
    await a.put('from', 'changes', 'old')
    sides.a.changes = async ({ operation }, nth) => {
      if (operation === 'GetObject' && nth === 1) await a.put('from', 'changes', 'new and longer')
      return null
    }
    await a.put('from', 'vanishes', 'here')
    sides.a.vanishes = ({ operation }) => {
      if (operation === 'GetObject') a.delete('from', 'vanishes')
      return null
    }
    await putInParts(sdk.a, 'from', 'vanishes-large', bytes(6 * MiB, 9), 5 * MiB)
    sides.a['vanishes-large'] = ({ operation }) => {
      if (operation === 'HeadObject') a.delete('from', 'vanishes-large')
      return null
    }
    const listed = [...a.objects('from')].length
    a.hooks = { beforeRequest: troubles(sides.a) }
    b.hooks = { beforeRequest: troubles(sides.b) }

    const first = await dray('one', 'copy', 's3://from', 's3://to', ...fromA, ...toB)
    expect(first.status, first.stderr).toBe(1)
    expect(causes(first)).toEqual(
      Object.fromEntries(Object.entries(broken).map(([key, { code }]) => [key, code])),
    )
    const bad = Object.keys(broken).length
    expect(first.result.objects).toMatchObject({
      listed,
      same: 0,
      failed: bad,
      vanished: 2,
      copied: listed - bad - 2,
    })
    expect(told(first, 'vanished')).toEqual(['vanishes', 'vanishes-large'])
    expect(b.object('to', 'changes')?.size).toBe('new and longer'.length)
    const from = await digests(a, 'from')
    for (const key of Object.keys(broken)) from.delete(key)
    expect(await digests(b, 'to')).toEqual(from)
    for (const key of Object.keys(parts)) expect(b.object('to', key)?.etag).toBe(a.object('from', key)?.etag)
    expect(b.uploads('to')).toEqual([])

    // With the causes gone, only what failed is copied.
    a.hooks = b.hooks = {}
    b.requests.reset()
    const second = await dray('one', 'copy', 's3://from', 's3://to', ...fromA, ...toB)
    expect(second.status, second.stderr).toBe(0)
    expect(second.result.objects).toMatchObject({ listed: listed - 2, same: listed - 2 - bad, copied: bad })
    expect(b.requests.count('PutObject')).toBe(bad)
    expect(await digests(b, 'to')).toEqual(await digests(a, 'from'))
  })
})

describe('a side in trouble', () => {
  it('is said once, and when its cause is gone the same command goes on', () =>
    overcomes(
      place,
      'removed',
      { status: 404, code: 'NoSuchBucket' },
      'no-such-bucket',
      /There is no bucket "removed"/,
    ))

  it('never makes large objects of a bucket that was removed look as if they had vanished', async () => {
    const { a, sdk, b, dray } = place
    a.createBucket('lost')
    for (const key of ['1', '2']) await putInParts(sdk.a, 'lost', key, bytes(6 * MiB, 1), 5 * MiB)
    b.createBucket('lost')
    let isLost = false
    a.hooks = {
      beforeRequest: ({ operation, bucket, key }) => {
        if (bucket === 'lost' && operation === 'HeadObject' && key !== null) isLost = true
        return isLost ? { status: 404, code: 'NoSuchBucket' } : null
      },
    }
    const { status, result } = await dray('lost', 'copy', 's3://lost', 's3://lost', ...fromA, ...toB)
    a.hooks = {}
    expect([status, result.state, result.objects.vanished]).toEqual([1, 'incomplete', 0])
    expect(b.uploads('lost')).toEqual([])
  })
})

describe('a store whose ETags say nothing', () => {
  it('is read once more where the answer of its completion was lost', async () => {
    const opaque = await openPlace({ etags: 'opaque' })
    const { a, b, sdk, dray } = opaque
    a.createBucket('large')
    await putInParts(sdk.a, 'large', 'lost', bytes(6 * MiB, 1), 5 * MiB)
    b.createBucket('large')
    b.hooks = { beforeRequest: troubles({ lost: on('CompleteMultipartUpload', 'drop-answer', 1) }) }
    const { status, result } = await dray('s', 'copy', 's3://large', 's3://large', ...fromA, ...toB)
    expect([status, result.objects.copied]).toEqual([0, 1])
    expect(await digests(b, 'large')).toEqual(await digests(a, 'large'))
    expect(b.requests.count('CreateMultipartUpload')).toBe(1)
  })
})
