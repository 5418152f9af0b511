import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeKey, type Key, keyFromText } from '../../shared/key.ts'
import { md5 } from '../support/s3-raw.ts'
import { testS3 } from '../support/s3-server.ts'

const { server, call } = await testS3()
server.createBucket('b')
const md5Hello = '"5d41402abc4b2a76b9719d911017c592"'
await server.put('b', 'hello', 'hello', { modified: Date.UTC(2026, 0, 1) })

describe('a key', () => {
  it('can be any UTF-8, control characters and astral planes included, and comes back as it was', async () => {
    const text = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom('/', '.', '%', '+', '?', ' ', '\x00', '\x7f', '🙂'),
          fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        ),
        minLength: 1,
        maxLength: 40,
      })
      .filter((each) => each.isWellFormed() && Buffer.byteLength(each) <= 1024)
    await fc.assert(
      fc.asyncProperty(text, async (each) => {
        const path = `/b/${escapeKey(keyFromText(each))}`
        expect((await call('PUT', path, { body: each })).status).toBe(200)
        expect((await call('GET', path)).text).toBe(each)
        expect(server.object('b', each)?.key).toBe(keyFromText(each))
        expect((await call('DELETE', path)).status).toBe(204)
        expect(server.object('b', each)).toBeNull()
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  it.each([
    ['/b/%FF', 'InvalidURI'],
    ['/b/%C3', 'InvalidURI'],
    ['/b/%G0', 'InvalidURI'],
    [`/b/${'k'.repeat(1025)}`, 'KeyTooLongError'],
    [`/b/${'%C3%A9'.repeat(513)}`, 'KeyTooLongError'],
  ])('is refused as %s', async (path, code) => {
    expect(await call('PUT', path, { body: 'x' })).toMatchObject({ status: 400, code })
  })

  it('of 1,024 bytes is the longest', async () => {
    expect((await call('PUT', `/b/${'k'.repeat(1024)}`, { body: 'x' })).status).toBe(200)
  })
})

describe('metadata', () => {
  it('comes back as exactly the bytes that were sent', async () => {
    const latin1 = '\xe9\xff \x80 caf\xc3\xa9'
    const headers = {
      'x-amz-meta-mtime': '1700000000.123456789',
      'x-amz-meta-bytes': latin1,
      'content-type': latin1,
    }
    expect((await call('PUT', '/b/meta', { body: 'm', headers })).status).toBe(200)
    for (const method of ['GET', 'HEAD'])
      expect((await call(method, '/b/meta')).headers).toMatchObject(headers)
  })

  it('has the content type that S3 gives where none was sent', async () => {
    await call('PUT', '/b/plain', { body: 'm' })
    expect((await call('HEAD', '/b/plain')).headers['content-type']).toBe('binary/octet-stream')
  })

  it('of more than 2 KiB is refused', async () => {
    const headers = { 'x-amz-meta-a': 'x'.repeat(2048) }
    expect(await call('PUT', '/b/meta', { body: 'm', headers })).toMatchObject({
      status: 400,
      code: 'MetadataTooLarge',
    })
  })

  it('names a storage class only where it is not the usual one, and archives cannot be read', async () => {
    await call('PUT', '/b/cold', { body: 'm', headers: { 'x-amz-storage-class': 'GLACIER' } })
    expect((await call('HEAD', '/b/cold')).headers['x-amz-storage-class']).toBe('GLACIER')
    expect(await call('GET', '/b/cold')).toMatchObject({ status: 403, code: 'InvalidObjectState' })
    expect((await call('GET', '/b', { query: 'prefix=cold' })).text).toContain(
      '<StorageClass>GLACIER</StorageClass>',
    )
    expect((await call('HEAD', '/b/hello')).headers['x-amz-storage-class']).toBeUndefined()
  })

  it('makes the ETag say nothing of the content under SSE-KMS', async () => {
    const headers = { 'x-amz-server-side-encryption': 'aws:kms' }
    const answer = await call('PUT', '/b/kms', { body: 'hello', headers })
    expect(answer.headers['x-amz-server-side-encryption']).toBe('aws:kms')
    expect(answer.headers.etag).toMatch(/^"[0-9a-f]{32}"$/)
    expect(answer.headers.etag).not.toBe(md5Hello)
  })

  it('makes no ETag an MD5 where the server was asked for that', async () => {
    const opaque = await testS3({ etags: 'opaque' })
    opaque.server.createBucket('b')
    const headers = { 'content-md5': md5('hello').digest('base64') }
    const answer = await opaque.call('PUT', '/b/k', { body: 'hello', headers })
    expect([answer.status, answer.headers.etag === md5Hello]).toEqual([200, false])
  })

  it('counts tags, and checks them', async () => {
    const put = (tags: string) => call('PUT', '/b/tags', { body: 'm', headers: { 'x-amz-tagging': tags } })
    expect((await put('a=1&b=caf%C3%A9')).status).toBe(200)
    expect((await call('HEAD', '/b/tags')).headers['x-amz-tagging-count']).toBe('2')
    expect((await call('GET', '/b/tags', { query: 'tagging=' })).text).toContain(
      '<Key>b</Key><Value>café</Value>',
    )
    expect(await put('a=1&a=2')).toMatchObject({ status: 400, code: 'InvalidTag' })
    expect((await call('DELETE', '/b/tags', { query: 'tagging=' })).status).toBe(204)
    expect((await call('HEAD', '/b/tags')).headers['x-amz-tagging-count']).toBeUndefined()
  })
})

describe('a range', () => {
  it.each([
    ['bytes=0-0', 206, 'h', 'bytes 0-0/5'],
    ['bytes=1-3', 206, 'ell', 'bytes 1-3/5'],
    ['bytes=3-', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=3-99', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-99', 206, 'hello', 'bytes 0-4/5'],
    ['bytes=3-1', 200, 'hello', undefined],
    ['bytes=0-0,2-2', 200, 'hello', undefined],
    ['lines=1-2', 200, 'hello', undefined],
  ])('of %s is answered with %i', async (range, status, body, contentRange) => {
    const answer = await call('GET', '/b/hello', { headers: { range } })
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([
      status,
      body,
      contentRange,
    ])
  })

  it.each(['bytes=5-', 'bytes=5-9', 'bytes=-0'])('of %s cannot be satisfied', async (range) => {
    expect(await call('GET', '/b/hello', { headers: { range } })).toMatchObject({
      status: 416,
      code: 'InvalidRange',
    })
  })

  it('of an object without bytes cannot be satisfied, and the object is read without one', async () => {
    await call('PUT', '/b/empty')
    expect((await call('GET', '/b/empty')).body.length).toBe(0)
    expect((await call('GET', '/b/empty', { headers: { range: 'bytes=0-0' } })).status).toBe(416)
    expect((await call('GET', '/b/empty', { query: 'partNumber=1' })).status).toBe(200)
  })
})

describe('a condition', () => {
  const date = 'Thu, 01 Jan 2026 00:00:00 GMT'
  const before = 'Wed, 31 Dec 2025 23:59:59 GMT'
  it.each([
    [{ 'if-match': md5Hello }, 200],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-match': '*' }, 200],
    [{ 'if-none-match': md5Hello }, 304],
    [{ 'if-none-match': '"other"' }, 200],
    [{ 'if-modified-since': date }, 304],
    [{ 'if-modified-since': before }, 200],
    [{ 'if-unmodified-since': date }, 200],
    [{ 'if-unmodified-since': before }, 412],
    [{ 'if-match': md5Hello, 'if-unmodified-since': before }, 200],
    [{ 'if-none-match': '"other"', 'if-modified-since': date }, 200],
  ])('of %j on a read is answered with %i', async (headers, status) => {
    for (const method of ['GET', 'HEAD'])
      expect((await call(method, '/b/hello', { headers: headers as Record<string, string> })).status).toBe(
        status,
      )
  })

  it('lets one of many concurrent writers under If-None-Match through', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        call('PUT', '/b/contested', { body: String(i), headers: { 'if-none-match': '*' } }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412, 412, 412, 412, 412, 412, 412])
    const winner = answers.findIndex(({ status }) => status === 200)
    expect((await call('GET', '/b/contested')).text).toBe(String(winner))
  })

  it('on a write or a delete names what must be there', async () => {
    await call('PUT', '/b/mine', { body: 'hello' })
    const headers = { 'if-match': md5Hello }
    expect((await call('PUT', '/b/mine', { body: 'changed', headers })).status).toBe(200)
    expect(await call('PUT', '/b/mine', { body: 'again', headers })).toMatchObject({
      status: 412,
      code: 'PreconditionFailed',
    })
    expect(await call('DELETE', '/b/mine', { headers })).toMatchObject({
      status: 412,
      code: 'PreconditionFailed',
    })
    expect(await call('PUT', '/b/never', { body: 'x', headers })).toMatchObject({
      status: 404,
      code: 'NoSuchKey',
    })
    expect(await call('DELETE', '/b/never', { headers })).toMatchObject({ status: 404, code: 'NoSuchKey' })
    expect((await call('DELETE', '/b/never')).status).toBe(204)
    expect((await call('GET', '/b/mine')).text).toBe('changed')
  })
})

describe('a copy', () => {
  const copy = (key: string, headers: Record<string, string>) => call('PUT', `/b/${key}`, { headers })

  it('is refused where its source is not as it must be', async () => {
    const source = { 'x-amz-copy-source': '/b/hello' }
    const ok = await copy('copied', { ...source, 'x-amz-copy-source-if-match': md5Hello })
    expect([ok.status, ok.text.includes('&quot;5d41402abc4b2a76b9719d911017c592&quot;')]).toEqual([200, true])
    for (const condition of [
      { 'x-amz-copy-source-if-match': '"other"' },
      { 'x-amz-copy-source-if-none-match': md5Hello },
    ])
      expect((await copy('copied', { ...source, ...(condition as Record<string, string>) })).status).toBe(412)
    expect((await copy('copied', { ...source, 'if-none-match': '*' })).status).toBe(412)
  })

  it('of nothing, of itself, or of too much is refused', async () => {
    server.fill('huge', { count: 1, key: () => 'k', size: 5 * 1024 ** 3 + 1, partSize: 1024 ** 2 })
    const refusals = [
      ['/b/never', 404, 'NoSuchKey'],
      ['/nothing/k', 404, 'NoSuchBucket'],
      ['nonsense', 400, 'InvalidArgument'],
      ['/b/self', 400, 'InvalidRequest'],
      ['/huge/k', 400, 'InvalidRequest'],
    ] as const
    await server.put('b', 'self', 'x')
    for (const [source, status, code] of refusals)
      expect(await copy('self', { 'x-amz-copy-source': source })).toMatchObject({ status, code })
  })

  it('finds its source under any key', async () => {
    const key = 'a b/+%2F?versionId=é//..'
    await server.put('b', key, 'odd')
    const source = `b/${escapeKey(keyFromText(key) as Key)}`
    expect((await copy('from-odd', { 'x-amz-copy-source': source })).status).toBe(200)
    expect((await call('GET', '/b/from-odd')).text).toBe('odd')
  })
})

describe('what is not there', () => {
  it('is refused as such, never taken for something else', async () => {
    expect(await call('GET', '/b', { query: 'policy=' })).toMatchObject({
      status: 501,
      code: 'NotImplemented',
    })
    expect(await call('PUT', '/b/k', { query: 'torrent=' })).toMatchObject({
      status: 501,
      code: 'NotImplemented',
    })
    expect(await call('POST', '/b/k')).toMatchObject({ status: 405, code: 'MethodNotAllowed' })
    expect(await call('GET', '/nothing/k')).toMatchObject({ status: 404, code: 'NoSuchBucket' })
    const head = await call('HEAD', '/b/never')
    expect([head.status, head.body.length]).toEqual([404, 0])
  })
})
