/** One side fails: what the application hears, where it reads then, and that both sides come to be equal. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it, vi } from 'vitest'
import type { Fault, RequestInfo } from '../../agent/s3-server/faults.ts'
import type { S3Server } from '../../agent/s3-server/s3-server.ts'
import { type MirrorStage, mirrorStage } from './stage.ts'

const Bucket = 'photos'

/** Lets these operations fail; gives what mends them. */
function fail(
  server: S3Server,
  fault: Fault,
  which: (info: RequestInfo) => boolean = () => true,
): () => void {
  server.hooks = { beforeRequest: (info) => (which(info) ? fault : null) }
  return () => {
    server.hooks = {}
  }
}

const put = ({ app }: MirrorStage, Key: string, Body: string | Buffer) =>
  app.send(new PutObjectCommand({ Bucket, Key, Body }))
const read = async ({ app }: MirrorStage, Key: string) =>
  (await app.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString()
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'no error',
    (error) => (error as Error).name,
  )
const listed = async ({ app }: MirrorStage) =>
  (await app.send(new ListObjectsV2Command({ Bucket }))).Contents?.map(({ Key }) => Key) ?? []

const isWrite = ({ method }: RequestInfo) => method !== 'GET' && method !== 'HEAD'
const faults: [string, Fault][] = [
  ['refuses', { status: 403, code: 'AccessDenied' }],
  ['breaks off', 'drop'],
  ['fails', { status: 500, code: 'InternalError' }],
  ['does it and breaks off', 'drop-answer'],
]

describe('where the new side', () => {
  it.each(faults)(
    '%s, the application is told of success, and the new side is made equal',
    async (_, fault) => {
      const stage = await mirrorStage()
      await put(stage, 'a', 'before')
      await put(stage, 'b', 'before')
      await put(stage, 'c', 'before')
      await put(stage, 'tagged', 'tagged')
      const mend = fail(stage.new, fault, isWrite)
      await put(stage, 'a', 'after')
      await put(stage, 'large', Buffer.alloc(1_000_000, 'x'))
      await stage.app.send(new DeleteObjectCommand({ Bucket, Key: 'b' }))
      await stage.app.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'c' }] } }))
      await stage.app.send(new CopyObjectCommand({ Bucket, Key: 'd', CopySource: 'photos/tagged' }))
      const TagSet = [{ Key: 'a', Value: 'b' }]
      await stage.app.send(new PutObjectTaggingCommand({ Bucket, Key: 'tagged', Tagging: { TagSet } }))

      expect(await read(stage, 'a')).toBe('after')
      expect(await codeOf(read(stage, 'b'))).toBe('NoSuchKey')
      expect(await listed(stage)).toEqual(['a', 'd', 'large', 'tagged'])
      mend()
      await stage.settled()
      expect(await stage.stored('new')).toEqual(await stage.stored('old'))
      expect(stage.new.object('new', 'a')?.etag).toBe(stage.old.object('old', 'a')?.etag)
      expect(stage.mirror.status().repaired).toBeGreaterThan(0)
      expect(await listed(stage)).toEqual(['a', 'd', 'large', 'tagged'])
    },
  )

  it('cannot be reached, nothing waits for it, and it is made equal when it is back', async () => {
    const stage = await mirrorStage({ patienceMs: 30 })
    await put(stage, 'a', 'before')
    const mend = fail(stage.new, 'stall')
    for (const i of [1, 2, 3, 4, 5, 6]) await put(stage, `key ${i}`, `body ${i}`)
    await put(stage, 'large', Buffer.alloc(3_000_000, 'x'))
    expect(await read(stage, 'key 1')).toBe('body 1')
    mend()
    await stage.settled()
    expect(await stage.stored('new')).toEqual(await stage.stored('old'))
  })

  it('has not been filled yet, reads fall back to the old one', async () => {
    const stage = await mirrorStage()
    await stage.old.put('old', 'x/early', 'early')
    await stage.old.put('old', 'y', 'why')
    await put(stage, 'x/late', 'late')
    expect(await read(stage, 'x/early')).toBe('early')
    expect(await listed(stage)).toEqual(['x/early', 'x/late', 'y'])
    const tree = await stage.app.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 1 }))
    expect(tree).toMatchObject({ CommonPrefixes: [{ Prefix: 'x/' }], IsTruncated: true })
    const rest = await stage.app.send(
      new ListObjectsV2Command({ Bucket, Delimiter: '/', ContinuationToken: tree.NextContinuationToken }),
    )
    expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['y'])
    const head = await stage.app.send(new HeadObjectCommand({ Bucket, Key: 'y' }))
    expect(head.ContentLength).toBe(3)
    // What the old side alone has is copied there by itself alone: the other is made equal behind it.
    await stage.app.send(new CopyObjectCommand({ Bucket, Key: 'z', CopySource: 'photos/y' }))
    await stage.settled()
    expect(await stage.stored('new')).toEqual({ 'x/late': 'late', z: 'why' })
  })

  it('gets a late copy of what was deleted, nobody sees it, and it goes before the roles change', async () => {
    const stage = await mirrorStage()
    await put(stage, 'x/gone', 'v1')
    await stage.app.send(new DeleteObjectCommand({ Bucket, Key: 'x/gone' }))
    // As a backfill does that had read it before.
    await stage.new.put('new', 'x/gone', 'v1')
    expect(await codeOf(read(stage, 'x/gone'))).toBe('NoSuchKey')
    expect(await listed(stage)).toEqual([])
    const tree = await stage.app.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))
    expect(tree.CommonPrefixes).toBeUndefined()
    await stage.restart()
    expect(await codeOf(read(stage, 'x/gone'))).toBe('NoSuchKey')
    await stage.mirror.switchTo('new')
    expect(await stage.stored('new')).toEqual({})
    expect(await codeOf(read(stage, 'x/gone'))).toBe('NoSuchKey')
  })

  it.each([['if-none-match'], ['if-match'], ['CompleteMultipartUpload if-none-match']])(
    'does not hold writes to %s, reads stay on the old one',
    async (forgotten) => {
      const stage = await mirrorStage({ newServer: { forgets: [forgotten] } })
      await put(stage, 'a', 'mirrored')
      await stage.new.put('new', 'a', 'an older copy that came late')
      expect(await read(stage, 'a')).toBe('mirrored')
      expect(stage.mirror.status()).toMatchObject({
        reads: 'old',
        stay: expect.stringContaining('conditions'),
      })
      expect(Object.keys(await stage.stored('new'))).toEqual(['a'])
    },
  )

  it('calls the same bytes by another ETag, reads stay on the old one from then on', async () => {
    const stage = await mirrorStage({ newServer: { etags: 'opaque' } })
    expect(stage.mirror.status().reads).toBe('new')
    const { ETag } = await put(stage, 'a', 'same bytes')
    expect(stage.mirror.status().reads).toBe('old')
    await stage.restart()
    const head = await stage.app.send(new HeadObjectCommand({ Bucket, Key: 'a' }))
    expect(head.ETag).toBe(ETag)
  })
})

describe('where the side of record', () => {
  it('refuses, the application hears just that, and the new side is made as the old', async () => {
    const stage = await mirrorStage()
    await put(stage, 'a', 'before')
    const mend = fail(stage.old, { status: 403, code: 'AccessDenied', message: 'No.' }, isWrite)
    expect(await codeOf(put(stage, 'a', 'after'))).toBe('AccessDenied')
    expect(await codeOf(put(stage, 'large', Buffer.alloc(2_000_000)))).toBe('AccessDenied')
    expect(await codeOf(stage.app.send(new DeleteObjectCommand({ Bucket, Key: 'a' })))).toBe('AccessDenied')
    expect(await read(stage, 'a')).toBe('before')
    mend()
    await stage.settled()
    expect(await stage.stored('old')).toEqual({ a: 'before' })
    expect(await stage.stored('new')).toEqual({ a: 'before' })
    expect(await read(stage, 'a')).toBe('before')
  })

  it('breaks off, the application is to try again, and both sides are as the old one is', async () => {
    const stage = await mirrorStage()
    await put(stage, 'a', 'before')
    const mend = fail(stage.old, 'drop-answer', isWrite)
    expect(await codeOf(put(stage, 'a', 'after'))).toBe('SlowDown')
    mend()
    await stage.settled()
    expect(await stage.stored('old')).toEqual({ a: 'after' })
    expect(await stage.stored('new')).toEqual({ a: 'after' })
  })

  it('loses its bucket, nothing is deleted from the new side on its word', async () => {
    const stage = await mirrorStage()
    await put(stage, 'a', 'before')
    const mend = fail(stage.new, { status: 403, code: 'AccessDenied' }, isWrite)
    await put(stage, 'a', 'after')
    stage.old.removeBucket('old')
    mend()
    await vi.waitUntil(() => stage.mirror.status().problem?.includes('no bucket'), { timeout: 10_000 })
    expect(await stage.stored('new')).toEqual({ a: 'before' })
    expect(stage.mirror.status().dirty).toBe(1)
  })

  it('decides on conditions, once', async () => {
    const stage = await mirrorStage()
    // The new side lacks what the old one has, and has what that one lacks.
    await stage.old.put('old', 'there', 'old')
    await stage.new.put('new', 'not there', 'left over')
    const put = (Key: string, more: object) =>
      stage.app.send(new PutObjectCommand({ Bucket, Key, Body: 'new', ...more }))
    const { etag } = stage.old.object('old', 'there')!
    expect(await codeOf(put('there', { IfNoneMatch: '*' }))).toBe('PreconditionFailed')
    expect(await codeOf(put('there', { IfMatch: '"another"' }))).toBe('PreconditionFailed')
    await put('there', { IfMatch: `"${etag}"` })
    await put('not there', { IfNoneMatch: '*' })
    await stage.settled()
    expect(await stage.stored('new')).toEqual({ there: 'new', 'not there': 'new' })
    expect(await stage.stored('old')).toEqual({ there: 'new', 'not there': 'new' })
  })
})

describe('after the roles have changed', () => {
  it('the new side is the side of record, also after a start, and back again', async () => {
    const stage = await mirrorStage()
    await put(stage, 'a', '1')
    await stage.mirror.switchTo('new')
    expect(stage.mirror.status()).toMatchObject({ record: 'new', reads: 'new', tombstones: 0 })
    const mend = fail(stage.old, { status: 403, code: 'AccessDenied' }, isWrite)
    await put(stage, 'a', '2')
    await put(stage, 'b', '2')
    expect(await read(stage, 'a')).toBe('2')
    await stage.restart()
    expect(stage.mirror.record).toBe('new')
    expect(await codeOf(stage.app.send(new HeadObjectCommand({ Bucket, Key: 'none' })))).toBe('NotFound')
    mend()
    await stage.settled()
    expect(await stage.stored('old')).toEqual({ a: '2', b: '2' })
    await stage.mirror.switchTo('old')
    await put(stage, 'a', '3')
    expect(await stage.stored('old')).toEqual({ a: '3', b: '2' })
    expect(await stage.stored('new')).toEqual({ a: '3', b: '2' })
  })

  it('happens between two writes: none is lost while many are under way', async () => {
    const stage = await mirrorStage()
    let over = false
    const acknowledged = new Map<string, string>()
    const writer = async (name: string) => {
      for (let i = 0; !over; i++) {
        await put(stage, name, String(i))
        acknowledged.set(name, String(i))
      }
    }
    const writers = ['a', 'b', 'c', 'd'].map(writer)
    for (const side of ['new', 'old', 'new'] as const) await stage.mirror.switchTo(side)
    over = true
    await Promise.all(writers)
    await stage.settled()
    expect(await stage.stored('new')).toEqual(Object.fromEntries(acknowledged))
    expect(await stage.stored('old')).toEqual(Object.fromEntries(acknowledged))
  })
})
