import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { testS3 } from '../support/s3-server.ts'

const { server, call } = await testS3()
const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest()

it('has a body that follows from the key, and a true ETag', async () => {
  server.fill('b', { count: 50, key: (i) => `k-${String(i).padStart(2, '0')}`, size: 4097 })
  const etags = new Set<string>()
  for (const { key, etag, body } of server.objects('b')) {
    const { body: read, headers } = await call('GET', `/b/${key}`)
    expect(read.length).toBe(4097)
    expect(read.equals(await body())).toBe(true)
    expect(md5(read).toString('hex')).toBe(etag)
    expect(headers.etag).toBe(`"${etag}"`)
    etags.add(etag)
  }
  expect(etags.size).toBeGreaterThan(8) // sixteen contents, so that a mix-up shows
})

it('has parts where it is large, and each range is the right piece of the whole', async () => {
  const partSize = 65_536
  const size = 5 * partSize + 17
  server.fill('parts', { count: 1, key: () => 'k', size, partSize })
  const { body: whole, headers } = await call('GET', '/parts/k')
  expect(whole.length).toBe(size)
  const pieces = Array.from({ length: 6 }, (_, i) => whole.subarray(i * partSize, (i + 1) * partSize))
  expect(headers.etag).toBe(`"${md5(Buffer.concat(pieces.map(md5))).toString('hex')}-6"`)
  expect(new Set(pieces.map((piece) => md5(piece).toString('hex'))).size).toBe(6)
  for (const [first, last] of [
    [0, 0],
    [65_530, 65_540],
    [100_000, 300_000],
    [size - 20, size - 1],
  ] as const) {
    const { body } = await call('GET', '/parts/k', { headers: { range: `bytes=${first}-${last}` } })
    expect(body.equals(whole.subarray(first, last + 1))).toBe(true)
  }
  const third = await call('GET', '/parts/k', { query: 'partNumber=3' })
  expect([third.headers['x-amz-mp-parts-count'], third.body.equals(pieces[2]!)]).toEqual(['6', true])
})

it('can be very large at no cost, in at most 10,000 parts', async () => {
  server.fill('huge', { count: 1, key: () => 'k', size: 50_000_000_000, partSize: 1024 ** 2 })
  const head = await call('HEAD', '/huge/k', { query: 'partNumber=9537' })
  expect(head.headers['content-range']).toMatch(/\/50000000000$/)
  expect(head.headers['x-amz-mp-parts-count']).toBe('9537') // of 5 MiB
  const { body } = await call('GET', '/huge/k', { headers: { range: 'bytes=49999999990-' } })
  expect(body.length).toBe(10)
})

it('can be overwritten, copied, tagged and deleted like any other', async () => {
  server.fill('mixed', { count: 4, key: (i) => `k${i}`, size: 5, headers: { 'x-amz-meta-a': '1' } })
  await call('PUT', '/mixed/k0', { body: 'stored' })
  await call('DELETE', '/mixed/k1')
  await call('PUT', '/mixed/copy', { headers: { 'x-amz-copy-source': '/mixed/k2' } })
  const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
  expect((await call('PUT', '/mixed/k3', { query: 'tagging=', body: tagging })).status).toBe(200)
  expect((await call('HEAD', '/mixed/k3')).headers['x-amz-tagging-count']).toBe('1')
  expect([...server.objects('mixed')].map(({ key }) => key)).toEqual(['copy', 'k0', 'k2', 'k3'])
  const [copy, original] = [server.object('mixed', 'copy')!, server.object('mixed', 'k2')!]
  expect([copy.etag, copy.headers['x-amz-meta-a']]).toEqual([original.etag, '1'])
})

it('may have sizes by key, nothing among them', async () => {
  server.fill('sizes', { count: 3, key: String, size: (key) => Number(key) * 1000 })
  expect([...server.objects('sizes')].map(({ size }) => size)).toEqual([0, 1000, 2000])
  expect((await call('GET', '/sizes/0')).headers.etag).toBe('"d41d8cd98f00b204e9800998ecf8427e"')
})
