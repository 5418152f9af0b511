/**
 * Objects in parts between two real S3 servers: ETags that come out equal where the parts can be known, uploads that go on where
 * they were interrupted, and what an upload leaves at the store.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyObject } from '../../agent/copy.ts'
import { openIntents } from '../../agent/intents.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { listAll, noSignal, patterned } from '../storage/contract.ts'

const MiB = 1024 * 1024
const bucket = `parts-${Date.now().toString(36)}`
const stores = ['', '_2'].map((n) => ({
  endpoint: process.env[`DRAY_TEST_S3_ENDPOINT${n}`] ?? '',
  accessKeyId: process.env[`DRAY_TEST_S3_KEY${n}`] ?? '',
  secretAccessKey: process.env[`DRAY_TEST_S3_SECRET${n}`] ?? '',
}))
const sdks = stores.map(
  ({ endpoint, ...credentials }) =>
    new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
) as [S3Client, S3Client]
const opened: Storage[] = []
let dir: string

async function openSide(index: 0 | 1): Promise<Storage> {
  const { endpoint, accessKeyId, secretAccessKey } = stores[index]!
  process.env.AWS_ACCESS_KEY_ID = accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = secretAccessKey
  const place = { prefix: '', region: null, profile: null, site: null }
  const storage = await openS3Storage({ kind: 's3', bucket, endpoint, ...place }, { connections: 8 })
  opened.push(storage)
  return storage
}

async function putInParts(key: string, body: Buffer, sizes: readonly number[]): Promise<string> {
  const [sdk] = sdks
  const name = { Bucket: bucket, Key: key }
  const { UploadId } = await sdk.send(new CreateMultipartUploadCommand({ ...name, ContentType: 'a/b' }))
  const Parts = []
  let at = 0
  for (const [i, size] of sizes.entries()) {
    const part = { ...name, UploadId, PartNumber: i + 1, Body: body.subarray(at, at + size) }
    const { ETag } = await sdk.send(new UploadPartCommand(part))
    Parts.push({ PartNumber: i + 1, ETag })
    at += size
  }
  await sdk.send(new CompleteMultipartUploadCommand({ ...name, UploadId, MultipartUpload: { Parts } }))
  return (await sdk.send(new HeadObjectCommand(name))).ETag!
}

const entryOf = async (storage: Storage, key: Key) =>
  (await listAll(storage, { after: keyFromText(key.slice(0, -1)), through: key })).at(-1)!

describe.skipIf(stores[1]!.endpoint === '')('objects in parts', () => {
  let sides: { source: Storage; destination: Storage }
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'dray-parts-'))
    for (const sdk of sdks) await sdk.send(new CreateBucketCommand({ Bucket: bucket }))
    sides = { source: await openSide(0), destination: await openSide(1) }
  })
  afterAll(async () => {
    await Promise.all(opened.map((each) => each.close()))
    for (const sdk of sdks) sdk.destroy()
    rmSync(dir, { recursive: true, force: true })
  })

  it.each([
    ['even', [5 * MiB, 5 * MiB, 5 * MiB, 77], 'etag', true],
    ['eights', [8 * MiB, 8 * MiB, 1], 'etag', true],
    ['alone', [6 * MiB + 3], 'etag', true],
    // Ceph's gateway does not tell sizes of parts: what cannot be guessed is hashed.
    ['uneven', [5 * MiB, 7 * MiB + 1, 6 * MiB, 9], null, false],
  ] as const)(
    '%s arrive whole; the ETag is the source’s where its parts can be known',
    async (name, sizes, evidence, isGuessed) => {
      const body = patterned(
        sizes.reduce((sum: number, size) => sum + size, 0),
        sizes.length,
      )
      const etag = await putInParts(name, body, sizes)
      const listed = await entryOf(sides.source, keyFromText(name))
      const told = (await sides.source.headPart!(listed, 1, noSignal))!.parts !== null
      const result = await copyObject({ ...sides, moved() {} }, listed, noSignal)
      expect(result).toMatchObject({ outcome: 'copied', evidence: evidence ?? (told ? 'etag' : 'hashed') })
      const found = await sdks[1].send(new GetObjectCommand({ Bucket: bucket, Key: name }))
      if (isGuessed || told) expect(found.ETag).toBe(etag)
      expect(found.ContentType).toBe('a/b')
      expect(Buffer.from(await found.Body!.transformToByteArray()).equals(body)).toBe(true)
    },
  )

  it('are gone on with after an interruption: no part goes up twice, and no upload is left', async () => {
    const key = keyFromText('resumed/ü %')
    const body = patterned(31 * MiB, 5)
    const etag = await putInParts(
      'resumed/ü %',
      body,
      [5, 5, 5, 5, 5, 5, 1].map((n) => n * MiB),
    )
    const listed = await entryOf(sides.source, key)
    const intents = openIntents(join(dir, 'uploads.sqlite')).of('there')
    const sent: number[] = []
    const abort = new AbortController()
    const multipart = sides.destination.multipart!
    const watched: Storage = Object.create(sides.destination, {
      multipart: {
        value: {
          ...multipart,
          async part(...args: Parameters<typeof multipart.part>) {
            const part = await multipart.part(...args)
            sent.push(part.number)
            if (sent.length === 3) abort.abort()
            return part
          },
        },
      },
    })
    const deps = { source: sides.source, destination: watched, intents, moved() {} }
    await expect(copyObject(deps, listed, abort.signal)).rejects.toMatchObject({ code: 'interrupted' })
    expect(intents.all()).toHaveLength(1)
    const openUploads = async () => {
      const all = []
      for await (const page of multipart.uploads(keyFromText(''), noSignal)) all.push(...page)
      return all
    }
    expect(await openUploads()).toMatchObject([{ key, upload: intents.all()[0]!.upload }])

    const before = sent.length
    const result = await copyObject(deps, listed, noSignal)
    expect(result).toMatchObject({
      outcome: 'copied',
      evidence: 'etag',
      row: { destination: { token: etag.slice(1, -1) } },
    })
    expect(before).toBeGreaterThanOrEqual(3)
    expect(new Set(sent).size).toBe(sent.length)
    expect([await openUploads(), intents.all()]).toEqual([[], []])
  })

  it('are not hurt by a lost answer of their completion', async () => {
    const body = patterned(11 * MiB, 6)
    const etag = await putInParts('lost', body, [5 * MiB, 5 * MiB, MiB])
    const multipart = sides.destination.multipart!
    const watched: Storage = Object.create(sides.destination, {
      multipart: {
        value: {
          ...multipart,
          async complete(...args: Parameters<typeof multipart.complete>) {
            await multipart.complete(...args)
            return multipart.complete(...args)
          },
        },
      },
    })
    const listed = await entryOf(sides.source, keyFromText('lost'))
    const result = await copyObject({ ...sides, destination: watched, moved() {} }, listed, noSignal)
    expect(result).toMatchObject({ outcome: 'copied', row: { destination: { token: etag.slice(1, -1) } } })
  })
})
