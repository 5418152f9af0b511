/** Folders, scans and a preflight on a real server. */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { browse } from '../../agent/looking/browse.ts'
import { preflight } from '../../agent/looking/preflight.ts'
import { scan } from '../../agent/looking/scan.ts'
import { openStorage } from '../../agent/storage/open.ts'
import { openClient } from '../../agent/storage/s3/open-client.ts'
import type { BrowsedEntry } from '../../shared/asks.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import type { Location, S3Location } from '../../shared/location.ts'
import { noFilter, passOptions } from '../../shared/policy.ts'
import { oddKeys } from '../support/odd-keys.ts'

const endpoint = process.env.DRAY_TEST_S3_ENDPOINT!
const keys = {
  accessKeyId: process.env.DRAY_TEST_S3_KEY!,
  secretAccessKey: process.env.DRAY_TEST_S3_SECRET!,
}
const client = new S3Client({
  ...{ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: keys },
  ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
})
const stateDir = fs.mkdtempSync(join(tmpdir(), 'dray-looking-'))
const names = ['from', 'to', 'odd'].map((name) => `looking-${name}-${process.pid}`)
const [from, to, odd] = names as [string, string, string]
const at = (bucket: string, prefix = ''): S3Location => ({
  ...{ kind: 's3', bucket, prefix, endpoint, region: 'us-east-1', profile: null, site: null },
})
const options = { connections: 4, env: {} }
const deps = {
  ...{ allow: allowAll, stateDir, client: options },
  open: (location: Location) =>
    openStorage(location, { ...options, stateDir, agentId: 'a', symlinks: 'skip' as const }),
  openClient: async (location: S3Location) => (await openClient(location, options)).client,
}
const put = (Bucket: string, Key: string, Body = 'content') =>
  client.send(new PutObjectCommand({ Bucket, Key, Body }))

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', keys.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', keys.secretAccessKey)
  for (const Bucket of names) await client.send(new CreateBucketCommand({ Bucket }))
  for (let i = 0; i < 450; i++) await put(from, `folder-${String(i % 225).padStart(3, '0')}/${i}`)
  await put(from, 'a.txt')
  await put(from, 'folder-000/', '')
})
afterAll(() => {
  client.destroy()
  fs.rmSync(stateDir, { recursive: true })
  vi.unstubAllEnvs()
})

async function all(location: S3Location): Promise<string[]> {
  const entries: BrowsedEntry[] = []
  for (let after: Key | null = null; ; ) {
    const page = await browse({ kind: 'browse', at: location, after }, deps)
    entries.push(...page.entries)
    after = page.next
    if (after === null) return entries.map(({ kind, name }) => `${kind} ${name}`)
  }
}

it('shows folders by pages, each once, and buckets', async () => {
  const folders = Array.from({ length: 225 }, (_, i) => `folder folder-${String(i).padStart(3, '0')}/`)
  expect(await all(at(from))).toEqual(['object a.txt', ...folders])
  expect(await all(at(from, 'folder-000/'))).toEqual(['object ', 'object 0', 'object 225'])
  const { kind: _, bucket: __, prefix: ___, ...store } = at(from)
  const buckets = await browse({ kind: 'browse', at: { kind: 'store', ...store }, after: null }, deps)
  expect(buckets.entries.map(({ name }) => name)).toEqual(expect.arrayContaining(names))
})

it('shows odd keys as they are', async () => {
  const taken = (
    await Promise.all(
      oddKeys.map((key) =>
        put(odd, `top/${key}`).then(
          () => [key],
          () => [],
        ),
      ),
    )
  ).flat()
  const expected = new Set(
    taken.map(keyFromText).map((key) => {
      const slash = key.indexOf('/')
      return slash < 0 ? `object ${key}` : `folder ${key.slice(0, slash + 1)}`
    }),
  )
  expect(new Set(await all(at(odd, 'top/')))).toEqual(expected)
})

it('counts, and finds out whether a migration would work, leaving nothing', async () => {
  const found = await scan({ kind: 'scan', location: at(from), filter: noFilter, after: null }, deps)
  expect(found.taken.objects).toBe(452)
  const ask = { kind: 'preflight', source: at(from), destination: at(to), filter: noFilter } as const
  const { findings } = await preflight({ ...ask, options: passOptions({}) }, deps)
  expect(findings.filter(({ outcome }) => outcome === 'stops' || outcome === 'unknown')).toEqual([])
  expect(await all(at(to))).toEqual([])
})
