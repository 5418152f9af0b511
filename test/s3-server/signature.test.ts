import { beforeEach, describe, expect, it } from 'vitest'
import { presign, rawRequest, send } from '../support/s3-raw.ts'
import { testS3 } from '../support/s3-server.ts'

const clock = Date.UTC(2026, 10, 20, 12)
const { server, store, call } = await testS3({
  now: () => clock,
  region: 'eu-west-1',
  credentials: { AKIDTEST: 'test secret', ASIATEMP: 'temporary' },
  sessionTokens: { ASIATEMP: 'token' },
})
const at = new Date(clock)
const region = 'eu-west-1'
const minutes = (n: number) => new Date(clock + n * 60_000)
beforeEach(() => server.put('b', 'k', 'hello'))

describe('a signature in the header', () => {
  it('is accepted up to a quarter of an hour away, and not beyond', async () => {
    for (const n of [-15, 15])
      expect((await call('GET', '/b/k', { at: minutes(n), region })).status).toBe(200)
    for (const n of [-15.1, 15.1])
      expect(await call('GET', '/b/k', { at: minutes(n), region })).toMatchObject({
        status: 403,
        code: 'RequestTimeTooSkewed',
      })
  })

  it('tells the right region to whoever signed for another', async () => {
    const answer = await call('GET', '/b/k', { at, region: 'us-east-1' })
    expect(answer).toMatchObject({ status: 400, code: 'AuthorizationHeaderMalformed' })
    expect(answer.text).toContain('<Region>eu-west-1</Region>')
    expect(answer.headers['x-amz-bucket-region']).toBe('eu-west-1')
  })

  it.each([
    ['a wrong secret', { ...store, secret: 'other' }, 'SignatureDoesNotMatch'],
    ['an unknown access key', { ...store, key: 'AKIDOTHER' }, 'InvalidAccessKeyId'],
    ['a key that is a property of every object', { ...store, key: 'constructor' }, 'InvalidAccessKeyId'],
  ])('refuses %s', async (_, who, code) => {
    expect(await rawRequest(who, 'GET', '/b/k', { at, region })).toMatchObject({ status: 403, code })
  })

  it('refuses x-amz headers that are not signed, and names them', async () => {
    const answer = await call('PUT', '/b/k', { at, region, body: 'x', unsigned: { 'x-amz-meta-a': '1' } })
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect(answer.text).toContain('<HeadersNotSigned>x-amz-meta-a</HeadersNotSigned>')
  })

  it('refuses an anonymous request', async () => {
    const answer = await send(store, 'GET', '/b/k', Buffer.alloc(0), {})
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' })
  })

  it.each([
    ['AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host', 'AuthorizationHeaderMalformed'],
    ['AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=00', 'AuthorizationHeaderMalformed'],
    ['AWS AKIDTEST:signature', 'InvalidArgument'],
  ])('calls %s malformed', async (authorization, code) => {
    const headers = { authorization, 'x-amz-date': '20261120T120000Z' }
    expect(await send(store, 'GET', '/b/k', Buffer.alloc(0), headers)).toMatchObject({ status: 400, code })
  })

  it('wants the session token of temporary credentials, and no other', async () => {
    const temporary = { ...store, key: 'ASIATEMP', secret: 'temporary' }
    const withToken = (token?: string) =>
      rawRequest(temporary, 'GET', '/b/k', {
        at,
        region,
        headers: token === undefined ? {} : { 'x-amz-security-token': token },
      })
    expect((await withToken('token')).status).toBe(200)
    expect(await withToken()).toMatchObject({ status: 400, code: 'InvalidToken' })
    expect(await withToken('other')).toMatchObject({ status: 400, code: 'InvalidToken' })
  })

  it('covers the query in its sorted form', async () => {
    const sorted = await call('GET', '/b', { at, region, query: 'list-type=2&prefix=k%20%2B' })
    expect(sorted.status).toBe(200)
    const unsorted = await call('GET', '/b', { at, region, query: 'prefix=k&list-type=2' })
    expect(unsorted.code).toBe('SignatureDoesNotMatch')
  })
})

describe('a presigned request', () => {
  const get = (path: string) => send(store, 'GET', path, Buffer.alloc(0), {})

  it('is good until it expires', async () => {
    const path = presign(store, 'GET', '/b/k', { at: minutes(-1), expires: 60, region })
    expect((await get(path)).text).toBe('hello')
    const late = presign(store, 'GET', '/b/k', { at: minutes(-1), expires: 59, region })
    expect(await get(late)).toMatchObject({ status: 403, code: 'AccessDenied' })
    expect((await get(late)).text).toContain('Request has expired')
  })

  it('is good for one method, one key and one query only', async () => {
    const path = presign(store, 'GET', '/b/k', { at, region })
    expect((await get(path.replace('/b/k', '/b/other'))).code).toBe('SignatureDoesNotMatch')
    expect((await get(`${path}&versionId=null`)).code).toBe('SignatureDoesNotMatch')
    expect((await send(store, 'DELETE', path, Buffer.alloc(0), {})).code).toBe('SignatureDoesNotMatch')
  })

  it('can put a body that is not signed', async () => {
    const path = presign(store, 'PUT', '/b/up%20load', { at, region })
    expect((await send(store, 'PUT', path, Buffer.from('body'), {})).status).toBe(200)
    expect((await server.object('b', 'up load')?.body())?.toString()).toBe('body')
  })

  it('tells the right region to whoever signed for another', async () => {
    const answer = await get(presign(store, 'GET', '/b/k', { at, region: 'us-east-1' }))
    expect(answer).toMatchObject({ status: 400, code: 'AuthorizationQueryParametersError' })
    expect(answer.text).toContain('<Region>eu-west-1</Region>')
  })
})
