/** Versions through the S3 adapter, on the server of this repository, and what a lying server may answer. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { withRetry } from '../../agent/storage/retry.ts'
import type { S3Client } from '../../agent/storage/s3/client.ts'
import { listVersions } from '../../agent/storage/s3/list-versions.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import { parseVersionPage, readVersionPage, scanVersionPage } from '../../agent/storage/s3/version-page.ts'
import { parseXml } from '../../agent/storage/s3/xml.ts'
import type { Chain } from '../../agent/storage/versions.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { everything } from '../../shared/range.ts'
import { failure, noSignal, put } from './contract.ts'
import { chainsIn, describeVersions, remove, told } from './versions-contract.ts'

fc.configureGlobal({ seed: 1 })

let server: S3Server
let buckets = 0

const open = (bucket: string, prefix = '', endpoint = server.url.href) =>
  openS3Storage(
    { kind: 's3', bucket, prefix, endpoint, region: 'us-east-1', profile: null, site: null },
    { connections: 8 },
  )
function newBucket(options: { versioned?: boolean } = { versioned: true }): string {
  const name = `bucket-${++buckets}`
  server.createBucket(name, options)
  return name
}

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  server = await startS3Server({ credentials: { AKIDTEST: 'secret of the test' } })
})
afterAll(async () => {
  await server.stop()
  vi.unstubAllEnvs()
})

for (const prefix of ['', 'a folder/ünicode+%/'])
  describeVersions(`versions under the prefix "${prefix}"`, () => open(newBucket(), prefix))

describe('versions in a bucket', () => {
  test('are one a key, named null, where versioning was never on; and none are kept', async () => {
    const storage = await open(newBucket({}))
    for (const body of ['one', 'three']) await put(storage, 'k', body)
    const chains = await chainsIn(storage)
    expect(told(chains)).toEqual(['k: 5'])
    const { version, token } = chains[0]!.versions[0]!
    expect(version).toBe('null')
    const reading = await storage.read(keyFromText('k'), { version, token, signal: noSignal })
    expect(reading?.entry.size).toBe(5)
    reading?.body.destroy()
    expect(await storage.versions!.state(noSignal)).toBe('off')
    expect((await failure(remove(storage, 'k'))).code).toBe('config')
  })

  test('come in pages that end within a key, and are more than a page', async () => {
    const bucket = newBucket()
    const storage = await open(bucket)
    for (let i = 0; i < 1_500; i++) await server.put(bucket, 'k', 'x'.repeat(i % 7))
    for (let i = 0; i < 700; i++) await server.put(bucket, `l${i % 7}`, `${i}`)
    const chains = await chainsIn(storage)
    expect(chains.map(({ key, count }) => `${key} ${count}`)).toEqual([
      'k 1500',
      ...Array.from({ length: 7 }, (_, i) => `l${i} 100`),
    ])
    expect(chains[0]!.versions.map(({ size }) => size)).toEqual(
      Array.from({ length: 1_500 }, (_, i) => i % 7),
    )
  })

  test('are listed on from the last whole key when the store fails in between', async () => {
    const bucket = newBucket()
    for (let i = 0; i < 2_500; i++) await server.put(bucket, `k${String(i >> 1).padStart(4, '0')}`, `${i}`)
    let pages = 0
    server.hooks = {
      beforeRequest: ({ operation }) =>
        operation === 'ListObjectVersions' && ++pages % 2 === 0
          ? { status: 500, code: 'InternalError' }
          : null,
    }
    const storage = withRetry(await open(bucket), { attempts: 4, sleep: async () => {} })
    const chains = await chainsIn(storage)
    server.hooks = {}
    expect(chains.map(({ count }) => count)).toEqual(Array.from({ length: 1_250 }, () => 2))
    expect(pages).toBeGreaterThan(4)
  })
})

describe('a page of versions', () => {
  const document = (inside: string, truncated = false, more = '') =>
    Buffer.from(
      `<?xml version="1.0"?><ListVersionsResult><IsTruncated>${truncated}</IsTruncated>${more}${inside}</ListVersionsResult>`,
    )
  const version = (key: string, id: string, isLatest: boolean, tag = 'Version') =>
    `<${tag}><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${isLatest}</IsLatest>` +
    `<LastModified>2026-01-02T03:04:05.678Z</LastModified><ETag>&quot;${'a'.repeat(32)}&quot;</ETag><Size>3</Size></${tag}>`

  test('that is cut off, or leaves out what matters, is no page', () => {
    const whole = document(version('k', '1', true))
    expect(readVersionPage(whole)).toMatchObject({ next: null, listed: [{ isLatest: true }] })
    expect(readVersionPage(whole.subarray(0, -3))).toBeTypeOf('string')
    for (const wrong of [
      document(version('k', '', true)),
      document(version('', '1', true)),
      document(version('k', '1', true).replace('true', 'maybe')),
      document(version('k', '1', true).replace(/<ETag>.*<\/ETag>/, '')),
      document(version('k', '1', true).replace('<Size>3', '<Size>x')),
      document('', true),
      document('', true, '<NextKeyMarker>k</NextKeyMarker>'),
      Buffer.from('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'),
    ]) {
      expect(readVersionPage(wrong), wrong.toString()).toBeTypeOf('string')
    }
  })

  test('is the same to the scanner as to the real parser, wherever the scanner dares to say', () => {
    const escaped = '<EncodingType>url</EncodingType>'
    const owner = '<Owner><ID>a&amp;b</ID><DisplayName/></Owner>'
    const inside =
      `\n  ${version('a%20b', '2', true).replace('<Size>', `${owner}<Size>`)}\n` +
      version('a%20b', '1', false, 'DeleteMarker').replace(/<ETag>.*<\/Size>/, '') +
      version('z', 'null', true).replace('</Size>', '</Size><StorageClass>GLACIER</StorageClass>')
    const whole = document(inside, true, `${escaped}<Prefix/>${next('z', 'null')}`)
    const scanned = scanVersionPage(whole)
    expect(scanned).toMatchObject({ listed: { length: 3 }, next: { key: 'z', version: 'null' } })
    const parsed = (bytes: Buffer) => {
      const root = parseXml(bytes)
      return root?.name === 'ListVersionsResult' ? parseVersionPage(root) : 'no page'
    }
    const agree = (bytes: Buffer) => {
      const found = scanVersionPage(bytes)
      if (found === null) return
      const other = parsed(bytes)
      if (typeof found === 'string') expect(other, bytes.toString()).toBeTypeOf('string')
      else expect(other, bytes.toString()).toEqual(found)
    }
    agree(whole)
    for (let end = 0; end < whole.length; end++) agree(whole.subarray(0, end))
    const text = whole.toString()
    const pieces = [
      '<',
      '>',
      '</',
      '&',
      '&#10;',
      '&lt;',
      ' ',
      '<!-- -->',
      '<a/>',
      '<Key>',
      '</Key>',
      'é',
      '%',
      '<b>c</b>',
      'true',
    ]
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(12), fc.constantFrom(...pieces, ''), (at, drop, piece) => {
        agree(Buffer.from(text.slice(0, at) + piece + text.slice(at + drop)))
      }),
      { numRuns: 5_000 },
    )
  })

  /** A server that answers listings with these pages, one after the other. */
  async function listingOf(...pages: Buffer[]) {
    const asked: string[] = []
    const lying = createServer((request, response) => {
      asked.push(request.url!)
      response.end(pages[Math.min(asked.length, pages.length) - 1])
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => lying.once('listening', resolve))
    const storage = await open('lying', '', `http://127.0.0.1:${(lying.address() as AddressInfo).port}`)
    try {
      return await chainsIn(storage).then(told, (error) => error.code as string)
    } finally {
      await storage.close()
      lying.closeAllConnections()
      await new Promise((resolve) => lying.close(resolve))
    }
  }
  const next = (key: string, id: string) =>
    `<NextKeyMarker>${key}</NextKeyMarker><NextVersionIdMarker>${id}</NextVersionIdMarker>`

  test('that lies is an error, and never a chain with a part missing', async () => {
    const a2 = version('a', '2', true)
    const a1 = version('a', '1', false)
    const b = version('b', '1', true)
    expect(await listingOf(document(a2 + a1 + b))).toEqual(['a: 3 3', 'b: 3'])
    expect(await listingOf(document(a2, true, next('a', '2')), document(a1 + b))).toEqual(['a: 3 3', 'b: 3'])
    // The oldest first, the latest left out, a key in two pieces, keys that go back, a version twice.
    expect(await listingOf(document(version('a', '1', false) + version('a', '2', true)))).toBe('server-error')
    expect(await listingOf(document(a1 + b))).toBe('server-error')
    expect(await listingOf(document(a2 + b + a1))).toBe('unordered')
    expect(await listingOf(document(b + a2))).toBe('unordered')
    expect(await listingOf(document(a2 + version('a', '2', false)))).toBe('server-error')
    // The same page again, one that goes back, one without an end.
    const truncated = document(a2 + a1, true, next('a', '1'))
    expect(await listingOf(truncated, truncated)).toBe('server-error')
    expect(await listingOf(document(b, true, next('b', '1')), document(a2, true, next('a', '2')))).toBe(
      'unordered',
    )
    expect(await listingOf(document('', true, next('a', '1')))).toBe('server-error')
    // A page that says it is the last and names a next one is not the last.
    expect(await listingOf(document(a2, false, next('a', '2')), document(a1))).toEqual(['a: 3 3'])
  })

  test('of a key with more versions than are held gives their number and the newest', async () => {
    const many = [3, 2, 1].map((id) => version('a', `${id}`, id === 3)).join('')
    const client = {
      where: () => ({ op: 'LIST', bucket: '', endpoint: '', region: '' }),
      send: async () => ({ body: Readable.from([document(many + version('b', '1', true))]) }),
    } as unknown as S3Client
    const found: Chain[] = []
    for await (const page of listVersions(client, '' as Key, everything, noSignal, 2)) found.push(...page)
    const [a, b] = found
    expect([a!.count, a!.versions.map((each) => each.version)]).toEqual([3, ['3']])
    expect([b!.count, b!.versions.length]).toEqual([1, 1])
  })

  test('keeps delete markers where they are among the versions', async () => {
    const marker = version('a', '2', false, 'DeleteMarker')
    expect(await listingOf(document(version('a', '3', true) + marker + version('a', '1', false)))).toEqual([
      'a: 3 - 3',
    ])
  })
})
