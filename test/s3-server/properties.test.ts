/** What an object of the server is besides its bytes: keys of the customer's, ACLs, classes, and headers that are forgotten. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testS3 } from '../support/s3-server.ts'

const { server, call } = await testS3()
server.createBucket('b')
server.createBucket('owned', { enforcesOwner: true })

function customer(key: Buffer, prefix = 'x-amz-'): Record<string, string> {
  const name = `${prefix}server-side-encryption-customer-`
  return {
    [`${name}algorithm`]: 'AES256',
    [`${name}key`]: key.toString('base64'),
    [`${name}key-md5`]: createHash('md5').update(key).digest('base64'),
  }
}
const [mine, other] = [customer(randomBytes(32)), customer(randomBytes(32))]

describe('an object under a key of the customer’s', () => {
  it('is read with that key, and not without or with another', async () => {
    const put = await call('PUT', '/b/secret', { body: 'secret', headers: mine })
    expect(put.status).toBe(200)
    // As with AWS, the ETag looks like an MD5 and is none.
    expect(put.headers.etag).toMatch(/^"[0-9a-f]{32}"$/)
    expect(put.headers.etag).not.toBe(`"${createHash('md5').update('secret').digest('hex')}"`)
    const got = await call('GET', '/b/secret', { headers: mine })
    expect(got.text).toBe('secret')
    expect(got.headers['x-amz-server-side-encryption-customer-algorithm']).toBe('AES256')
    expect(JSON.stringify(got.headers)).not.toContain(mine['x-amz-server-side-encryption-customer-key'])
    expect(await call('GET', '/b/secret')).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect((await call('HEAD', '/b/secret')).status).toBe(400)
    expect(await call('GET', '/b/secret', { headers: other })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    })
  })

  it('is the only one that takes a key', async () => {
    await call('PUT', '/b/open', { body: 'open' })
    expect(await call('GET', '/b/open', { headers: mine })).toMatchObject({
      status: 400,
      code: 'InvalidRequest',
    })
  })

  it('is uploaded in parts with that key alone', async () => {
    const begun = await call('POST', '/b/parts', { query: 'uploads=', headers: mine })
    const upload = /<UploadId>([^<]+)/.exec(begun.text)![1]!
    const part = (headers: Record<string, string>) =>
      call('PUT', '/b/parts', { query: `partNumber=1&uploadId=${upload}`, body: 'part', headers })
    expect(await part({})).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect(await part(other)).toMatchObject({ status: 400, code: 'InvalidRequest' })
    expect((await part(mine)).status).toBe(200)
  })

  it('needs a key that is one', async () => {
    const wrong = { ...mine, 'x-amz-server-side-encryption-customer-key-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
    expect(await call('PUT', '/b/x', { headers: wrong })).toMatchObject({ code: 'InvalidArgument' })
    expect(await call('PUT', '/b/x', { headers: customer(randomBytes(16)) })).toMatchObject({
      code: 'InvalidArgument',
    })
  })
})

describe('an ACL', () => {
  it('is what the writer says, by its short name or by grants', async () => {
    const acl = async (key: string) =>
      [...(await call('GET', `/b/${key}`, { query: 'acl=' })).text.matchAll(/<Permission>([^<]+)/g)].map(
        ([, permission]) => permission,
      )
    await call('PUT', '/b/private')
    await call('PUT', '/b/public', { headers: { 'x-amz-acl': 'public-read' } })
    await call('PUT', '/b/granted', { headers: { 'x-amz-grant-read-acp': 'id="a", uri="b"' } })
    expect(await acl('private')).toEqual(['FULL_CONTROL'])
    expect(await acl('public')).toEqual(['FULL_CONTROL', 'READ'])
    expect(await acl('granted')).toEqual(['READ_ACP', 'READ_ACP'])
    await call('PUT', '/b/private', { query: 'acl=', headers: { 'x-amz-acl': 'public-read' } })
    expect(await acl('private')).toEqual(['FULL_CONTROL', 'READ'])
    const both = { 'x-amz-acl': 'private', 'x-amz-grant-read': 'id="a"' }
    expect(await call('PUT', '/b/x', { headers: both })).toMatchObject({ code: 'InvalidRequest' })
  })

  it('is refused where the bucket’s owner owns all', async () => {
    const put = (acl: string) => call('PUT', '/owned/x', { headers: { 'x-amz-acl': acl } })
    expect(await put('public-read')).toMatchObject({ status: 400, code: 'AccessControlListNotSupported' })
    expect((await put('bucket-owner-full-control')).status).toBe(200)
  })
})

it('a storage class or an encryption that there is not is refused', async () => {
  const put = (headers: Record<string, string>) => call('PUT', '/b/x', { headers })
  expect(await put({ 'x-amz-storage-class': 'COLD' })).toMatchObject({
    status: 400,
    code: 'InvalidStorageClass',
  })
  expect(await put({ 'x-amz-server-side-encryption': 'AES128' })).toMatchObject({ code: 'InvalidArgument' })
})

it('headers that it was told to forget are taken and forgotten', async () => {
  const forgetful = await testS3({ forgets: ['x-amz-tagging'] })
  forgetful.server.createBucket('b')
  const put = await forgetful.call('PUT', '/b/x', { headers: { 'x-amz-tagging': 'a=b' } })
  expect(put.status).toBe(200)
  expect((await forgetful.call('HEAD', '/b/x')).headers['x-amz-tagging-count']).toBeUndefined()
})
