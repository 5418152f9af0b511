/** Stores that fail: what could be copied is there and equal, what could not be is named, and nothing is taken for copied. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Fault, RequestInfo } from '../../agent/s3-server/faults.ts'
import { displayKey } from '../../shared/key.ts'
import { fromA, type Outcome, openPlace, type Place, toB, told } from '../support/place.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

let place: Place
beforeAll(async () => {
  place = await openPlace()
})

/** What goes wrong, by the object's name: for each request about it, counted from 1 within its operation and part. */
type Trouble = (
  info: RequestInfo,
  nth: number,
) => Fault | null | undefined | Promise<Fault | null | undefined>

function troubles(byKey: Record<string, Trouble>) {
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

const on =
  (operation: RequestInfo['operation'], fault: Fault, times = Number.POSITIVE_INFINITY): Trouble =>
  (info, nth) =>
    info.operation === operation && nth <= times ? fault : null

const slowDown: Fault = { status: 503, code: 'SlowDown' }
const internal: Fault = { status: 500, code: 'InternalError' }
const denied: Fault = { status: 403, code: 'AccessDenied' }

const causes = ({ lines }: Outcome) =>
  Object.fromEntries(lines.filter(({ outcome }) => outcome === 'failed').map(({ key, code }) => [key, code]))

const digests = async (server: Place['a'], bucket: string) => {
  const found = new Map<string, string>()
  for (const object of server.objects(bucket)) {
    const hash = createHash('sha256').update(await object.body())
    found.set(displayKey(object.key), hash.digest('hex'))
  }
  return found
}

/** Sends an object up in parts, so that its ETag is one of parts. */
async function putInParts(sdk: Place['sdk']['a'], bucket: string, key: string, body: Buffer, part: number) {
  const { Upload } = await import('@aws-sdk/lib-storage')
  await new Upload({
    client: sdk,
    params: { Bucket: bucket, Key: key, Body: body, ContentType: 'text/x-parts' },
    partSize: part,
    queueSize: 1,
  }).done()
}

const MiB = 1024 * 1024
const bytes = (size: number, salt: number) => Buffer.alloc(size, `${salt} bytes that go in parts `)

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
  const count = 1_500
  const name = (i: number) => `o-${String(i).padStart(4, '0')}`

  /** Runs into the trouble, and again with its cause gone: everything is there then, and nothing was written twice. */
  async function overcomes(bucket: string, refusal: Fault, code: string, says: RegExp) {
    const { a, b, dray } = place
    a.fill(bucket, { count, key: name, size: () => 30 })
    b.createBucket(bucket)
    let puts = 0
    let isBroken = true
    hooks.set(bucket, ({ operation, method }) => {
      if (operation === 'PutObject') puts++
      return isBroken && puts > 700 && method !== 'DELETE' ? refusal : null
    })
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
  const hooks = new Map<string, (info: RequestInfo) => Fault | null>()
  beforeAll(() => {
    place.b.hooks = { beforeRequest: (info) => hooks.get(info.bucket ?? '')?.(info) }
  })

  it('is said once, and when its cause is gone the same command goes on', async () => {
    await Promise.all([
      overcomes(
        'removed',
        { status: 404, code: 'NoSuchBucket' },
        'no-such-bucket',
        /There is no bucket "removed"/,
      ),
      overcomes('expired', { status: 400, code: 'ExpiredToken' }, 'bad-credentials', /has expired/),
      overcomes('full', { status: 507, code: 'InsufficientStorage' }, 'no-space', /no room left/),
    ])
  })

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

  it.runIf(canMount())(
    'a full or read-only file system is said so, and is filled when there is room',
    async () => {
      const { a, at, dray } = place
      a.fill('disk', { count: 300, key: name, size: () => 8_000 })
      mkdirSync(at('tmpfs'))
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', at('tmpfs')])
      try {
        const args = ['copy', 's3://disk', at('tmpfs', 'to'), ...fromA]
        const full = await dray('of-full', ...args)
        expect(full.status).toBe(1)
        expect(full.stderr).toContain('The file system is full.')
        expect(full.result.objects.failed).toBe(0)
        const had = readdirSync(at('tmpfs', 'to'))
        expect(had.filter((file) => file.startsWith('.'))).toEqual([])

        const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, at('tmpfs')])
        remount('size=20m')
        let reads = 0
        a.hooks = {
          beforeRequest: ({ operation, bucket }) => {
            if (operation === 'GetObject' && bucket === 'disk' && ++reads === 50) remount('ro')
            return null
          },
        }
        const readOnly = await dray('of-full', ...args, '--concurrency', '1')
        a.hooks = {}
        expect(readOnly.status).toBe(1)
        expect(readOnly.stderr).toContain('The file system is mounted read-only.')
        expect(readOnly.result.objects.failed).toBe(0)
        const held = readdirSync(at('tmpfs', 'to')).length
        expect(held).toBeGreaterThan(had.length)
        remount('rw')
        const done = await dray('of-full', ...args)
        expect(done.status, done.stderr).toBe(0)
        expect(done.result.objects).toMatchObject({ listed: 300, same: held, copied: 300 - held })
        for (const object of a.objects('disk'))
          expect(readFileSync(at('tmpfs', 'to', String(object.key)))).toEqual(await object.body())
      } finally {
        execFileSync('umount', ['-l', at('tmpfs')])
      }
    },
  )
})

/** Whether this process may mount file systems; a full one cannot be had otherwise. */
function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'dray-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', dir], { stdio: 'ignore' })
    execFileSync('umount', [dir], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

describe('large objects', () => {
  it('keep their ETags, and leave nothing half-written where they are interrupted', async () => {
    const { a, b, sdk } = place
    a.hooks = {}
    const sizes: [string, number, number][] = [
      ['five', 61 * MiB + 12_345, 5 * MiB],
      ['seven', 70 * MiB, 7 * MiB],
      ['fifteen', 62 * MiB + 1, 15 * MiB],
    ]
    a.createBucket('large')
    for (const [i, [key, size, part]] of sizes.entries()) {
      await putInParts(sdk.a, 'large', key, bytes(size, i), part)
    }
    b.createBucket('large')
    const held = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    b.hooks = {
      beforeRequest: async ({ operation, nth, bucket }) => {
        if (bucket !== 'large' || operation !== 'UploadPart' || nth < 12) return null
        reached.resolve()
        await held.promise
        return null
      },
    }
    const args = ['copy', 's3://large', 's3://large', ...fromA, ...toB]
    const first = place.begin('large', ...args)
    await reached.promise
    first.child.kill('SIGINT')
    expect((await first.ended).status).toBe(130)
    held.resolve()
    expect(b.uploads('large'), 'aborted at a normal end').toEqual([])

    b.hooks = {}
    const done = await place.dray('large', ...args)
    expect(done.status, done.stderr).toBe(0)
    const listed = (server: Place['a']) =>
      [...server.objects('large')].map(({ key, etag, headers }) => [key, etag, headers['content-type']])
    expect(listed(b)).toEqual(listed(a))
    expect(b.uploads('large')).toEqual([])
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
