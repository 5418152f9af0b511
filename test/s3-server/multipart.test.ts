import { createHash, randomBytes } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, describe, expect, it } from 'vitest'
import { testS3 } from '../support/s3-server.ts'

const minPartSize = 1000
const { server, store, call } = await testS3({ minPartSize })
server.createBucket('b')

const begin = async (key: string, headers: Record<string, string> = {}) => {
  const { text } = await call('POST', `/b/${key}`, { query: 'uploads=', headers })
  return /<UploadId>(.*)<\/UploadId>/.exec(text)![1]!
}
const part = (key: string, id: string, number: number, body: Buffer) =>
  call('PUT', `/b/${key}`, { query: `partNumber=${number}&uploadId=${id}`, body })
const complete = (
  key: string,
  id: string,
  parts: [number, string][],
  headers: Record<string, string> = {},
) => {
  const xml = parts.map(([n, etag]) => `<Part><PartNumber>${n}</PartNumber><ETag>${etag}</ETag></Part>`)
  const body = `<CompleteMultipartUpload>${xml.join('')}</CompleteMultipartUpload>`
  return call('POST', `/b/${key}`, { query: `uploadId=${id}`, body, headers })
}
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest()

describe('completing', () => {
  const bodies = [randomBytes(1000), randomBytes(1500), randomBytes(3)]

  async function uploaded(key: string, numbers = [1, 2, 3]) {
    const id = await begin(key)
    const answers = await Promise.all(numbers.map((number, i) => part(key, id, number, bodies[i]!)))
    return { id, parts: numbers.map((number, i): [number, string] => [number, answers[i]!.headers.etag!]) }
  }

  it('joins parts of any numbers, and the ETag is the MD5 of their MD5s', async () => {
    const { id, parts } = await uploaded('k', [3, 77, 10_000])
    expect((await complete('k', id, parts)).status).toBe(200)
    const got = await call('GET', '/b/k')
    expect(got.body).toEqual(Buffer.concat(bodies))
    expect(got.headers.etag).toBe(`"${md5(Buffer.concat(bodies.map(md5))).toString('hex')}-3"`)
  })

  it('keeps the parts as they were, to be read one by one', async () => {
    const { id, parts } = await uploaded('k')
    await complete('k', id, parts)
    for (const [i, body] of bodies.entries()) {
      const got = await call('GET', '/b/k', { query: `partNumber=${i + 1}` })
      expect([got.status, got.headers['x-amz-mp-parts-count'], got.body.equals(body)]).toEqual([
        206,
        '3',
        true,
      ])
      const head = await call('HEAD', '/b/k', { query: `partNumber=${i + 1}` })
      expect(head.headers['content-length']).toBe(String(body.length))
    }
    expect(await call('GET', '/b/k', { query: 'partNumber=4' })).toMatchObject({
      status: 416,
      code: 'InvalidPartNumber',
    })
    const across = await call('GET', '/b/k', { headers: { range: 'bytes=990-2502' } })
    expect(across.body).toEqual(Buffer.concat(bodies).subarray(990))
  })

  it.each<[string, (parts: [number, string][]) => [number, string][], number, string]>([
    ['a part that was not sent', (parts) => [...parts, [9, parts[0]![1]]], 400, 'InvalidPart'],
    ['another ETag', (parts) => [[1, parts[1]![1]]], 400, 'InvalidPart'],
    ['parts out of order', (parts) => parts.toReversed(), 400, 'InvalidPartOrder'],
    ['a part twice', (parts) => [parts[0]!, parts[0]!], 400, 'InvalidPartOrder'],
    ['a small part before the last', (parts) => [parts[2]!, [4, parts[0]![1]]], 400, 'EntityTooSmall'],
    ['no parts', () => [], 400, 'MalformedXML'],
  ])('refuses %s, and the upload can go on', async (_, change, status, code) => {
    const { id, parts } = await uploaded('refused')
    await part('refused', id, 4, bodies[0]!)
    expect(await complete('refused', id, change(parts))).toMatchObject({ status, code })
    expect((await complete('refused', id, parts)).status).toBe(200)
    expect(await complete('refused', id, parts)).toMatchObject({ status: 404, code: 'NoSuchUpload' })
  })

  it('leaves out the parts that it does not name, and takes the last of those sent twice', async () => {
    const { id, parts } = await uploaded('k')
    const again = await part('k', id, 1, bodies[1]!)
    await complete('k', id, [[1, again.headers.etag!], parts[2]!])
    expect((await call('GET', '/b/k')).body).toEqual(Buffer.concat([bodies[1]!, bodies[2]!]))
  })

  it('is judged by its conditions, and the upload stays', async () => {
    await server.put('b', 'taken', 'x')
    const { id, parts } = await uploaded('taken')
    expect((await complete('taken', id, parts, { 'if-none-match': '*' })).status).toBe(412)
    expect((await complete('taken', id, parts, { 'if-match': '"other"' })).status).toBe(412)
    expect((await complete('taken', id, parts)).status).toBe(200)
  })
})

describe('an upload', () => {
  it('that has ended takes no part, and one that ends meanwhile neither', async () => {
    const id = await begin('k')
    const [late] = await Promise.all([
      part('k', id, 1, randomBytes(3_000_000)),
      call('DELETE', '/b/k', { query: `uploadId=${id}` }),
    ])
    expect(late).toMatchObject({ status: 404, code: 'NoSuchUpload' })
    expect(await part('k', id, 2, randomBytes(1))).toMatchObject({ status: 404, code: 'NoSuchUpload' })
    expect(server.uploads('b').filter((upload) => upload.id === id)).toEqual([])
  })

  it('belongs to one key', async () => {
    const id = await begin('k')
    expect(await part('other', id, 1, randomBytes(1))).toMatchObject({ status: 404, code: 'NoSuchUpload' })
  })

  it.each(['0', '10001', 'x', '-1'])('has no part %s', async (number) => {
    const id = await begin('k')
    const answer = await call('PUT', '/b/k', { query: `partNumber=${number}&uploadId=${id}`, body: 'x' })
    expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' })
  })

  it('lists its parts in pages', async () => {
    const id = await begin('paged')
    await Promise.all([5, 1, 9, 3].map((number) => part('paged', id, number, Buffer.from(String(number)))))
    const page = async (marker: number) => {
      const query = `max-parts=3&part-number-marker=${marker}&uploadId=${id}`
      const { text } = await call('GET', '/b/paged', { query })
      const numbers = [...text.matchAll(/<PartNumber>(\d+)</g)].map((found) => Number(found[1]))
      return {
        numbers,
        more: text.includes('<IsTruncated>true'),
        next: /<NextPartNumberMarker>(\d+)/.exec(text)?.[1],
      }
    }
    expect(await page(0)).toEqual({ numbers: [1, 3, 5], more: true, next: '5' })
    expect(await page(5)).toEqual({ numbers: [9], more: false, next: '9' })
  })
})

it('lists uploads by key and then by their beginning, in pages, with prefixes', async () => {
  server.createBucket('uploads')
  const ids: string[] = []
  for (const key of ['a', 'b', 'b', 'b', 'c/1', 'c/2', 'd']) {
    const { text } = await call('POST', `/uploads/${key}`, { query: 'uploads=' })
    ids.push(/<UploadId>(.*)<\/UploadId>/.exec(text)![1]!)
  }
  const seen: string[] = []
  let markers: string[] = []
  for (let pages = 0; pages < 9; pages++) {
    const query = ['delimiter=%2F', ...markers, 'max-uploads=2', 'uploads=']
    const { text } = await call('GET', '/uploads', { query: query.sort().join('&') })
    for (const found of text.matchAll(/<UploadId>(.*?)<\/UploadId>|<CommonPrefixes><Prefix>(.*?)<\/Prefix>/g))
      seen.push(found[1] ?? found[2]!)
    const key = /<NextKeyMarker>(.*?)</.exec(text)?.[1]
    const id = /<NextUploadIdMarker>(.*?)</.exec(text)?.[1]
    if (!key) break
    markers = [`key-marker=${encodeURIComponent(key)}`, ...(id ? [`upload-id-marker=${id}`] : [])]
  }
  expect(seen).toEqual([...ids.slice(0, 4), 'c/', ids[6]])
})

describe('checksums of a whole object', () => {
  const sdk = new S3Client({
    endpoint: store.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: store.key, secretAccessKey: store.secret },
  })
  afterAll(() => sdk.destroy())

  it.each([
    ['CRC32', 'COMPOSITE'],
    ['SHA256', 'COMPOSITE'],
    ['CRC32', 'FULL_OBJECT'],
    ['CRC32C', 'FULL_OBJECT'],
  ] as const)(
    '%s, %s: is what the SDK finds when it reads the object',
    async (ChecksumAlgorithm, ChecksumType) => {
      const target = { Bucket: 'b', Key: `${ChecksumAlgorithm}-${ChecksumType}` }
      const { UploadId } = await sdk.send(
        new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm, ChecksumType }),
      )
      const bodies = [randomBytes(70_001), randomBytes(1234)]
      const Parts = []
      for (const [i, Body] of bodies.entries()) {
        const input = { ...target, UploadId, PartNumber: i + 1, Body, ChecksumAlgorithm }
        Parts.push({ ...(await sdk.send(new UploadPartCommand(input))), PartNumber: i + 1 })
      }
      await sdk.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }))
      const head = await sdk.send(new HeadObjectCommand({ ...target, ChecksumMode: 'ENABLED' }))
      expect(head.ChecksumType).toBe(ChecksumType)
      const stated = head[`Checksum${ChecksumAlgorithm}`]
      if (ChecksumType === 'COMPOSITE') expect(stated).toMatch(/-2$/)
      const { Body } = await sdk.send(new GetObjectCommand({ ...target, ChecksumMode: 'ENABLED' }))
      // The SDK verifies a full-object checksum as it reads, and fails where it is wrong.
      expect(Buffer.from(await Body!.transformToByteArray())).toEqual(Buffer.concat(bodies))
    },
  )

  it('refuses a part without the checksum that the upload was begun with', async () => {
    const id = await begin('checked', { 'x-amz-checksum-algorithm': 'CRC32' })
    expect(await part('checked', id, 1, randomBytes(10))).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
    })
  })
})
