/** What of an object goes along in a pass between two S3 servers, and what becomes of what the destination does not take. */
import {
  DeleteObjectTaggingCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RequestInfo } from '../../agent/s3-server/faults.ts'
import type { S3Server, S3ServerOptions } from '../../agent/s3-server/s3-server.ts'
import { defaultFidelity, type FidelityPolicy } from '../../shared/fidelity.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World, type S3World } from './s3-world.ts'

let plane: Plane
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())

const sdks = new Map<S3Server, S3Client>()
function sdk(server: S3Server): S3Client {
  const known = sdks.get(server)
  if (known) return known
  const client = new S3Client({
    endpoint: server.url.href,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret of the test' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  })
  sdks.set(server, client)
  return client
}

interface Stage extends S3World {
  put(Key: string, more?: object): Promise<void>
  head(Key: string): Promise<object & { StorageClass?: string | undefined }>
  tags(Key: string): Promise<Record<string, string>>
  /** One pass of that policy. */
  carry(policy?: Partial<FidelityPolicy>): ReturnType<S3World['pass']>
}

/** `b` may be `a`: one store. */
async function stage(
  b: Partial<S3ServerOptions> | 'a' = {},
  a: Partial<S3ServerOptions> = {},
): Promise<Stage> {
  const world = await openS3World(plane, { a, b })
  return {
    ...world,
    async put(Key, more = {}) {
      await sdk(world.a).send(new PutObjectCommand({ Bucket: world.from, Key, Body: Key, ...more }))
    },
    head: (Key) => sdk(world.b).send(new HeadObjectCommand({ Bucket: world.to, Key })),
    async tags(Key) {
      const { TagSet } = await sdk(world.b).send(new GetObjectTaggingCommand({ Bucket: world.to, Key }))
      return Object.fromEntries((TagSet ?? []).map(({ Key: name, Value }) => [name!, Value!]))
    },
    carry: (policy = {}) => world.pass({ fidelity: { ...defaultFidelity, ...policy } }),
  }
}

const all = { Tagging: 'a=b', StorageClass: 'STANDARD_IA', WebsiteRedirectLocation: '/x' }

/** A destination that refuses whatever is written with that header. */
const refusing = (header: string, status: number, code: string) => ({
  hooks: {
    beforeRequest: ({ operation, headers }: RequestInfo) =>
      operation === 'PutObject' && headers.has(header) ? { status, code } : null,
  },
})

describe('a pass', () => {
  it('asks for tags of those objects alone that have some, and for ACLs of none', async () => {
    const { a, from, put, carry, tags } = await stage()
    a.fill(from, { count: 50, key: (i) => `plain-${i}`, size: () => 100 })
    await put('tagged', { Tagging: 'a=b' })
    const { asked, counts } = await carry()
    expect(asked).toMatchObject({ GetObject: 51, PutObject: 51 })
    expect(a.requests.count('GetObjectTagging')).toBe(1)
    expect(asked.GetObjectAcl).toBeUndefined()
    expect(counts.dropped).toEqual({})
    expect(await tags('tagged')).toEqual({ a: 'b' })
  })

  it('does what is asked of classes, tags and encryption', async () => {
    const { a, from, world, put, carry, head, tags } = await stage()
    await put('standard', { Tagging: 'a=b' })
    await put('rare', { StorageClass: 'ONEZONE_IA' })
    await put('other', { StorageClass: 'STANDARD_IA' })
    await a.put(from, 'hidden', 'x', { headers: { 'x-amz-missing-meta': '2' } })
    const { state, number, counts } = await carry({
      storageClass: { to: { STANDARD: 'INTELLIGENT_TIERING', ONEZONE_IA: 'STANDARD' } },
      tags: 'drop',
      encryption: 'aws:kms:some/key',
    })
    expect(state).toBe('complete')
    expect(counts.dropped).toEqual({ tags: 1, 'hidden-metadata': 1 })
    const found = await Promise.all(['standard', 'rare', 'other'].map(head))
    expect(found.map(({ StorageClass }) => StorageClass)).toEqual([
      'INTELLIGENT_TIERING',
      undefined,
      'STANDARD_IA',
    ])
    for (const each of found)
      expect(each).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'some/key' })
    expect(await tags('standard')).toEqual({})
    const report = await world.report(number)
    expect(report.find(({ key }) => key === 'standard')).toMatchObject({ dropped: ['tags'] })
  })

  it('keeps encryption under KMS where that is asked for, and proves the copy all the same', async () => {
    const { put, carry, head } = await stage()
    const encryption = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'k', BucketKeyEnabled: true }
    await put('secret', { Body: Buffer.alloc(2_000_000, 'secret'), ...encryption })
    const { state, counts } = await carry({ encryption: 'keep' })
    expect(state).toBe('complete')
    expect(counts.evidence).toEqual({ 'full-read': 1 })
    expect(await head('secret')).toMatchObject(encryption)
  })

  it('leaves out what the destination refuses by name, and nothing else', async () => {
    const { put, carry, head, tags } = await stage(
      refusing('x-amz-storage-class', 400, 'InvalidStorageClass'),
    )
    for (const key of ['one', 'two', 'three']) await put(key, all)
    const { state, counts } = await carry()
    expect(state).toBe('complete')
    expect(counts.dropped).toEqual({ 'storage-class': 3 })
    expect(await head('two')).toMatchObject({ WebsiteRedirectLocation: '/x' })
    expect(await tags('two')).toEqual({ a: 'b' })
  })

  it('takes the refusal of one object for that object’s alone', async () => {
    const { put, carry, tags } = await stage({
      hooks: {
        beforeRequest: ({ operation, headers }: RequestInfo) =>
          operation === 'PutObject' && headers.get('x-amz-tagging')?.startsWith('aws%3A')
            ? { status: 400, code: 'InvalidTag' }
            : null,
      },
    })
    for (let i = 0; i < 6; i++) await put(`of-aws-${i}`, { Tagging: 'aws%3Asystem=x' })
    const others = Array.from({ length: 6 }, (_, i) => `a-${i}`)
    for (const key of others) await put(key, { Tagging: 'a=b' })
    const { counts } = await carry()
    expect(counts.dropped).toEqual({ tags: 6 })
    for (const key of others) expect(await tags(key), key).toEqual({ a: 'b' })
  })

  it('that verifies in full compares headers, user metadata, tags and redirects', async () => {
    const { b, to, put, pass, carry } = await stage()
    for (const key of ['same', 'tag', 'header', 'redirect'])
      await put(key, { ...all, CacheControl: 'no-cache', Metadata: { a: 'b' } })
    await carry()
    const verify = { kind: 'verify', depth: 'full' } as const
    expect((await pass(verify)).state).toBe('complete')
    await sdk(b).send(new DeleteObjectTaggingCommand({ Bucket: to, Key: 'tag' }))
    const { headers } = b.object(to, 'same')!
    const { 'cache-control': _, ...withoutHeader } = headers
    const { 'x-amz-website-redirect-location': __, ...withoutRedirect } = headers
    const tagged = { Bucket: to, Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }
    await b.put(to, 'header', 'header', { headers: withoutHeader })
    await b.put(to, 'redirect', 'redirect', { headers: withoutRedirect })
    for (const Key of ['header', 'redirect'])
      await sdk(b).send(new PutObjectTaggingCommand({ ...tagged, Key }))
    expect((await pass(verify)).counts.objects).toMatchObject({ same: 1, failed: 3 })
    const policy = { ...defaultFidelity, tags: 'drop' } as const
    expect((await pass({ ...verify, fidelity: policy })).counts.objects).toMatchObject({ same: 2, failed: 2 })
  })

  it('has no use for a retention that has ended', async () => {
    const { a, from, put, carry } = await stage()
    await put('plain')
    await a.put(from, 'once', 'x', {
      headers: {
        'x-amz-object-lock-mode': 'GOVERNANCE',
        'x-amz-object-lock-retain-until-date': '2020-01-01T00:00:00Z',
      },
    })
    expect((await carry({ objectLock: 'keep', onLoss: 'stop' })).state).toBe('complete')
    expect((await carry()).counts.dropped).toEqual({})
  })

  it('finds out what a refusal means that does not say it', async () => {
    const { put, carry, head, tags } = await stage(
      refusing('x-amz-website-redirect-location', 501, 'NotImplemented'),
    )
    for (const key of ['one', 'two']) await put(key, all)
    const { state, counts } = await carry()
    expect(state).toBe('complete')
    expect(counts.dropped).toEqual({ redirect: 2 })
    expect(await head('one')).toMatchObject({ StorageClass: 'STANDARD_IA' })
    expect(await tags('one')).toEqual({ a: 'b' })
  })

  it('notices what a destination takes and forgets', async () => {
    const { put, carry, head } = await stage({
      forgets: ['x-amz-tagging', 'x-amz-website-redirect-location'],
    })
    for (const key of ['one', 'two']) await put(key, all)
    const { state, counts } = await carry()
    expect(state).toBe('complete')
    expect(counts.dropped).toEqual({ tags: 2, redirect: 2 })
    expect(await head('one')).toMatchObject({ StorageClass: 'STANDARD_IA' })
  })

  it('puts tags on afterwards that a store forgets when it copies by itself', async () => {
    let later = 0
    const now = () => Date.now() + later
    const { put, carry, head, tags } = await stage('a', { forgets: ['CopyObject x-amz-tagging'], now })
    const keys = ['one', 'two', 'three']
    for (const key of keys) await put(key, all)
    expect((await carry()).counts).toMatchObject({ objects: { copied: 3 }, dropped: {} })
    for (const key of keys) expect(await tags(key)).toEqual({ a: 'b' })

    later = 60_000
    await put('one', { ...all, Metadata: { new: 'yes' } })
    expect((await carry()).counts).toMatchObject({ objects: { copied: 1 }, dropped: {} })
    expect(await head('one')).toMatchObject({ Metadata: { new: 'yes' } })
    expect(await tags('one')).toEqual({ a: 'b' })
  })

  it('notices that names of user metadata become others, and counts whose do', async () => {
    const { put, carry } = await stage({ forgets: ['x-amz-meta-a_b'] })
    await put('plain', { Metadata: { a: '1' } })
    for (const key of ['one', 'two']) await put(key, { Metadata: { a_b: '1', c: '2' } })
    const { state, counts } = await carry()
    expect(state).toBe('complete')
    expect(counts.dropped).toEqual({ 'user-metadata': 2 })
  })

  it('does not give up an encryption that was asked for by name', async () => {
    const { b, to, put, carry } = await stage(
      refusing('x-amz-server-side-encryption', 400, 'InvalidArgument'),
    )
    await put('secret', all)
    const { counts, failureCauses } = await carry({ encryption: 'AES256' })
    expect(counts.objects).toMatchObject({ copied: 0, failed: 1 })
    expect(failureCauses).toMatchObject([{ code: 'invalid-request' }])
    expect([...b.objects(to)]).toEqual([])
  })

  it('writes nothing of an object that would lose something, where nothing may be lost', async () => {
    const { b, to, put, carry } = await stage(refusing('x-amz-storage-class', 400, 'InvalidStorageClass'))
    await put('plain')
    await put('rare', all)
    const { counts, failureCauses } = await carry({ onLoss: 'stop' })
    expect(counts.objects).toMatchObject({ copied: 1, failed: 1 })
    expect(failureCauses).toMatchObject([{ code: 'unsupported-property' }])
    expect([...b.objects(to)].map(({ key }) => key)).toEqual(['plain'])
  })
})
