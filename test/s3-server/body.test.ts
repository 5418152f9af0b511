import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { awsChunks, chunkHeaders, presign, type RawOptions } from '../support/s3-raw.ts'
import { testS3 } from '../support/s3-server.ts'

const dir = mkdtempSync(join(tmpdir(), 'dray-s3-body-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const { server, store, call } = await testS3({ dir })
server.createBucket('b')

const data = Buffer.alloc(100_000, 'abcdefghij')
const crcOf = (bytes: Buffer) => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(crc32(bytes))
  return buffer.toString('base64')
}
const trailer = `x-amz-checksum-crc32:${crcOf(data)}`
const signedForm = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
const base64Md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64')

async function put(options: RawOptions, body = data) {
  server.delete('b', 'k')
  const answer = await call('PUT', '/b/k', { ...options, ...(options.chunks ? {} : { body }) })
  const stored = await server.object('b', 'k')?.body()
  return { status: answer.status, code: answer.code, stored: stored?.equals(body) ?? null }
}
const stored = { status: 200, code: '', stored: true }
const refused = (status: number, code: string) => ({ status, code, stored: null })

describe('a chunked body', () => {
  const chunked = (
    payload: string,
    options: Parameters<typeof awsChunks>[1],
    headers: Record<string, string> = {},
  ) => {
    const names = options.trailer === undefined ? undefined : 'x-amz-checksum-crc32'
    return put({
      payload,
      headers: { ...chunkHeaders(data, names), ...headers },
      chunks: awsChunks(data, options),
    })
  }
  const flip = (at: number) => (body: Buffer) => {
    body[at]! ^= 1
    return body
  }

  it.each([8192, 65_536, 100_000, 1_000_000])('of chunks of %i bytes is put together again', async (size) => {
    expect(await chunked(signedForm, { signed: true, size })).toEqual(stored)
    expect(await chunked(`${signedForm}-TRAILER`, { signed: true, size, trailer })).toEqual(stored)
    const unsigned = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'
    expect(await chunked(unsigned, { signed: false, size, trailer })).toEqual(stored)
  })

  it('is refused when a byte of any chunk changed after signing', async () => {
    for (const at of [100, 70_000, 100_100])
      expect(await chunked(signedForm, { signed: true, tamper: flip(at) })).toEqual(
        refused(403, 'SignatureDoesNotMatch'),
      )
  })

  it('is refused when the trailer, or its signature, is another than was signed', async () => {
    const form = `${signedForm}-TRAILER`
    const tamper = (body: Buffer) =>
      Buffer.from(body.toString('latin1').replace(trailer, `${trailer} `), 'latin1')
    expect(await chunked(form, { signed: true, trailer, tamper })).toEqual(stored) // blanks are not signed
    const other = `x-amz-checksum-crc32:${crcOf(Buffer.from('other'))}`
    const swap = (body: Buffer) => Buffer.from(body.toString('latin1').replace(trailer, other), 'latin1')
    expect(await chunked(form, { signed: true, trailer, tamper: swap })).toEqual(
      refused(403, 'SignatureDoesNotMatch'),
    )
    const forge = (body: Buffer) =>
      Buffer.from(body.toString('latin1').replace(/(trailer-signature:)./, '$1g'), 'latin1')
    expect(await chunked(form, { signed: true, trailer, tamper: forge })).toEqual(
      refused(403, 'SignatureDoesNotMatch'),
    )
  })

  it('is refused when the trailer is signed and states another checksum', async () => {
    const other = `x-amz-checksum-crc32:${crcOf(Buffer.from('other'))}`
    expect(await chunked(`${signedForm}-TRAILER`, { signed: true, trailer: other })).toEqual(
      refused(400, 'BadDigest'),
    )
  })

  it('is refused without the trailer that was promised', async () => {
    const promise = { 'x-amz-trailer': 'x-amz-checksum-crc32' }
    const answer = await put({
      payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: { ...chunkHeaders(data), ...promise },
      chunks: awsChunks(data, { signed: false }),
    })
    expect(answer).toEqual(refused(400, 'InvalidRequest'))
  })

  it('is refused when a chunk before the last has less than 8 KiB', async () => {
    expect(await chunked(signedForm, { signed: true, size: 8191 })).toEqual(
      refused(403, 'InvalidChunkSizeError'),
    )
  })

  it('is refused when it is shorter or longer than it says', async () => {
    for (const length of ['99999', '100001'])
      expect(await chunked(signedForm, { signed: true }, { 'x-amz-decoded-content-length': length })).toEqual(
        refused(400, 'IncompleteBody'),
      )
    const cut = (body: Buffer) => body.subarray(0, -90)
    expect(await chunked(signedForm, { signed: true, tamper: cut })).toEqual(refused(400, 'IncompleteBody'))
    const longer = (body: Buffer) => Buffer.concat([body, Buffer.from('x')])
    expect(await chunked(signedForm, { signed: true, tamper: longer })).toEqual(
      refused(400, 'IncompleteBody'),
    )
  })

  it('leaves no trace in the stored Content-Encoding, and keeps what else is there', async () => {
    await chunked(signedForm, { signed: true })
    expect(server.object('b', 'k')?.headers['content-encoding']).toBeUndefined()
    await chunked(signedForm, { signed: true }, { 'content-encoding': 'aws-chunked,gzip' })
    expect(server.object('b', 'k')?.headers['content-encoding']).toBe('gzip')
  })
})

describe('a digest in a header', () => {
  const wrong = Buffer.from('other')
  it.each([
    ['content-md5', base64Md5(data), base64Md5(wrong)],
    ['x-amz-checksum-crc32', crcOf(data), crcOf(wrong)],
    ['x-amz-checksum-sha1', sha('sha1', data), sha('sha1', wrong)],
    ['x-amz-checksum-sha256', sha('sha256', data), sha('sha256', wrong)],
  ])('%s is held to the body', async (name, right, other) => {
    expect(await put({ payload: 'UNSIGNED-PAYLOAD', headers: { [name]: right } })).toEqual(stored)
    expect(await put({ payload: 'UNSIGNED-PAYLOAD', headers: { [name]: other } })).toEqual(
      refused(400, 'BadDigest'),
    )
  })

  it('is refused where it cannot be one', async () => {
    expect(await put({ headers: { 'content-md5': 'AAAA' } })).toEqual(refused(400, 'InvalidDigest'))
    expect(await put({ headers: { 'x-amz-checksum-crc32': 'AAAA' } })).toEqual(refused(400, 'InvalidRequest'))
    const both = { 'x-amz-checksum-crc32': crcOf(data), 'x-amz-checksum-sha1': sha('sha1', data) }
    expect(await put({ headers: both })).toEqual(refused(400, 'InvalidRequest'))
  })

  it('x-amz-content-sha256 is held to the body', async () => {
    expect(await put({})).toEqual(stored)
    const payload = createHash('sha256').update('other').digest('hex')
    expect(await put({ payload })).toEqual(refused(400, 'XAmzContentSHA256Mismatch'))
    expect(await put({ payload: 'nonsense' })).toEqual(refused(400, 'InvalidArgument'))
  })
})

function sha(name: string, bytes: Buffer): string {
  return createHash(name).update(bytes).digest('base64')
}

describe('the way a body arrives', () => {
  const open = (path: string, headers: Record<string, string | number>) =>
    request({ hostname: server.url.hostname, port: server.url.port, method: 'PUT', path, headers })

  it('needs a length', async () => {
    const outgoing = open(presign(store, 'PUT', '/b/k'), { 'transfer-encoding': 'chunked' })
    const answered = once(outgoing, 'response')
    outgoing.end('body')
    const [incoming] = await answered
    expect(incoming.statusCode).toBe(411)
    incoming.resume()
  })

  it('says 100 Continue before the body, and stores it', async () => {
    const outgoing = open(presign(store, 'PUT', '/b/waited'), { expect: '100-continue', 'content-length': 4 })
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    outgoing.end('body')
    const [incoming] = await once(outgoing, 'response')
    expect(incoming.statusCode).toBe(200)
    incoming.resume()
    expect((await server.object('b', 'waited')?.body())?.toString()).toBe('body')
  })

  it('refuses instead of saying 100 Continue, and closes', async () => {
    const path = presign(store, 'PUT', '/missing/k')
    const outgoing = open(path, { expect: '100-continue', 'content-length': 4 })
    let continued = false
    outgoing.on('continue', () => {
      continued = true
    })
    outgoing.flushHeaders()
    const [incoming] = await once(outgoing, 'response')
    expect([incoming.statusCode, incoming.headers.connection, continued]).toEqual([404, 'close', false])
    outgoing.destroy()
  })

  it('stores nothing, on disk neither, when the client goes away', async () => {
    const socket = connect(Number(server.url.port), server.url.hostname)
    const path = presign(store, 'PUT', '/b/cut')
    socket.write(`PUT ${path} HTTP/1.1\r\nhost: ${server.url.host}\r\ncontent-length: 200000\r\n\r\n`)
    socket.write(data)
    await expect.poll(() => bodies(dir)).toBeGreaterThan(0)
    socket.destroy()
    await expect.poll(() => bodies(dir)).toBe(0)
    expect(server.object('b', 'cut')).toBeNull()
  })

  it('keeps the connection after a refusal, with the body read to its end', async () => {
    const sockets = new Set<unknown>()
    for (let i = 0; i < 3; i++) {
      const outgoing = open(presign(store, 'PUT', '/missing/k'), { 'content-length': data.length })
      outgoing.on('socket', (socket) => sockets.add(socket))
      const answered = once(outgoing, 'response')
      outgoing.end(data)
      const [incoming] = await answered
      expect(incoming.statusCode).toBe(404)
      incoming.resume()
      await once(incoming, 'close')
    }
    expect(sockets.size).toBe(1)
  })
})

const bodies = (root: string): number => {
  server.delete('b', 'k')
  return readdirSync(join(root, readdirSync(root)[0]!)).length
}
