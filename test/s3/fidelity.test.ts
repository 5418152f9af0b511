/** What an object is besides its bytes, between two real S3 servers and on to a directory, as the AWS SDK sees it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Result, resultOf, run } from '../support/dray.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const stores = ['', '_2'].map((n) => ({
  endpoint: process.env[`DRAY_TEST_S3_ENDPOINT${n}`]!,
  key: process.env[`DRAY_TEST_S3_KEY${n}`]!,
  secret: process.env[`DRAY_TEST_S3_SECRET${n}`]!,
}))
const [first, second] = stores.map(
  ({ endpoint, key, secret }) =>
    new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: key, secretAccessKey: secret },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
) as [S3Client, S3Client]
const work = mkdtempSync(join(tmpdir(), 'dray-fidelity-'))
const from = `fidelity-from-${Date.now().toString(36)}`
const to = `fidelity-to-${Date.now().toString(36)}`
const locked = `${from}-locked`
const lockedTo = `${to}-locked`

const put = (Bucket: string, Key: string, more: Partial<PutObjectCommandInput> = {}) =>
  first.send(new PutObjectCommand({ Bucket, Key, Body: Key, ...more }))
const head = (Bucket: string, Key: string, sdk = second) => sdk.send(new HeadObjectCommand({ Bucket, Key }))
async function tags(Key: string, Bucket = to, sdk = second): Promise<Record<string, string>> {
  const { TagSet } = await sdk.send(new GetObjectTaggingCommand({ Bucket, Key }))
  return Object.fromEntries((TagSet ?? []).map(({ Key: name, Value }) => [name!, Value!]))
}
async function dray(...args: string[]): Promise<Result & { dropped?: object; stderr: string }> {
  const env = {
    AWS_CONFIG_FILE: join(work, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(work, 'credentials'),
    DRAY_STATE_DIR: join(work, 'state'),
  }
  const ended = await run([...args, '--source-profile', 'first', '--json'], env)
  return { ...resultOf(ended), stderr: ended.stderr }
}

describe.skipIf(!stores[0]!.endpoint)('between two real stores', () => {
  beforeAll(async () => {
    const sections = stores.map(({ endpoint, key, secret }, i) => ({
      config: `[profile ${i === 0 ? 'first' : 'second'}]\nendpoint_url = ${endpoint}\nregion = us-east-1\n`,
      keys: `[${i === 0 ? 'first' : 'second'}]\naws_access_key_id = ${key}\naws_secret_access_key = ${secret}\n`,
    }))
    writeFileSync(join(work, 'config'), sections.map(({ config }) => config).join('\n'))
    writeFileSync(join(work, 'credentials'), sections.map(({ keys }) => keys).join('\n'))
    await first.send(new CreateBucketCommand({ Bucket: from }))
    await second.send(new CreateBucketCommand({ Bucket: to }))
    await first.send(new CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }))
    await second.send(new CreateBucketCommand({ Bucket: lockedTo, ObjectLockEnabledForBucket: true }))
  })
  afterAll(() => {
    rmSync(work, { recursive: true, force: true })
    for (const sdk of [first, second]) sdk.destroy()
  })

  it('headers, user metadata, tags, redirects, folder markers and ACLs arrive', async () => {
    const all: Partial<PutObjectCommandInput> = {
      ContentType: 'text/x-dray; charset=utf-8',
      CacheControl: 'max-age=60, private',
      ContentDisposition: 'attachment; filename="a b.txt"',
      ContentLanguage: 'de',
      Metadata: { plain: 'a value', encoded: '=?UTF-8?B?w6TDtsO8?=' },
      Tagging: 'kind=photo&name%20of=Z%C3%BCrich%20%26%20%2B',
      StorageClass: 'STANDARD',
      WebsiteRedirectLocation: '/elsewhere.html',
      ACL: 'public-read',
    }
    await put(from, 'all', all)
    const body = Buffer.alloc(6 * 1024 * 1024, 'large')
    const upload = { client: first, params: { Bucket: from, Key: 'large', Body: body, ...all } }
    await new Upload({ ...upload, partSize: 5 * 1024 * 1024 }).done()
    // The gateway takes tags at an upload's beginning, and forgets them.
    const TagSet = [
      { Key: 'kind', Value: 'photo' },
      { Key: 'name of', Value: 'Zürich & +' },
    ]
    await first.send(new PutObjectTaggingCommand({ Bucket: from, Key: 'large', Tagging: { TagSet } }))
    await put(from, 'zipped', { ContentEncoding: 'gzip' })
    await put(from, 'folder/', { Body: '' })
    await put(from, 'full/')
    const result = await dray(
      'copy',
      `s3://${from}`,
      `s3://${to}`,
      '--destination-profile',
      'second',
      '--acl',
      'keep',
    )
    expect(result.objects, result.stderr).toMatchObject({ copied: 5, failed: 0 })
    expect(result.dropped).toBeUndefined()
    for (const key of ['all', 'large']) {
      const at = await head(to, key)
      const was = await head(from, key, first)
      for (const name of [
        'ContentType',
        'CacheControl',
        'ContentDisposition',
        'ContentLanguage',
        'Metadata',
        'WebsiteRedirectLocation',
        'StorageClass',
        'ETag',
      ] as const)
        expect(at[name] ?? 'STANDARD', `${name} of ${key}`).toEqual(was[name] ?? 'STANDARD')
      expect(await tags(key), key).toEqual({ kind: 'photo', 'name of': 'Zürich & +' })
      const { Grants } = await second.send(new GetObjectAclCommand({ Bucket: to, Key: key }))
      expect(Grants?.map(({ Permission }) => Permission).sort(), key).toEqual(['FULL_CONTROL', 'READ'])
    }
    expect((await head(to, 'zipped')).ContentEncoding).toBe('gzip')
    expect((await head(to, 'folder/')).ContentLength).toBe(0)
    const full = await second.send(new GetObjectCommand({ Bucket: to, Key: 'full/' }))
    expect(await full.Body!.transformToString()).toBe('full/')
  })

  it('retention and legal hold arrive where they are asked for', async () => {
    const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 60_000)
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until } as const
    await put(locked, 'kept', { ...lock, ChecksumAlgorithm: 'CRC32' })
    await put(locked, 'held', { ObjectLockLegalHoldStatus: 'ON', ChecksumAlgorithm: 'CRC32' })
    const params = { Bucket: locked, Key: 'large', Body: Buffer.alloc(6 * 1024 * 1024) }
    await new Upload({ client: first, params, partSize: 5 * 1024 * 1024 }).done()
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: until } as const
    await first.send(new PutObjectRetentionCommand({ Bucket: locked, Key: 'large', Retention }))
    const args = ['copy', `s3://${locked}`, `s3://${lockedTo}`, '--destination-profile', 'second']
    const result = await dray(...args, '--object-lock', 'keep')
    expect(result.objects, result.stderr).toMatchObject({ copied: 3, failed: 0 })
    expect(result.dropped).toBeUndefined()
    for (const key of ['kept', 'large']) expect(await head(lockedTo, key), key).toMatchObject(lock)
    expect(await head(lockedTo, 'held')).toMatchObject({ ObjectLockLegalHoldStatus: 'ON' })
  })

  it('a class that the store has not is left out and counted', async () => {
    const classes = ['copy', `s3://${from}/all`, `s3://${to}/classes`, '--destination-profile', 'second']
    const result = await dray(...classes, '--storage-class', 'STANDARD_IA')
    expect(result.objects, result.stderr).toMatchObject({ copied: 1, failed: 0 })
    const { StorageClass } = await head(to, 'classes/all')
    expect(result.dropped).toEqual(StorageClass === 'STANDARD_IA' ? undefined : { 'storage-class': 1 })
    expect(await second.send(new GetObjectTaggingCommand({ Bucket: to, Key: 'classes/all' }))).toMatchObject({
      TagSet: expect.arrayContaining([{ Key: 'kind', Value: 'photo' }]),
    })
  })

  it('a directory gets the bytes, and the rest is counted', async () => {
    const result = await dray('copy', `s3://${from}/all`, join(work, 'there'))
    expect(result.stderr).toContain('is a directory')
    expect(result.dropped).toEqual({
      'content-type': 1,
      'content-headers': 1,
      'user-metadata': 1,
      tags: 1,
      redirect: 1,
    })
  })
})
