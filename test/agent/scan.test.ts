/** What a scan counts, and that its parts add up to the whole. */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { scan, scanBounds } from '../../agent/looking/scan.ts'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import type { Answer } from '../../shared/asks.ts'
import type { Key } from '../../shared/key.ts'
import type { FileLocation, S3Location } from '../../shared/location.ts'
import { type Filter, noFilter } from '../../shared/policy.ts'
import { bodyOf, noMetadata, noSignal, put } from '../storage/contract.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'

type Scan = Answer & { kind: 'scan' }
const place: FileLocation = { kind: 'file', path: '/x', site: 'here' }

/** All of it, by parts of at most `keys` keys. */
async function parts(
  open: () => Storage | Promise<Storage>,
  filter: Partial<Filter> = {},
  keys = scanBounds.keys,
): Promise<Scan[]> {
  const found: Scan[] = []
  for (let after: Key | null = null; ; ) {
    const ask = { kind: 'scan', location: place, filter: { ...noFilter, ...filter }, after } as const
    const part = await scan(ask, { open: async () => open() }, { ms: scanBounds.ms, keys })
    found.push(part)
    if (part.next === null) return found
    after = part.next
  }
}

const whole = async (...given: Parameters<typeof parts>) => (await parts(...given))[0]!

describe('a bucket', () => {
  let s3: TestS3
  const location: S3Location = {
    ...{ kind: 's3', bucket: 'b', prefix: '', endpoint: null },
    ...{ region: null, profile: null, site: null },
  }
  const open = () => openS3Storage({ ...location, endpoint: s3.server.url.href }, { connections: 4 })

  beforeAll(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test secret')
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    s3 = await testS3()
    s3.server.createBucket('b')
    const put = (key: string, size: number, storageClass?: string) =>
      s3.call('PUT', `/b/${key}`, {
        body: Buffer.alloc(size),
        ...(storageClass && { headers: { 'x-amz-storage-class': storageClass } }),
      })
    await put('a.jpg', 10)
    await put('b.jpg', 2_000, 'GLACIER')
    await put('c.txt', 2 ** 20)
    await put('d/e.jpg', 5, 'STANDARD_IA')
    await put('d/f.txt', 0)
  })
  afterAll(() => vi.unstubAllEnvs())

  it('is counted by classes and sizes, as far as the filter takes it', async () => {
    expect(await whole(open, { include: ['*.jpg'] })).toMatchObject({
      taken: { objects: 3, bytes: 2_015 },
      left: { objects: 2, bytes: 2 ** 20 },
      narrowed: false,
      others: 0,
      storageClasses: {
        STANDARD: { objects: 1, bytes: 10 },
        GLACIER: { objects: 1, bytes: 2_000 },
        STANDARD_IA: { objects: 1, bytes: 5 },
      },
      archived: { objects: 1, bytes: 2_000 },
      sizes: [2, 1, 0, 0, 0],
      largest: { key: 'b.jpg', bytes: 2_000 },
      samples: { taken: ['a.jpg', 'b.jpg', 'd/e.jpg'], left: ['c.txt', 'd/f.txt'] },
      next: null,
    })
  })

  it('is listed only where the filter can take something, and says so', async () => {
    const found = await whole(open, { include: ['/d/**'] })
    expect(found).toMatchObject({ taken: { objects: 2, bytes: 5 }, left: { objects: 0 }, narrowed: true })
    expect(await whole(open, { only: 'c.txt' })).toMatchObject({ taken: { objects: 1 }, narrowed: true })
  })
})

it('goes on where it ended: the parts add up to the whole, over several ranges too', async () => {
  const storage = memoryStorage()
  for (let i = 0; i < 2_500; i++) {
    await put(storage, `${i % 2 ? 'odd' : 'even'}/${String(i).padStart(5, '0')}`, 'x'.repeat(i % 7))
  }
  await put(storage, 'zero', '')
  for (const filter of [{}, { include: ['/even/**', '/odd/*3'] }]) {
    const one = await whole(() => storage, filter)
    const many = await parts(() => storage, filter, 1)
    expect(many.length).toBeGreaterThan(2)
    for (const sum of ['taken', 'left'] as const) {
      expect(many.reduce((all, part) => all + part[sum].objects, 0)).toBe(one[sum].objects)
      expect(many.reduce((all, part) => all + part[sum].bytes, 0)).toBe(one[sum].bytes)
    }
    expect(many.flatMap(({ sizes }) => sizes[0]!).reduce((a, b) => a + b)).toBe(one.sizes[0])
  }
})

it('holds no more names and classes than it answers', async () => {
  const storage = memoryStorage()
  for (let i = 0; i < 100; i++) {
    const properties = { storageClass: i < 50 ? `CLASS_${i}` : '<b>\u202e' }
    await storage.write(`k${i}` as Key, bodyOf('x'), { ...noMetadata, properties }, noSignal)
  }
  const found = await whole(() => Object.assign(Object.create(storage), { kind: 's3' }) as Storage)
  expect(Object.keys(found.storageClasses).length).toBeLessThanOrEqual(20)
  expect(Object.values(found.storageClasses).reduce((all, { objects }) => all + objects, 0)).toBe(100)
  expect(Object.keys(found.storageClasses).join()).not.toContain('<')
  expect(found.samples.taken).toHaveLength(20)
})

it('counts the files of a directory, and links beside them', async () => {
  const top = fs.mkdtempSync(join(tmpdir(), 'dray-scan-'))
  fs.mkdirSync(join(top, 'sub'))
  fs.writeFileSync(join(top, 'sub', 'a'), 'four')
  fs.symlinkSync('/etc', join(top, 'etc'))
  const options = { agentId: 'a', spillDir: join(top, 'spill'), symlinks: 'skip' } as const
  const found = await whole(() => openFileStorage({ ...place, path: top }, options))
  expect(found).toMatchObject({ taken: { objects: 1, bytes: 4 }, others: 1, storageClasses: {} })
  fs.rmSync(top, { recursive: true })
})
