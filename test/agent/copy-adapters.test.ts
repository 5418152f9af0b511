/** The same object through the real adapters, all four ways: directory, S3 server, S3 server, directory. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { copyObject } from '../../agent/copy.ts'
import { judge } from '../../agent/core/judge.ts'
import { prove } from '../../agent/prove.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { withRetry } from '../../agent/storage/retry.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Entry, Storage } from '../../agent/storage/storage.ts'
import { everything } from '../../shared/range.ts'
import { failure, listAll, noSignal, patterned } from '../storage/contract.ts'

const MiB = 1024 * 1024
const sizes = {
  'empty.bin': 0,
  'dir/small.txt': 10,
  'dir/é & ü.jpg': MiB,
  'dir/more.bin': 3 * MiB + 1,
  large: 65 * MiB,
}
const root = mkdtempSync(join(tmpdir(), 'dray-copy-'))
const mtime = 1_700_000_000.123456
let servers: S3Server[]
let sides: Storage[]

const directory = (name: string) =>
  withRetry(
    openFileStorage(
      { kind: 'file', path: join(root, name), site: 'here' },
      { agentId: 'a', spillDir: join(root, 'spill'), symlinks: 'skip' },
    ),
    { attempts: 4 },
  )

async function bucket(server: S3Server): Promise<Storage> {
  server.createBucket('bucket')
  const endpoint = server.url.href
  const location = {
    kind: 's3',
    bucket: 'bucket',
    prefix: 'a/',
    endpoint,
    region: null,
    profile: null,
    site: null,
  }
  return withRetry(await openS3Storage(location as Parameters<typeof openS3Storage>[0], { connections: 8 }), {
    attempts: 4,
  })
}

async function copyAll(source: Storage, destination: Storage) {
  const outcomes: Record<string, string> = {}
  for (const entry of await listAll(source, everything, true)) {
    let moved = 0
    const count = (bytes: number) => {
      moved += bytes
    }
    const deps = { source, destination, moved: count }
    const result = await copyObject(deps, entry, noSignal)
    if (result.outcome !== 'copied') throw new Error(JSON.stringify(result))
    expect([entry.key, moved, result.bytes]).toEqual([entry.key, entry.size, entry.size])
    outcomes[Buffer.from(entry.key, 'latin1').toString()] = result.evidence
    const now = (await destination.head(entry.key, noSignal))!.entry
    expect(result.row).toMatchObject({
      source: { token: entry.token, size: entry.size, mtime: entry.mtime },
      destination: { token: now.token, size: now.size },
    })
    // What was just copied is the same by the row, or by the listings alone.
    expect(judge(entry, now, result.row, tokensOf(source, destination))).toMatchObject({ is: 'same' })
  }
  return outcomes
}

const tokensOf = (source: Storage, destination: Storage) => ({
  source: source.tokens,
  destination: destination.tokens,
})

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  for (const name of [
    'AWS_PROFILE',
    'AWS_SESSION_TOKEN',
    'AWS_REGION',
    'AWS_DEFAULT_REGION',
    'AWS_ENDPOINT_URL',
  ]) {
    vi.stubEnv(name, undefined)
  }
  const credentials = { AKIDTEST: 'secret of the test' }
  servers = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
  for (const [name, size] of Object.entries(sizes)) {
    const path = join(root, 'from', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, patterned(size, size))
    utimesSync(path, mtime, mtime)
  }
  sides = [
    directory('from'),
    await bucket(servers[0]!),
    await bucket(servers[1]!),
    directory('to'),
    directory('last'),
  ]
  mkdirSync(join(root, 'to'))
  mkdirSync(join(root, 'last'))
})
afterAll(async () => {
  await Promise.all(sides.map((side) => side.close()))
  await Promise.all(servers.map((server) => server.stop()))
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true })
})

describe('an object', () => {
  it('goes from a directory to S3, to other S3, to a directory, to another, and stays what it was', async () => {
    const [from, first, second, to, last] = sides as [Storage, Storage, Storage, Storage, Storage]
    const all = (evidence: string) => Object.fromEntries(Object.keys(sizes).map((name) => [name, evidence]))
    const stored = all('store-verified')
    expect(await copyAll(from, first)).toEqual({ ...stored, 'dir/more.bin': 'hashed', large: 'hashed' })
    expect(await copyAll(first, second)).toEqual({ ...stored, large: 'etag' })
    expect(await copyAll(second, to)).toEqual(all('hashed'))
    expect(await copyAll(to, last)).toEqual(all('size+mtime'))

    const tokens = async (side: Storage) =>
      (await listAll(side, everything)).map(({ key, token }) => [key, token])
    expect(await tokens(second)).toEqual(await tokens(first))
    for (const name of Object.keys(sizes)) {
      const path = join(root, 'last', name)
      expect([name, readFileSync(path).equals(readFileSync(join(root, 'from', name)))]).toEqual([name, true])
      expect(statSync(path).mtimeMs).toBeCloseTo(mtime * 1000, 2)
    }
  })

  it('is proved the same across adapters without a baseline', async () => {
    const [from, first, , to] = sides as [Storage, Storage, Storage, Storage]
    for (const [source, destination] of [
      [from, first],
      [first, to],
    ] as const) {
      const theirs = new Map(
        (await listAll(destination, everything, true)).map((entry) => [entry.key, entry]),
      )
      for (const entry of await listAll(source, everything, true)) {
        const other = theirs.get(entry.key) as Entry
        expect(judge(entry, other, null, tokensOf(source, destination))).toEqual({ is: 'unknown' })
        const deps = { source, destination }
        expect(await prove(deps, entry, other, 'listing', noSignal)).toEqual({ same: 'size+mtime' })
        expect(await prove(deps, entry, other, 'copy', noSignal)).toEqual({ same: 'hashed' })
        if (entry.size > 10 * MiB) continue
        expect(await prove(deps, entry, other, 'checksum', noSignal)).toEqual({ same: 'hashed' })
        expect(await prove(deps, entry, other, 'full', noSignal)).toEqual({ same: 'full-read' })
      }
    }
  })

  it('that is aborted in the middle leaves no upload and no file behind', async () => {
    const [from, first, , , last] = sides as [Storage, Storage, Storage, Storage, Storage]
    const large = (await listAll(from, everything, true)).find((entry) => entry.key === 'large')!
    const before = (await first.head(large.key, noSignal))!.entry
    for (const destination of [first, last]) {
      const abort = new AbortController()
      const moved = (bytes: number) => {
        if (bytes > 0) abort.abort()
      }
      const error = await failure(copyObject({ source: from, destination, moved }, large, abort.signal))
      expect(error.code).toBe('interrupted')
    }
    expect(servers[0]!.uploads('bucket')).toEqual([])
    expect((await first.head(large.key, noSignal))!.entry).toEqual(before)
    expect((await listAll(last, everything, true)).length).toBe(Object.keys(sizes).length)
  })
})
