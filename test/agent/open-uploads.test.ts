/** Which uploads are open at a location, whose they are, and that those which the control plane names are aborted. */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openIntents } from '../../agent/intents.ts'
import { abortUploads } from '../../agent/looking/abort-uploads.ts'
import { openUploads } from '../../agent/looking/uploads.ts'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Key } from '../../shared/key.ts'
import type { S3Location } from '../../shared/location.ts'
import { type Filter, noFilter } from '../../shared/policy.ts'
import { noMetadata, noSignal } from '../storage/contract.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'

const top = fs.mkdtempSync(join(tmpdir(), 'dray-uploads-'))
let s3: TestS3
let location: S3Location
const open = () => openS3Storage(location, { connections: 4 })
const intents = openIntents(join(top, 'uploads.sqlite'))

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test secret')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  s3 = await testS3()
  s3.server.createBucket('b')
  location = {
    ...{ kind: 's3', bucket: 'b', prefix: 'in/', endpoint: s3.server.url.href },
    ...{ region: null, profile: null, site: null },
  }
})
afterAll(() => {
  vi.unstubAllEnvs()
  intents.close()
  fs.rmSync(top, { recursive: true })
})

const look = (filter: Partial<Filter> = {}, most?: number) =>
  openUploads(
    { kind: 'open-uploads', location, filter: { ...noFilter, ...filter } },
    { open: async () => open(), intents },
    most,
  )

it('counts those of others below the location that the filter lets in, and this agent’s own apart', async () => {
  expect(await look()).toEqual({ kind: 'open-uploads', ours: 0, others: 0, more: false, samples: [] })
  const storage = await open()
  const begin = (key: string) => storage.multipart!.create(key as Key, noMetadata, noSignal)
  const mine = await begin('mine.jpg')
  for (let i = 10; i < 35; i++) await begin(`${i}.jpg`)
  await begin('left-out.tmp')
  await s3.call('POST', '/b/elsewhere?uploads=')
  await storage.close()
  const ours = intents.of('somewhere')
  const source = { token: 't', size: 1, mtime: 1, version: null }
  ours.put({
    ...{ key: 'mine.jpg' as Key, source, boundaries: { size: 1, parts: 1 } as never },
    ...{ metadata: '', begun: 1, upload: mine },
  })

  const found = await look({ exclude: ['*.tmp'] })
  expect(found).toMatchObject({ ours: 1, others: 25, more: false })
  expect(found.samples).toHaveLength(20)
  expect(found.samples[0]).toMatchObject({ key: '10.jpg', begun: expect.any(Number) })
  expect(Math.abs(found.samples[0]!.begun - Date.now())).toBeLessThan(60_000)
})

it('counts no further than its bound, and says so', async () => {
  expect(await look({}, 7)).toMatchObject({ ours: 0, others: 7, more: true })
})

it('there are none in a directory', async () => {
  const found = await openUploads(
    { kind: 'open-uploads', location: { kind: 'file', path: top, site: 'here' }, filter: noFilter },
    {
      intents,
      open: async () =>
        openFileStorage(
          { kind: 'file', path: top, site: 'here' },
          { agentId: 'a', spillDir: join(top, 'spill'), symlinks: 'skip' },
        ),
    },
  )
  expect(found).toMatchObject({ ours: 0, others: 0, more: false })
})

it('aborts those that it is told of, and no others; one that is gone is no error', async () => {
  const storage = await open()
  const begin = (key: string) => storage.multipart!.create(key as Key, noMetadata, noSignal)
  const key = 'told/a' as Key
  const [told, other] = [await begin(key), await begin(key)]
  const begun = Date.now()
  const ask = { kind: 'abort-uploads', location, uploads: [{ key, upload: told, begun }] } as const
  for (let i = 0; i < 2; i++)
    expect(await abortUploads({ ...ask, uploads: [...ask.uploads] }, { open: async () => open() })).toEqual({
      kind: 'abort-uploads',
      aborted: 1,
    })
  const left = []
  for await (const page of storage.multipart!.uploads(key, noSignal)) left.push(...page)
  expect(left.map(({ upload }) => upload)).toEqual([other])
  await storage.multipart!.abort(key, other, noSignal)
  await storage.close()
})
