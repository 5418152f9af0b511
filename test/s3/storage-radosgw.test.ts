/**
 * The S3 adapter against a real S3 server: radosgw, or any other that DRAY_TEST_S3_ENDPOINT, DRAY_TEST_S3_KEY and
 * DRAY_TEST_S3_SECRET name. Without them there is nothing to test.
 */
import { randomUUID } from 'node:crypto'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import type { S3Location } from '../../shared/location.ts'
import {
  bodyOf,
  bytesOf,
  describeStorage,
  failure,
  inParallel,
  listAll,
  noMetadata,
  noSignal,
  put,
} from '../storage/contract.ts'

fc.configureGlobal({ seed: 1 })

const endpoint = process.env.DRAY_TEST_S3_ENDPOINT
const accessKeyId = process.env.DRAY_TEST_S3_KEY ?? ''
const secretAccessKey = process.env.DRAY_TEST_S3_SECRET ?? ''

describe.skipIf(!endpoint)('S3 storage on a real server', () => {
  const bucket = `dray-${randomUUID()}`
  const location: S3Location = {
    kind: 's3',
    bucket,
    prefix: '',
    endpoint: endpoint ?? null,
    region: null,
    profile: null,
    site: null,
  }
  const sdk = new S3Client({
    endpoint: endpoint ?? '',
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
  const open = (other: Partial<S3Location> = {}) =>
    openS3Storage({ ...location, ...other }, { connections: 16 })

  async function empty(storage: Storage) {
    const keys = (await listAll(storage)).map((entry) => entry.key)
    await inParallel(keys, 16, (key) => storage.delete(key, { signal: noSignal }))
  }

  beforeAll(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
    await sdk.send(new CreateBucketCommand({ Bucket: bucket }))
  })
  afterAll(async () => {
    const storage = await open()
    await empty(storage)
    await storage.close()
    await sdk.send(new DeleteBucketCommand({ Bucket: bucket }))
    sdk.destroy()
    vi.unstubAllEnvs()
  })

  for (const prefix of ['', 'a folder/with ünicode+%/']) {
    describeStorage(`under the prefix "${prefix}"`, async () => {
      const storage = await open({ prefix })
      await empty(storage)
      return {
        storage,
        // radosgw cannot read a path with a NUL in it.
        holds: (key) => !key.includes('\0'),
        minds: 'few conditions',
        leftovers: async () => {
          const { Uploads } = await sdk.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
          return (Uploads ?? []).map(({ Key }) => Key ?? '')
        },
        cleanup: async () => {
          const again = await open({ prefix })
          await empty(again)
          await again.close()
        },
      }
    })
  }

  test('any text is a key, a boundary of a listing and a body of its own', async () => {
    const storage = await open({ prefix: 'any/' })
    const text = fc
      .string({ unit: 'binary', maxLength: 40 })
      .map((t) => t.replaceAll('\0', ''))
      .filter((t) => t !== '' && t.isWellFormed())
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(text, { minLength: 1, maxLength: 8 }), async (texts) => {
        const keys = texts.map(keyFromText).sort()
        await inParallel(texts, 8, (t) => put(storage, t, `body of ${t}`))
        expect((await listAll(storage)).map((entry) => entry.key)).toEqual(keys)
        const after = keys[keys.length >> 1]!
        expect((await listAll(storage, { after, through: null })).map((entry) => entry.key)).toEqual(
          keys.filter((key) => key > after),
        )
        await inParallel(texts, 8, async (t) => {
          const reading = await storage.read(keyFromText(t), { signal: noSignal })
          expect((await bytesOf(reading!)).toString()).toBe(`body of ${t}`)
          expect(await storage.delete(keyFromText(t), { signal: noSignal })).toBe(true)
        })
      }),
      { numRuns: 60 },
    )
    await storage.close()
  })

  test('a boundary that is no text, or is longer than any key, is one all the same', async () => {
    const storage = await open({ prefix: 'bounds/' })
    for (const key of ['a', 'é', 'ê', 'ü', 'z'.repeat(900), '\u{10ffff}']) await put(storage, key, 'x')
    const keys = (await listAll(storage)).map((entry) => entry.key)
    const latin = (text: string) => text as Key
    for (const after of [
      '\xc3',
      '\xc3\xa9\xff',
      '\xff',
      'z'.repeat(5000),
      '\xf4\x8f\xbf\xbf'.repeat(300),
      '',
    ]) {
      const listed = await listAll(storage, { after: latin(after), through: null })
      expect(listed.map((entry) => entry.key)).toEqual(keys.filter((key) => key > after))
    }
    await storage.close()
  })

  test('metadata comes back byte for byte, whatever the bytes', async () => {
    const storage = await open()
    const key = keyFromText('metadata')
    const metadata = {
      headers: {
        'content-type': 'text/plain; charset="x"',
        'content-disposition': 'attachment; filename="n\xc3\xa4h.txt"',
        expires: 'never, it seems',
      },
      user: {
        utf8: 'gr\xc3\xbc\xc3\x9fe \xc3\xa0',
        blanks: 'a  b',
        empty: '',
      },
    }
    await storage.write(key, bodyOf('x'), metadata, noSignal)
    expect((await storage.head(key, noSignal))!.metadata).toEqual(metadata)
    const upload = await storage.multipart!.create(key, metadata, noSignal)
    const part = await storage.multipart!.part(key, upload, 1, bodyOf('y'), noSignal)
    await storage.multipart!.complete(key, upload, [part], noSignal)
    expect((await storage.head(key, noSignal))!.metadata).toEqual(metadata)
    await storage.close()
  })

  test('what is wrong with a location is said by its code', async () => {
    const listing = async (storage: Storage) => {
      const error = await failure(listAll(storage))
      await storage.close()
      return error.code
    }
    expect(await listing(await open({ bucket: 'there-is-no-such-bucket' }))).toBe('no-such-bucket')
    expect(await listing(await open({ endpoint: 'http://127.0.0.1:9' }))).toBe('unreachable')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong')
    expect(await listing(await open())).toBe('bad-credentials')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'NOSUCHKEY')
    expect(await listing(await open())).toBe('bad-credentials')
    const storage = await open()
    expect((await failure(storage.head(keyFromText('x'), noSignal))).code).toBe('access-denied')
    expect((await failure(storage.write(keyFromText('x'), bodyOf('x'), noMetadata, noSignal))).code).toBe(
      'bad-credentials',
    )
    await storage.close()
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey)
  })

  test('a key or an upload that is not there is named so', async () => {
    const storage = await open()
    const key = keyFromText('no upload')
    const { multipart } = storage
    const part = { number: 1, token: 'd41d8cd98f00b204e9800998ecf8427e', size: 0 }
    expect((await failure(multipart!.complete(key, 'no-such-upload', [part], noSignal))).code).toBe(
      'not-found',
    )
    expect((await failure(multipart!.abort(key, 'no-such-upload', noSignal))).code).toBe('not-found')
    await storage.close()
  })
})
