/** What an object is besides its bytes, through `dray copy`, as the AWS SDK puts it there and finds it. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
  type UploadPartCommandInput,
} from '@aws-sdk/client-s3'
import { describe, expect, it, vi } from 'vitest'
import { fromA, type Outcome, openPlace, type Place, toB, told } from '../support/place.ts'

vi.setConfig({ testTimeout: 90_000 })

const gzipped = Buffer.from('1f8b0800000000000003cb48cdc9c95728cf2fca49010085114a0d0b000000', 'hex')
const MiB = 1024 * 1024
const large = Buffer.alloc(6 * MiB, 'large')

const put = (sdk: S3Client, Bucket: string, Key: string, more: Partial<PutObjectCommandInput> = {}) =>
  sdk.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...more }))
const head = (sdk: S3Client, Bucket: string, Key: string) =>
  sdk.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
/** `large`, in two parts. */
async function putParts(
  sdk: S3Client,
  Bucket: string,
  Key: string,
  more: Partial<CreateMultipartUploadCommandInput> = {},
  ofParts: Partial<UploadPartCommandInput> = {},
) {
  const { UploadId } = await sdk.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
  const Parts = await Promise.all(
    [large.subarray(0, 5 * MiB), large.subarray(5 * MiB)].map(async (Body, i) => {
      const part = { Bucket, Key, UploadId, PartNumber: i + 1, Body, ...ofParts }
      const { ETag } = await sdk.send(new UploadPartCommand(part))
      return { PartNumber: i + 1, ETag }
    }),
  )
  const name = { Bucket, Key, UploadId }
  await sdk.send(new CompleteMultipartUploadCommand({ ...name, MultipartUpload: { Parts } }))
}
async function tags(sdk: S3Client, Bucket: string, Key: string): Promise<Record<string, string>> {
  const { TagSet } = await sdk.send(new GetObjectTaggingCommand({ Bucket, Key }))
  return Object.fromEntries((TagSet ?? []).map(({ Key: name, Value }) => [name!, Value!]))
}
const fromTo = (...more: string[]) => ['copy', 's3://from', 's3://to', ...fromA, ...toB, ...more]
const dropped = ({ result }: Outcome) => (result as { dropped?: object }).dropped

async function places(options: Parameters<typeof openPlace>[0] = {}): Promise<Place> {
  const place = await openPlace(options)
  place.a.createBucket('from')
  place.b.createBucket('to')
  return place
}

describe.concurrent('dray copy, between two stores', () => {
  it('keeps headers, user metadata, tags, class, redirect and checksum, of small and of large objects', async () => {
    const { a, b, sdk, dray } = await places()
    const all: Partial<PutObjectCommandInput> = {
      ContentType: 'text/x-dray; charset=utf-8',
      CacheControl: 'max-age=60, private',
      ContentDisposition: 'attachment; filename="a b.txt"',
      ContentLanguage: 'de, en',
      Expires: new Date('2030-01-01T00:00:00Z'),
      Metadata: { plain: 'a value', encoded: '=?UTF-8?B?w6TDtsO8?=' },
      Tagging: 'kind=photo&name+of=Z%C3%BCrich%20%26%20%2B&empty=',
      StorageClass: 'STANDARD_IA',
      WebsiteRedirectLocation: '/elsewhere.html',
    }
    await put(sdk.a, 'from', 'all', { ...all, ChecksumAlgorithm: 'CRC32C' })
    await putParts(sdk.a, 'from', 'large', all as CreateMultipartUploadCommandInput)
    await put(sdk.a, 'from', 'zipped.txt', {
      Body: gzipped,
      ContentEncoding: 'gzip',
      ContentType: 'text/plain',
    })
    await put(sdk.a, 'from', 'folder/', { Body: '' })
    await put(sdk.a, 'from', 'marker/', { Body: 'with content', Metadata: { some: 'thing' } })
    const raw = { 'x-amz-meta-utf8': 'Z\xc3\xbcrich', 'x-amz-meta-latin': 'Z\xfcrich' }
    await a.put('from', 'raw', 'raw', { headers: raw })

    const run = await dray('all', ...fromTo())
    expect(run.result.state).toBe('complete')
    expect(dropped(run)).toBeUndefined()
    expect(told(run, 'copied')).toHaveLength(6)

    for (const key of ['all', 'large']) {
      const found = await head(sdk.b, 'to', key)
      expect(found, key).toMatchObject({
        ContentType: 'text/x-dray; charset=utf-8',
        CacheControl: 'max-age=60, private',
        ContentDisposition: 'attachment; filename="a b.txt"',
        ContentLanguage: 'de, en',
        ExpiresString: 'Tue, 01 Jan 2030 00:00:00 GMT',
        Metadata: { plain: 'a value', encoded: '=?UTF-8?B?w6TDtsO8?=' },
        StorageClass: 'STANDARD_IA',
        WebsiteRedirectLocation: '/elsewhere.html',
      })
      expect(found.ETag, key).toBe((await head(sdk.a, 'from', key)).ETag)
      expect(await tags(sdk.b, 'to', key), key).toEqual({ kind: 'photo', 'name of': 'Zürich & +', empty: '' })
    }
    const checksums = [await head(sdk.a, 'from', 'all'), await head(sdk.b, 'to', 'all')]
    expect(checksums[1]!.ChecksumCRC32C).toBe(checksums[0]!.ChecksumCRC32C ?? 'some')
    const zipped = await sdk.b.send(new GetObjectCommand({ Bucket: 'to', Key: 'zipped.txt' }))
    expect(zipped.ContentEncoding).toBe('gzip')
    expect(Buffer.from(await zipped.Body!.transformToByteArray()).equals(gzipped)).toBe(true)
    expect((await head(sdk.b, 'to', 'folder/')).ContentLength).toBe(0)
    const marker = await sdk.b.send(new GetObjectCommand({ Bucket: 'to', Key: 'marker/' }))
    expect(await marker.Body!.transformToString()).toBe('with content')
    expect(marker.Metadata).toEqual({ some: 'thing' })
    expect(b.object('to', 'raw')!.headers).toMatchObject(raw)
  })

  it('keeps ACLs and locks where that is asked for, and counts locks where not', async () => {
    const { a, b, sdk, dray } = await openPlace()
    a.createBucket('from', { lockable: true })
    for (const bucket of ['to', 'held']) b.createBucket(bucket, { lockable: true })
    const until = new Date(Date.now() + 3_600_000)
    until.setMilliseconds(0)
    const locked = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until } as const
    await put(sdk.a, 'from', 'locked', { ...locked, ChecksumAlgorithm: 'CRC32' })
    await putParts(sdk.a, 'from', 'large', locked)
    await put(sdk.a, 'from', 'held', { ObjectLockLegalHoldStatus: 'ON', ChecksumAlgorithm: 'CRC32' })
    await put(sdk.a, 'from', 'public', { ACL: 'public-read' })
    await put(sdk.a, 'from', 'granted', {
      GrantFullControl: 'id="dray"',
      GrantRead: 'id="somebody"',
      GrantReadACP: 'id="somebody"',
    })

    const without = await dray('without', ...fromTo())
    expect(dropped(without)).toEqual({ 'object-lock': 3 })
    expect(without.stderr).toContain('--object-lock keep')
    expect((await head(sdk.b, 'to', 'locked')).ObjectLockMode).toBeUndefined()

    const args = [
      'copy',
      's3://from',
      's3://held',
      ...fromA,
      ...toB,
      '--object-lock',
      'keep',
      '--acl',
      'keep',
    ]
    const run = await dray('with', ...args)
    expect(run.result.state).toBe('complete')
    expect(dropped(run)).toBeUndefined()
    for (const key of ['locked', 'large']) expect(await head(sdk.b, 'held', key)).toMatchObject(locked)
    expect(await head(sdk.b, 'held', 'held')).toMatchObject({ ObjectLockLegalHoldStatus: 'ON' })
    const acl = async (sdk: S3Client, Bucket: string, Key: string) =>
      (await sdk.send(new GetObjectAclCommand({ Bucket, Key }))).Grants
    for (const key of ['locked', 'public', 'granted'])
      expect(await acl(sdk.b, 'held', key), key).toEqual(await acl(sdk.a, 'from', key))
  })

  it('stops before anything is copied where nothing may be lost', async () => {
    const { b, sdk, at, begin } = await places()
    b.hooks = {
      beforeRequest: ({ operation }) =>
        operation === 'GetObjectTagging' ? { status: 501, code: 'NotImplemented' } : null,
    }
    await put(sdk.a, 'from', 'plain')
    await put(sdk.a, 'from', 'tagged', { Tagging: 'a=b' })
    const stopped = await begin('stop', ...fromTo('--on-loss', 'stop')).ended
    expect(stopped.status, stopped.stderr).toBe(2)
    expect(stopped.stderr).toContain('cannot hold what objects of s3://from/ have: tags')
    expect([...b.objects('to')]).toEqual([])
    const directory = ['copy', 's3://from', at('there'), ...fromA, '--on-loss', 'stop']
    expect((await begin('file', ...directory).ended).status).toBe(2)
  })
})

describe.concurrent('dray copy, with keys of the customer’s', () => {
  const key = randomBytes(32)
  const headers = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
  const other = randomBytes(32)
  const others = {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: other.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(other).digest('base64'),
  }

  it('reads with the source’s, writes with the destination’s, and tells nobody', async () => {
    const { sdk, at, dray } = await places()
    await put(sdk.a, 'from', 'secret', headers)
    await putParts(sdk.a, 'from', 'large', headers, headers)
    await put(sdk.a, 'from', 'plain')
    mkdirSync(at('ssec/customer-keys'), { recursive: true })
    writeFileSync(at('ssec/customer-keys/one'), `${key.toString('base64')}\n`, { mode: 0o600 })
    writeFileSync(at('ssec/customer-keys/two'), other.toString('base64'), { mode: 0o600 })
    const run = await dray(
      'ssec',
      ...fromTo('--source-customer-key', 'one', '--destination-customer-key', 'two'),
    )
    expect(run.result.objects).toMatchObject({ copied: 3, failed: 0 })
    for (const [name, body] of [
      ['secret', Buffer.from('secret')],
      ['plain', Buffer.from('plain')],
      ['large', large],
    ] as const) {
      const found = await sdk.b.send(new GetObjectCommand({ Bucket: 'to', Key: name, ...others }))
      expect(body.equals(await found.Body!.transformToByteArray()), name).toBe(true)
      await expect(head(sdk.b, 'to', name)).rejects.toThrow()
    }
    const said = run.stdout + run.stderr + JSON.stringify(run.lines)
    for (const secret of [key, other]) expect(said).not.toContain(secret.toString('base64'))
  })

  it('refuses a key that is missing, or open to others', async () => {
    const { at, begin } = await places()
    const args = fromTo('--source-customer-key', 'mine')
    const missing = await begin('nokey', ...args).ended
    expect(missing.status).toBe(2)
    expect(missing.stderr).toContain('DRAY_CUSTOMER_KEY_mine')
    mkdirSync(at('open/customer-keys'), { recursive: true })
    writeFileSync(at('open/customer-keys/mine'), key.toString('base64'), { mode: 0o644 })
    const open = await begin('open', ...args).ended
    expect(open.status).toBe(2)
    expect(open.stderr).toContain('chmod 600')
    expect(open.stderr).not.toContain(key.toString('base64'))
  })
})

describe.concurrent('dray copy, from a store to a directory', () => {
  it('says what is not kept there, and counts what it was', async () => {
    const { a, sdk, at, dray } = await places()
    await put(sdk.a, 'from', 'plain.txt', { ContentType: 'text/plain' })
    await put(sdk.a, 'from', 'untyped')
    await put(sdk.a, 'from', 'typed.txt', { ContentType: 'image/png' })
    await put(sdk.a, 'from', 'headers', { CacheControl: 'no-cache', ContentEncoding: 'gzip' })
    await put(sdk.a, 'from', 'user', { Metadata: { some: 'thing', mtime: '1234567890' } })
    await put(sdk.a, 'from', 'time', { Metadata: { mtime: '1234567890' } })
    // A class is the store's own affair.
    await put(sdk.a, 'from', 'rare', { StorageClass: 'STANDARD_IA' })
    await put(sdk.a, 'from', 'tagged', { Tagging: 'a=b', WebsiteRedirectLocation: '/x' })
    const run = await dray('file', 'copy', 's3://from', at('there'), ...fromA)
    expect(run.result.state).toBe('complete')
    expect(run.stderr).toContain(`warning: ${at('there')} is a directory`)
    expect(dropped(run)).toEqual({
      'content-type': 1,
      'content-headers': 1,
      'user-metadata': 1,
      tags: 1,
      redirect: 1,
    })
    expect(run.lines.find(({ key }) => key === 'tagged')).toMatchObject({ dropped: ['tags', 'redirect'] })
    expect(run.lines.find(({ key }) => key === 'time')).not.toHaveProperty('dropped')
    // There is no place to put them, so nobody asks what they are.
    expect(a.requests.count('GetObjectTagging')).toBe(0)
  })

  it('counts a folder marker, with content or without, as what cannot be a file', async () => {
    const { sdk, at, dray } = await places()
    await put(sdk.a, 'from', 'folder/', { Body: '' })
    await put(sdk.a, 'from', 'full/', { Body: 'content' })
    await put(sdk.a, 'from', 'full/file')
    const run = await dray('markers', 'copy', 's3://from', at('there'), ...fromA)
    expect(run.result.objects).toMatchObject({ listed: 3, copied: 1, failed: 2 })
    expect(told(run, 'failed')).toEqual(['folder/', 'full/'])
    for (const line of run.lines.filter(({ outcome }) => outcome === 'failed'))
      expect(line.code).toBe('unsupported-key')
  })
})
