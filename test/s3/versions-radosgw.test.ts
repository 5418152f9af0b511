/** Versions on two real S3 servers: what the adapter says of them, and a copy of all, by the AWS SDK's word. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import { describeVersions } from '../storage/versions-contract.ts'
import { resultOf, run } from '../support/dray.ts'

const [first, second] = ['', '_2'].map((n) => {
  const endpoint = process.env[`DRAY_TEST_S3_ENDPOINT${n}`] ?? ''
  const accessKeyId = process.env[`DRAY_TEST_S3_KEY${n}`] ?? ''
  const secretAccessKey = process.env[`DRAY_TEST_S3_SECRET${n}`] ?? ''
  const sdk = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return { endpoint, accessKeyId, secretAccessKey, sdk }
}) as [Store, Store]
interface Store {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
  sdk: S3Client
}

async function newBucket(
  { sdk }: Store,
  status: 'Enabled' | 'Suspended' | null = 'Enabled',
): Promise<string> {
  const Bucket = `versions-${randomUUID()}`
  await sdk.send(new CreateBucketCommand({ Bucket }))
  if (status) await setVersioning(sdk, Bucket, status)
  return Bucket
}
const setVersioning = (sdk: S3Client, Bucket: string, Status: 'Enabled' | 'Suspended') =>
  sdk.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }))

/** Of each key, oldest first: ETag, size and content type of each version, a delete marker as `-`. */
async function chains({ sdk }: Store, Bucket: string): Promise<Map<string, string[]>> {
  const found: { key: string; modified: number; latest: boolean; text: string; order: number }[] = []
  const page = await sdk.send(new ListObjectVersionsCommand({ Bucket }))
  expect(page.IsTruncated).toBe(false)
  // The SDK puts versions and markers apart; their order among each other is that of their times, to the millisecond.
  for (const [order, v] of (page.Versions ?? []).entries()) {
    const object = await sdk.send(new GetObjectCommand({ Bucket, Key: v.Key!, VersionId: v.VersionId }))
    const body = createHash('sha256')
      .update(await object.Body!.transformToByteArray())
      .digest('hex')
    const text = `${v.ETag} ${v.Size} ${object.ContentType} ${object.Metadata?.note} ${body}`
    found.push({ key: v.Key!, modified: v.LastModified!.getTime(), latest: v.IsLatest!, text, order })
  }
  for (const [order, m] of (page.DeleteMarkers ?? []).entries())
    found.push({ key: m.Key!, modified: m.LastModified!.getTime(), latest: m.IsLatest!, text: '-', order })
  found.sort((a, b) => a.modified - b.modified || Number(a.latest) - Number(b.latest) || b.order - a.order)
  const chain = new Map<string, string[]>()
  for (const { key, text } of found) chain.set(key, [...(chain.get(key) ?? []), text])
  return new Map([...chain].sort(([a], [b]) => (a < b ? -1 : 1)))
}

describe.skipIf(!first.endpoint)('on a real server', () => {
  beforeAll(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', first.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', first.secretAccessKey)
  })
  afterAll(() => vi.unstubAllEnvs())
  for (const prefix of ['', 'a folder/ünicode+%/'])
    describeVersions(`versions under the prefix "${prefix}"`, async () =>
      openS3Storage(
        {
          kind: 's3',
          bucket: await newBucket(first),
          prefix,
          endpoint: first.endpoint,
          region: 'us-east-1',
          profile: null,
          site: null,
        },
        { connections: 8 },
      ),
    )
})

describe.skipIf(!first.endpoint)('a copy of all versions between two real servers', () => {
  const work = mkdtempSync(join(tmpdir(), 'dray-versions-'))
  const env = {
    AWS_CONFIG_FILE: join(work, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(work, 'credentials'),
    DRAY_STATE_DIR: join(work, 'state'),
  }
  const dray = async (...args: string[]) => {
    const sides = ['--source-profile', 'first', '--destination-profile', 'second']
    const ended = await run([...args, ...sides, '--json'], env)
    return { ...ended, result: ended.stdout ? resultOf(ended) : null }
  }

  beforeAll(() => {
    const profiles = { first, second }
    writeFileSync(
      join(work, 'config'),
      Object.entries(profiles)
        .map(([name, { endpoint }]) => `[profile ${name}]\nendpoint_url = ${endpoint}\nregion = us-east-1\n`)
        .join('\n'),
    )
    writeFileSync(
      join(work, 'credentials'),
      Object.entries(profiles)
        .map(
          ([name, { accessKeyId, secretAccessKey }]) =>
            `[${name}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
        )
        .join('\n'),
    )
  })
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  test('versions, delete markers, parts, and the time before versioning and of its suspension', async () => {
    const source = await newBucket(first, null)
    const destination = await newBucket(second)
    const { sdk } = first
    const put = (Key: string, Body: string, note = 'x') =>
      sdk.send(
        new PutObjectCommand({ Bucket: source, Key, Body, ContentType: `text/${note}`, Metadata: { note } }),
      )
    const gone = (Key: string) => sdk.send(new DeleteObjectCommand({ Bucket: source, Key }))
    await put('before', 'kept as null', 'null')
    await setVersioning(sdk, source, 'Enabled')
    for (let i = 0; i < 3; i++) await put('before', `version ${i}`, `n${i}`)
    await gone('never there')
    await put('a b+é', 'one')
    await gone('a b+é')
    await put('a b+é', 'two')
    await gone('gone')
    await put('large', 'small at first')
    const parts = Buffer.alloc(12 * 1024 * 1024, 'large')
    await new Upload({
      client: sdk,
      params: { Bucket: source, Key: 'large', Body: parts },
      partSize: 5 * 1024 * 1024,
    }).done()
    await put('large', 'small at last')
    await setVersioning(sdk, source, 'Suspended')
    await put('suspended', 'replaced')
    await put('suspended', 'kept')

    const copied = await dray('copy', `s3://${source}`, `s3://${destination}`, '--versions', 'all')
    expect(copied.status, copied.stderr).toBe(0)
    const wanted = await chains(first, source)
    expect([...wanted.values()].flat().length).toBe(13)
    expect(copied.result!.objects).toMatchObject({ listed: 13, copied: 13, failed: 0 })
    expect(await chains(second, destination)).toEqual(wanted)

    const again = await dray('copy', `s3://${source}`, `s3://${destination}`, '--versions', 'all')
    expect(again.result!.objects).toMatchObject({ listed: 13, copied: 0, same: 13 })
    const verified = await dray(
      ...['verify', `s3://${source}`, `s3://${destination}`, '--versions', 'all', '--depth', 'full'],
    )
    expect(verified.status, verified.stderr).toBe(0)

    await put('suspended', 'kept no more')
    await gone('before')
    const third = await dray('copy', `s3://${source}`, `s3://${destination}`, '--versions', 'all')
    expect(third.result!.objects).toMatchObject({ failed: 0 })
    const there = await chains(second, destination)
    expect(there.get('suspended')).toHaveLength(2)
    // Its `null` was written over by the marker: what was copied of it stays below.
    expect(there.get('before')!.at(-1)).toBe('-')
    const report = readFileSync(third.result!.report, 'utf8').trim().split('\n')
    expect(report.every((line) => JSON.parse(line).version !== undefined)).toBe(true)
  })

  test('a destination without versioning is refused before anything is done', async () => {
    const source = await newBucket(first)
    for (const status of [null, 'Suspended'] as const) {
      const destination = await newBucket(second, status)
      const { status: code, stderr } = await dray(
        ...['copy', `s3://${source}`, `s3://${destination}`, '--versions', 'all'],
      )
      expect(code).toBe(2)
      expect(stderr).toMatch(/versioning is (off|suspended) for the destination/)
      expect(stderr).toMatch(/put-bucket-versioning/)
    }
  })
})
