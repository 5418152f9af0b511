/** Two buckets of one real server: it copies by itself, changes of metadata too, and what comes of it is the same. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Result, resultOf, run } from '../support/dray.ts'

const endpoint = process.env.DRAY_TEST_S3_ENDPOINT!
const accessKeyId = process.env.DRAY_TEST_S3_KEY!
const secretAccessKey = process.env.DRAY_TEST_S3_SECRET!
const s3 = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
})
const MiB = 1024 * 1024
const from = `one-store-${Date.now().toString(36)}`
const to = `${from}-copy`
const work = mkdtempSync(join(tmpdir(), 'dray-one-store-'))
const odd = 'dir/ö %41+?&='

async function copy(): Promise<Result> {
  const sides = ['--source-endpoint', endpoint, '--destination-endpoint', endpoint]
  const ended = await run(['copy', `s3://${from}`, `s3://${to}`, ...sides, '--json'], {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: 'us-east-1',
    DRAY_STATE_DIR: join(work, 'state'),
  })
  expect(ended.status, ended.stderr).toBe(0)
  return resultOf(ended)
}

async function seen(bucket: string, Key: string) {
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }))
  const { ETag, ContentType, ContentLength, Metadata } = head
  const { TagSet: tags = [] } = await s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key }))
  return { ETag, ContentType, ContentLength, Metadata, tags }
}

beforeAll(async () => {
  for (const Bucket of [from, to]) await s3.send(new CreateBucketCommand({ Bucket }))
  const Metadata = { colour: 'green' }
  const besides = { ContentType: 'a/b', Metadata, Tagging: 'a=b' }
  await s3.send(new PutObjectCommand({ Bucket: from, Key: odd, Body: 'small', ...besides }))
  await s3.send(new PutObjectCommand({ Bucket: from, Key: 'empty', Body: '' }))
  // Ceph cannot copy parts of a key with a "%" in it: its bytes go through the agent.
  for (const Key of ['parts', 'parts of 100%']) {
    const params = { Bucket: from, Key, Body: Buffer.alloc(12 * MiB + 7, Key), ContentType: 'c/d' }
    await new Upload({ client: s3, partSize: 5 * MiB, params }).done()
  }
}, 60_000)
afterAll(() => {
  s3.destroy()
  rmSync(work, { recursive: true, force: true })
})

it('is copied by the store, to the ETag', async () => {
  expect((await copy()).objects).toMatchObject({ listed: 4, copied: 4, failed: 0 })
  for (const key of [odd, 'empty', 'parts', 'parts of 100%'])
    expect(await seen(to, key), key).toEqual(await seen(from, key))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: to, Key: 'parts of 100%' }))
  expect(
    Buffer.from(await Body!.transformToByteArray()).equals(Buffer.alloc(12 * MiB + 7, 'parts of 100%')),
  ).toBe(true)
  expect((await copy()).objects).toMatchObject({ same: 4, copied: 0 })
})

it('gets metadata that changed without a byte', async () => {
  const source = `${from}/${encodeURIComponent(odd)}`
  const changed = { MetadataDirective: 'REPLACE', ContentType: 'e/f', Metadata: { colour: 'red' } } as const
  await s3.send(new CopyObjectCommand({ Bucket: from, Key: odd, CopySource: source, ...changed }))
  const Tagging = { TagSet: [{ Key: 'c', Value: 'd' }] }
  await s3.send(new PutObjectTaggingCommand({ Bucket: from, Key: odd, Tagging }))
  const { objects, bytes } = await copy()
  expect({ ...objects, bytes }).toMatchObject({ same: 3, copied: 1, bytes: { copied: 0 } })
  expect(await seen(to, odd)).toEqual(await seen(from, odd))
  const Metadata = { colour: 'red' }
  expect(await seen(to, odd)).toMatchObject({ ContentType: 'e/f', Metadata, tags: Tagging.TagSet })
  expect((await copy()).objects).toMatchObject({ same: 4, copied: 0 })
})
