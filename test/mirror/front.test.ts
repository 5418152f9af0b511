/** Who is let in, which bodies are taken, and what stands beside the bucket. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as secureRequest } from 'node:https'
import { join } from 'node:path'
import { GetObjectCommand, HeadBucketCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { presign, type RawOptions, rawRequest, send, sha256 } from '../support/s3-raw.ts'
import { appKeys, type MirrorStage, mirrorStage } from './stage.ts'

const storeOf = ({ mirror }: MirrorStage, secret = appKeys.secretAccessKey) => ({
  endpoint: mirror.url.href,
  key: appKeys.accessKeyId,
  secret,
})
const md5 = (bytes: string | Buffer) => createHash('md5').update(bytes).digest('base64')

describe('the application', () => {
  it('is known by its key alone, and knows one bucket', async () => {
    const stage = await mirrorStage()
    const store = storeOf(stage)
    expect((await rawRequest({ ...store, secret: 'another' }, 'GET', '/photos/a')).code).toBe(
      'SignatureDoesNotMatch',
    )
    expect((await rawRequest({ ...store, key: 'SIDE' }, 'GET', '/photos/a')).code).toBe('InvalidAccessKeyId')
    expect((await send(store, 'GET', '/photos/a', Buffer.alloc(0), {})).code).toBe('AccessDenied')
    expect((await rawRequest(store, 'GET', '/other/a')).code).toBe('NoSuchBucket')
    expect((await rawRequest(store, 'DELETE', '/photos')).code).toBe('NotImplemented')
    expect((await rawRequest(store, 'PUT', '/photos')).code).toBe('BucketAlreadyOwnedByYou')
    expect((await rawRequest(store, 'GET', '/photos/a', { region: 'wherever' })).code).toBe('NoSuchKey')
    await stage.app.send(new HeadBucketCommand({ Bucket: 'photos' }))
    const { Buckets } = await stage.app.send(new ListBucketsCommand({}))
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['photos'])
  })

  it('may use presigned URLs', async () => {
    const stage = await mirrorStage()
    const store = storeOf(stage)
    const at = (method: string) => presign(store, method, '/photos/a')
    expect((await send(store, 'PUT', at('PUT'), Buffer.from('signed'), {})).status).toBe(200)
    expect((await send(store, 'GET', at('GET'), Buffer.alloc(0), {})).text).toBe('signed')
    expect(await stage.stored('new')).toEqual({ a: 'signed' })
  })
})

const small = Buffer.from('a small body')
const large = Buffer.alloc(700_001, 'a large body')

describe.each([
  ['small', small],
  ['large', large],
])('a %s body', (_, body) => {
  /** `aws-chunked`, unsigned, with the checksum behind it. */
  const trailing = (crc: string): RawOptions => ({
    payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': String(body.length),
      'x-amz-trailer': 'x-amz-checksum-sha256',
    },
    chunks: () =>
      Buffer.concat([
        Buffer.from(`${body.length.toString(16)}\r\n`),
        body,
        Buffer.from(`\r\n0\r\nx-amz-checksum-sha256:${crc}\r\n\r\n`),
      ]),
  })
  const sum = createHash('sha256').update(body).digest('base64')

  it('is taken in every form, and stored as it is', async () => {
    const stage = await mirrorStage()
    const store = storeOf(stage)
    const forms: Record<string, RawOptions> = {
      hashed: { body },
      unsigned: { body, payload: 'UNSIGNED-PAYLOAD' },
      md5: { body, headers: { 'content-md5': md5(body) } },
      checksum: { body, headers: { 'x-amz-checksum-sha256': sum } },
      trailing: trailing(sum),
      encoded: {
        body,
        headers: { 'content-encoding': 'gzip', 'content-type': 'x/y', 'cache-control': 'no-store' },
      },
    }
    for (const [name, form] of Object.entries(forms))
      expect((await rawRequest(store, 'PUT', `/photos/${name}`, form)).status, name).toBe(200)
    const all = Object.fromEntries(Object.keys(forms).map((name) => [name, body.toString('latin1')]))
    expect(await stage.stored('old')).toEqual(all)
    expect(await stage.stored('new')).toEqual(all)
    for (const [server, name] of [
      [stage.old, 'old'],
      [stage.new, 'new'],
    ] as const) {
      expect(server.object(name, 'trailing')!.headers['content-encoding']).toBeUndefined()
      const { headers } = await rawRequest(
        { endpoint: server.url.href, key: 'SIDE', secret: 'the secret of both sides' },
        'HEAD',
        `/${name}/trailing`,
        { headers: { 'x-amz-checksum-mode': 'ENABLED' } },
      )
      expect(headers['x-amz-checksum-sha256'], name).toBe(sum)
      expect(server.object(name, 'encoded')!.headers).toMatchObject({
        'content-encoding': 'gzip',
        'content-type': 'x/y',
      })
    }
  })

  it('that is not what was promised is on neither side', async () => {
    const stage = await mirrorStage()
    const store = storeOf(stage)
    const wrong: [string, RawOptions][] = [
      ['XAmzContentSHA256Mismatch', { body, payload: sha256('another') }],
      ['BadDigest', { body, headers: { 'content-md5': md5('another') } }],
      ['BadDigest', { body, headers: { 'x-amz-checksum-sha256': createHash('sha256').digest('base64') } }],
      ['BadDigest', trailing(createHash('sha256').digest('base64'))],
    ]
    for (const [code, options] of wrong)
      expect((await rawRequest(store, 'PUT', '/photos/a', options)).code).toBe(code)
    await stage.settled()
    expect(await stage.stored('old')).toEqual({})
    expect(await stage.stored('new')).toEqual({})
    expect(stage.mirror.status().dirty).toBe(0)
  })
})

describe('beside the bucket', () => {
  it('health is for everybody, status for who has the token', async () => {
    const stage = await mirrorStage()
    const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch(new URL(path, stage.mirror.url), { method, headers })
    expect((await ask('/-/health')).status).toBe(200)
    expect((await ask('/-/status')).status).toBe(401)
    expect((await ask('/-/status', { authorization: `Bearer ${'control'.repeat(8)}` })).status).toBe(200)
    expect((await ask('/-/switch?record=new', {}, 'POST')).status).toBe(401)
    expect((await ask('/-/other')).status).toBe(404)
    expect(stage.mirror.record).toBe('old')
  })

  it('is told while what is under way is finished: new requests are to go elsewhere', async () => {
    const stage = await mirrorStage()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let reached = () => {}
    const isThere = new Promise<void>((resolve) => {
      reached = resolve
    })
    stage.new.hooks = {
      async beforeRequest() {
        reached()
        await held
        return null
      },
    }
    const writing = stage.app.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a', Body: 'under way' }))
    await isThere
    const { url } = stage.mirror
    const stopped = stage.restart()
    expect((await fetch(new URL('/-/health', url))).status).toBe(503)
    const refused = await rawRequest(storeOf(stage), 'GET', '/photos/a')
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1'])
    release()
    await writing
    await stopped
    stage.new.hooks = {}
    expect(stage.mirror.status().dirty).toBe(0)
    const { Body } = await stage.app.send(new GetObjectCommand({ Bucket: 'photos', Key: 'a' }))
    expect(await Body!.transformToString()).toBe('under way')
  })

  it('serves TLS where it has a certificate', async () => {
    const pem = readFileSync(join(import.meta.dirname, '../support/localhost.pem'))
    const stage = await mirrorStage({ tls: { cert: pem, key: pem } })
    expect(stage.mirror.url.protocol).toBe('https:')
    const status = await new Promise((resolve, reject) => {
      const asked = secureRequest(
        new URL('/-/health', stage.mirror.url),
        { rejectUnauthorized: false },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        },
      )
      asked.on('error', reject).end()
    })
    expect(status).toBe(200)
  })
})
