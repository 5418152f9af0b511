/** What a test of a connection finds out, and that nothing of it is left. */
import { expect, it } from 'vitest'
import type { SealedKeys } from '../../agent/storage/s3/access.ts'
import { tryConnection } from '../../agent/storage/s3/try-connection.ts'
import { type ConnectionTest, connectionChecks } from '../../shared/connection-test.ts'
import type { S3Location } from '../../shared/location.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'

const keys: SealedKeys = async () => ({ accessKeyId: 'AKIDTEST', secretAccessKey: 'test secret' })

const locationAt = ({ server }: TestS3, more: Partial<S3Location> = {}): S3Location => ({
  kind: 's3',
  bucket: 'bucket',
  prefix: 'some/',
  endpoint: server.url.href,
  region: 'us-east-1',
  profile: null,
  connection: 'store',
  sealed: true,
  site: null,
  ...more,
})

const test = (s3: TestS3, more: Partial<S3Location> = {}, sealed: SealedKeys = keys) =>
  tryConnection(locationAt(s3, more), { connections: 4, sealed })

/** `read no access-denied`, for what is not plainly so. */
const said = ({ checks }: ConnectionTest) =>
  checks
    .filter(({ outcome }) => outcome !== 'yes')
    .map(({ check, outcome, code }) => [check, outcome, code].filter(Boolean).join(' '))

it('can do everything where everything is allowed, and leaves nothing', async () => {
  const s3 = await testS3()
  s3.server.createBucket('bucket')
  const found = await test(s3)
  expect(found.checks.map(({ check }) => check)).toEqual(connectionChecks)
  expect(said(found)).toEqual([])
  expect(found.store).toBe('dray-s3-server')
  expect(found.latencyMs).toBeGreaterThan(0)
  expect(Math.abs(found.skewMs!)).toBeLessThan(3_000)
  expect([...s3.server.objects('bucket')]).toEqual([])
})

it('leaves no versions behind in a bucket that keeps them, and says that it does', async () => {
  const s3 = await testS3()
  s3.server.createBucket('bucket', { versioned: true })
  const found = await test(s3)
  expect(said(found)).toEqual([])
  expect(found.checks.find(({ check }) => check === 'versions')?.message).toBe('versioning is enabled')
  const { body } = await s3.call('GET', '/bucket?versions=')
  expect(body.toString()).not.toContain('.dray-')
})

it('reads what is there where nothing may be written', async () => {
  const s3 = await testS3()
  s3.server.createBucket('bucket')
  await s3.call('PUT', '/bucket/some/thing', { body: Buffer.from('content') })
  s3.server.hooks = {
    beforeRequest: ({ method }) =>
      method === 'GET' || method === 'HEAD' ? null : { status: 403, code: 'AccessDenied', message: 'No' },
  }
  const found = await test(s3)
  expect(said(found)).toEqual([
    'write no access-denied',
    'tags not-tried',
    'conditional-writes not-tried',
    'checksums not-tried',
    'multipart not-tried',
    'delete not-tried',
  ])
  expect(found.checks.find(({ check }) => check === 'write')?.hint).toMatch(/may not do this/)
})

it('tells keys that the store does not know, and tries nothing twice with them', async () => {
  const s3 = await testS3()
  s3.server.createBucket('bucket')
  let asked = 0
  const wrong: SealedKeys = async () => {
    asked++
    return { accessKeyId: 'AKIDTEST', secretAccessKey: 'another' }
  }
  const found = await test(s3, {}, wrong)
  expect(said(found)[0]).toBe('list no bad-credentials')
  expect(found.checks.find(({ check }) => check === 'list')?.hint).toMatch(/dray connection seal store/)
  expect(JSON.stringify(found)).not.toContain('another')
  expect(asked).toBeLessThan(20)
})

it('takes the new keys where the old ones are refused', async () => {
  const s3 = await testS3()
  s3.server.createBucket('bucket')
  const rotated: SealedKeys = async (_, afresh) => ({
    accessKeyId: 'AKIDTEST',
    secretAccessKey: afresh ? 'test secret' : 'the one before',
  })
  expect(said(await test(s3, {}, rotated))).toEqual([])
})

it('tells that there is no such bucket, a store that cannot be reached, and keys that cannot be had', async () => {
  const s3 = await testS3()
  expect(said(await test(s3))).toContain('list no no-such-bucket')
  const nobody = await test(s3, { endpoint: 'http://127.0.0.1:9' })
  expect(said(nobody)).toContain('list no unreachable')
  const none = await test(s3, {}, async () => {
    throw new Error('no copy')
  })
  expect(said(none)[0]).toBe('credential no internal')
  expect(
    said(none)
      .slice(1)
      .every((line) => line.endsWith('not-tried')),
  ).toBe(true)
})

it('tells what a store takes and does not do', async () => {
  const s3 = await testS3({ forgets: ['content-md5', 'if-none-match'] })
  s3.server.createBucket('bucket')
  expect(said(await test(s3))).toEqual([
    'conditional-writes no not-implemented',
    'checksums no not-implemented',
  ])
  expect([...s3.server.objects('bucket')]).toEqual([])
})

it('tells a clock that is wrong', async () => {
  const s3 = await testS3({ now: () => Date.now() + 5 * 60_000 })
  s3.server.createBucket('bucket')
  const found = await test(s3)
  expect(said(found)).toEqual(['clock no clock-skew'])
  expect(found.skewMs).toBeGreaterThan(299_000)
})
