/** Passes of all versions, between buckets of two servers of this repository. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { BytesBody } from '../../agent/body.ts'
import { nothingKnown } from '../../agent/core/chain.ts'
import { type ChainSight, decideChains } from '../../agent/core/chain-decision.ts'
import type { Fault } from '../../agent/s3-server/faults.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { openStorage } from '../../agent/storage/open.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Part, Storage } from '../../agent/storage/storage.ts'
import type { Chain, Versions } from '../../agent/storage/versions.ts'
import { requireVersions } from '../../agent/versioned.ts'
import type { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { S3Location } from '../../shared/location.ts'
import { defaultPassOptions, type PassOptions } from '../../shared/policy.ts'
import { chainsIn, told } from '../storage/versions-contract.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { ageMissing } from './aged-baseline.ts'
import { openWorld, type TestAgent, type World } from './world.ts'

let plane: Plane
let from: S3Server
let to: S3Server
let world: World
let agent: TestAgent
let buckets = 0
let source: S3Location
let destination: S3Location

const location = (server: S3Server, name: string): S3Location => ({
  kind: 's3',
  bucket: name,
  prefix: '',
  endpoint: server.url.href,
  region: 'us-east-1',
  profile: null,
  site: null,
})

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  const credentials = { AKIDTEST: 'secret of the test' }
  ;[plane, from, to] = await Promise.all([
    startPlane(),
    startS3Server({ credentials, restoreMs: Number.POSITIVE_INFINITY }),
    startS3Server({ credentials, minPartSize: 1 }),
  ])
})
afterAll(async () => {
  await Promise.all([plane.stop(), from.stop(), to.stop()])
  vi.unstubAllEnvs()
})

beforeEach(async () => {
  source = location(from, `source-${++buckets}`)
  destination = location(to, `destination-${buckets}`)
  from.createBucket(source.bucket, { versioned: true })
  to.createBucket(destination.bucket, { versioned: true })
  world = await openWorld(plane, { locations: { source, destination } })
  agent = await world.agent({ openStorage })
})
afterEach(async () => {
  from.hooks = to.hooks = {}
  await world.close()
})

/** Versions of text, oldest first; null is a delete marker. */
async function fill(at: S3Location, key: string, ...bodies: (string | null)[]): Promise<void> {
  const server = at.endpoint === from.url.href ? from : to
  for (const body of bodies) {
    if (body === null) server.delete(at.bucket, key)
    else await server.put(at.bucket, key, body, { headers: { 'x-amz-meta-body': String(body.length) } })
  }
}
async function chains(at: S3Location): Promise<string[]> {
  const storage = await openS3Storage(at, { connections: 4 })
  const found = told(await chainsIn(storage))
  await storage.close()
  return found
}
const idsOf = (key: string) =>
  new Map<string, { versionId: string }[]>(from.chains(source.bucket))
    .get(key)!
    .map(({ versionId }) => versionId)
const pass = (options: Partial<PassOptions> = {}) => world.pass(agent, { versions: 'all', ...options })

describe('a copy of all versions', () => {
  it('makes each key’s versions and delete markers again, in their order, and nothing the second time', async () => {
    await fill(source, 'a', 'x', 'xx', null, 'xxxx')
    await fill(source, 'b/c', null, 'x')
    await fill(source, 'gone', 'xxx', null)
    const first = await pass()
    expect(first).toMatchObject({ state: 'complete', failureCauses: [] })
    expect(first.counts.objects).toMatchObject({ listed: 8, copied: 8, same: 0, failed: 0 })
    expect(first.counts.bytes).toEqual({ listed: 11, copied: 11 })
    expect(await chains(destination)).toEqual(['a: 1 2 - 4', 'b/c: - 1', 'gone: 3 -'])
    expect(to.object(destination.bucket, 'a')!.headers['x-amz-meta-body']).toBe('4')
    const lines = await world.report(first.number)
    expect(lines.filter(({ key }) => key === 'a').map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 4 }, () => 'copied'),
    )
    expect(new Set(lines.map(({ version }) => version)).size).toBe(8)

    const second = await pass()
    expect(second.counts.objects).toMatchObject({ listed: 8, copied: 0, same: 8 })
    expect(second.expected).toEqual({ objects: 0, bytes: 0 })
    expect((await pass({ kind: 'verify' })).counts.objects).toMatchObject({ same: 8, failed: 0, extra: 0 })
    expect((await pass({ kind: 'verify', depth: 'full' })).counts.objects).toMatchObject({ same: 8 })
    expect(await chains(destination)).toEqual(await chains(source))
  })

  it('leaves out a delete marker on top of another where the destination lays none there', async () => {
    destination = location(to, 'one-marker')
    to.createBucket('one-marker', { versioned: true, onlyOneMarker: true })
    await world.close()
    world = await openWorld(plane, { locations: { source, destination } })
    agent = await world.agent({ openStorage })
    await fill(source, 'a', 'x', null, null, 'xx', null, null, null)
    const first = await pass()
    expect(first).toMatchObject({ state: 'complete', failureCauses: [] })
    expect(first.counts.objects).toMatchObject({ listed: 7, copied: 4, skipped: 3 })
    expect(await chains(destination)).toEqual(['a: 1 - 2 -'])
    expect((await pass()).counts.objects).toMatchObject({ listed: 7, copied: 0, same: 4, skipped: 3 })
    await fill(source, 'a', 'xxx', null, null)
    expect((await pass()).counts.objects).toMatchObject({ listed: 10, copied: 2, same: 4, skipped: 4 })
    expect(await chains(destination)).toEqual(['a: 1 - 2 - 3 -'])
  })

  it('appends what has come since, and leaves what the source has lost', async () => {
    await fill(source, 'a', 'x', 'xx')
    await pass()
    await fill(source, 'a', null, 'xxx')
    from.removeVersion(source.bucket, 'a', idsOf('a')[0]!)
    const second = await pass()
    expect(second.counts.objects).toMatchObject({ listed: 3, same: 1, copied: 2 })
    expect(await chains(destination)).toEqual(['a: 1 2 - 3'])
    const verified = await pass({ kind: 'verify' })
    expect(verified.counts.objects).toMatchObject({ same: 3, failed: 0, extra: 1 })
    expect((await pass({ kind: 'verify', oneWay: true })).state).toBe('complete')
  })

  it('moves one version of each where the source keeps no more, and adds what changes', async () => {
    from.createBucket('plain')
    source = location(from, 'plain')
    await world.close()
    world = await openWorld(plane, { locations: { source, destination } })
    agent = await world.agent({ openStorage })
    await fill(source, 'a', 'x')
    expect((await pass()).counts.objects).toMatchObject({ listed: 1, copied: 1 })
    await fill(source, 'a', 'xx')
    expect((await pass()).counts.objects).toMatchObject({ listed: 1, copied: 1 })
    expect((await pass()).counts.objects).toMatchObject({ listed: 1, same: 1 })
    expect(await chains(destination)).toEqual(['a: 1 2'])
  })

  it('counts in a dry run what it would do, and does nothing', async () => {
    await fill(source, 'a', 'x', null, 'xx')
    await fill(destination, 'b', 'x')
    const dry = await pass({ dryRun: true, delete: true })
    expect(dry.counts.objects).toMatchObject({ listed: 3, copied: 3, deleted: 1 })
    expect(await chains(destination)).toEqual(['b: 1'])
  })

  it('lays a delete marker, and takes nothing away, where --delete is given and the source has nothing of a key', async () => {
    await fill(source, 'a', 'x')
    await fill(destination, 'b', 'x', 'xx')
    await fill(destination, 'c', 'x', null)
    expect((await pass()).counts.objects).toMatchObject({ deleted: 0 })
    expect((await pass({ delete: true })).counts.objects).toMatchObject({ deleted: 1, same: 1 })
    expect(await chains(destination)).toEqual(['a: 1', 'b: 1 2 -', 'c: 1 -'])
    expect((await pass({ delete: true })).counts.objects).toMatchObject({ deleted: 0 })
    // A key that comes back is there again, above what was deleted.
    await fill(source, 'b', 'xxxx')
    await pass({ delete: true })
    expect(await chains(destination)).toEqual(['a: 1', 'b: 1 2 - 4', 'c: 1 -'])
  })

  it('lays it when the key has been missing for as long as the policy says', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'dray-versions-'))
    const options = { delete: true, deleteAfter: 3_600 }
    const grown = async () => {
      agent = await world.agent({ openStorage, stateDir })
      const { objects } = (await pass(options)).counts
      await agent.stop()
      return objects
    }
    await agent.stop()
    await fill(source, 'a', 'x')
    await fill(destination, 'b', 'x', 'xx')
    expect(await grown()).toMatchObject({ copied: 1, deleted: 0 })
    expect(await grown()).toMatchObject({ same: 1, deleted: 0 })
    expect(await ageMissing(stateDir)).toBe(1)
    // One that comes back is forgotten.
    await fill(source, 'b', 'xxxx')
    expect(await grown()).toMatchObject({ copied: 1, deleted: 0 })
    expect(await ageMissing(stateDir)).toBe(0)
    await fill(destination, 'c', 'x')
    await grown()
    await ageMissing(stateDir)
    expect(await grown()).toMatchObject({ same: 2, deleted: 1 })
    expect(await chains(destination)).toEqual(['a: 1', 'b: 1 2 4', 'c: 1 -'])
    await rm(stateDir, { recursive: true })
  })

  it('appends nothing twice where the answer of a write or of a delete marker is lost', async () => {
    await fill(source, 'a', 'x', 'xx', null, 'xxx', null)
    to.hooks = {
      beforeRequest: ({ operation, nth }) =>
        (operation === 'PutObject' && nth === 2) || (operation === 'DeleteObject' && nth === 1)
          ? 'drop-answer'
          : null,
    }
    const { counts } = await pass()
    expect(counts.objects).toMatchObject({ listed: 5, copied: 5, failed: 0 })
    expect(await chains(destination)).toEqual(['a: 1 2 - 3 -'])
  })

  it('ends with equal chains after whatever the two stores did to its requests', async () => {
    const bodies = ['x', 'xx', null, 'xx', 'xx', null, null, 'xxx']
    for (let i = 0; i < 12; i++)
      await fill(source, `k${i}`, ...bodies.slice(i % 8), ...bodies.slice(0, i % 5))
    const faults: (Fault | null)[] = ['drop', 'drop-answer', 'drop-answer', { truncateAfter: 1 }]
    let state = 7
    let done = 0
    const hooks = {
      beforeRequest: () => {
        // Numerical Recipes' generator: the same faults each time, in the order of the requests.
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
        const fault = faults[(state >>> 16) % 24] ?? null
        if (fault) done++
        return fault
      },
    }
    from.hooks = to.hooks = hooks
    await pass()
    from.hooks = to.hooks = {}
    expect(done).toBeGreaterThan(20)
    expect((await pass()).state).toBe('complete')
    expect(await chains(destination)).toEqual(await chains(source))
  })

  it('keeps the parts of a version that has some, and completes it once though the answer is lost', async () => {
    await fill(source, 'a', 'x')
    const storage = await openS3Storage(source, { connections: 2 })
    const { multipart } = storage
    const [key, signal] = ['a' as Key, new AbortController().signal]
    const upload = await multipart!.create(key, { headers: {}, user: {} }, signal)
    const parts: Part[] = []
    for (const [i, size] of [5 << 20, 7].entries())
      parts.push(
        await multipart!.part(key, upload, i + 1, new BytesBody(Buffer.alloc(size, 'p'), null), signal),
      )
    await multipart!.complete(key, upload, parts, signal)
    await storage.close()
    await fill(source, 'a', null, 'xxx')
    to.hooks = {
      beforeRequest: ({ operation, nth }) =>
        operation === 'CompleteMultipartUpload' && nth === 1 ? 'drop-answer' : null,
    }
    expect((await pass()).counts.objects).toMatchObject({ listed: 4, copied: 4, failed: 0 })
    const etags = (server: S3Server, bucket: string) =>
      [...server.chains(bucket)].map(([, versions]) => versions.map(({ etag }) => etag))
    expect(etags(to, destination.bucket)).toEqual(etags(from, source.bucket))
    expect(to.uploads(destination.bucket)).toEqual([])
  })

  it('stops a key at a version that cannot be copied, names it and those above it, and goes on with the others', async () => {
    await fill(source, 'a', 'x', 'xx', 'xxx')
    await fill(source, 'b', 'x')
    const broken = idsOf('a')[1]!
    from.hooks = {
      beforeRequest: ({ operation, query }) =>
        operation === 'GetObject' && query.get('versionId') === broken
          ? { status: 403, code: 'AccessDenied' }
          : null,
    }
    const first = await pass()
    expect(first.state).toBe('incomplete')
    expect(first.counts.objects).toMatchObject({ listed: 4, copied: 2, failed: 2 })
    expect(first.failureCauses).toMatchObject([{ code: 'access-denied', objects: 2 }])
    expect(await chains(destination)).toEqual(['a: 1', 'b: 1'])
    from.hooks = {}
    expect((await pass()).counts.objects).toMatchObject({ same: 2, copied: 2 })
    expect(await chains(destination)).toEqual(['a: 1 2 3', 'b: 1'])
  })

  it('goes on without a version that vanished while it was under way', async () => {
    await fill(source, 'a', 'x', 'xx', 'xxx')
    const second = idsOf('a')[1]!
    from.hooks = {
      beforeRequest({ operation, query }) {
        if (operation === 'GetObject' && query.get('versionId') === second)
          from.removeVersion(source.bucket, 'a', second)
        return null
      },
    }
    const { counts, state } = await pass()
    expect(state).toBe('complete')
    expect(counts.objects).toMatchObject({ listed: 3, copied: 2, vanished: 1 })
    expect(await chains(destination)).toEqual(['a: 1 3'])
  })

  it('is refused where the destination does not keep versions', async () => {
    to.createBucket('plain-destination')
    await world.close()
    const locations = { source, destination: location(to, 'plain-destination') }
    world = await openWorld(plane, { locations })
    agent = await world.agent({ openStorage })
    await fill(source, 'a', 'x')
    const parked = agent.next('packet-failed')
    await world.start({ versions: 'all' })
    expect(await parked).toMatchObject({ code: 'config' })
    expect(await chains(locations.destination)).toEqual([])
  })
})

describe('an archived version', () => {
  const archive = async () => {
    await fill(source, 'a', 'x')
    await from.put(source.bucket, 'a', 'xx', { headers: { 'x-amz-storage-class': 'GLACIER' } })
    await fill(source, 'a', null, 'xxxx')
  }

  it('stops its key, or is left out, as the policy says', async () => {
    await archive()
    const failed = await pass()
    expect(failed.counts.objects).toMatchObject({ listed: 4, copied: 1, failed: 3 })
    expect(failed.failureCauses).toMatchObject([{ code: 'archived', objects: 3 }])
    const skipped = await pass({ archived: 'skip' })
    expect(skipped.counts.objects).toMatchObject({ listed: 4, same: 1, copied: 2, skipped: 1 })
    expect(await chains(destination)).toEqual(['a: 1 - 4'])
    const again = await pass({ archived: 'skip' })
    expect(again.counts.objects).toMatchObject({ same: 3, copied: 0, skipped: 1 })
  })

  it('is restored and waited for, and its key goes on where it was', async () => {
    await archive()
    from.hooks = {
      beforeRequest({ operation, nth }) {
        if (operation === 'HeadObject' && nth > 1) from.finishRestores(source.bucket)
        return null
      },
    }
    const restored = await pass({ archived: 'restore' })
    expect(restored.counts.objects).toMatchObject({ listed: 4, copied: 4, failed: 0 })
    expect(await chains(destination)).toEqual(['a: 1 2 - 4'])
  })
})

describe('where ETags say nothing of the content', () => {
  it('the baseline knows two chains that were made equal, and reading tells where it was lost', async () => {
    const opaque = await startS3Server({ credentials: { AKIDTEST: 'secret of the test' }, etags: 'opaque' })
    try {
      opaque.createBucket('there', { versioned: true })
      await world.close()
      const locations = { source, destination: location(opaque, 'there') }
      world = await openWorld(plane, { locations })
      agent = await world.agent({ openStorage })
      await fill(source, 'a', 'xa', 'xb', null, 'xc')
      expect((await pass()).counts.objects).toMatchObject({ copied: 4 })
      let read = 0
      opaque.hooks = {
        beforeRequest({ operation }) {
          if (operation === 'GetObject') read++
          return null
        },
      }
      const second = await pass()
      expect(second.counts).toMatchObject({ objects: { same: 4, copied: 0 }, evidence: { baseline: 3 } })
      expect(read).toBe(0)
      // Another agent has another baseline: it reads, and still appends nothing.
      await agent.stop()
      agent = await world.agent({ openStorage })
      await fill(source, 'a', 'xd')
      const third = await pass()
      expect(third.counts.objects).toMatchObject({ same: 4, copied: 1 })
      expect(read).toBeGreaterThan(0)
      expect(await chains(locations.destination)).toEqual(['a: 2 2 - 2 2'])
    } finally {
      await opaque.stop()
    }
  })
})

describe('a key with more versions than are held', () => {
  const chain = (versions: number, count = versions): Chain => ({
    key: 'k' as Key,
    versions: Array.from({ length: versions }, (_, i) => ({
      ...{ key: 'k' as Key, kind: 'object', size: 1, mtime: 0, token: 'a'.repeat(32), version: `${i}` },
    })),
    count,
  })
  const sight = (options: Partial<PassOptions> = {}): ChainSight => ({
    options: { ...defaultPassOptions, versions: 'all', ...options },
    source: 'md5',
    destination: 'md5',
  })
  const decided = (source: Chain | null, destination: Chain | null, options: Partial<PassOptions> = {}) =>
    decideChains({ key: 'k' as Key, source, destination }, nothingKnown, sight(options))

  it('is a failure of its own, whichever side it is on', () => {
    expect(decided(chain(1, 100_001), null)).toMatchObject({ is: 'too-long', count: 100_001 })
    expect(decided(chain(2), chain(1, 100_001))).toMatchObject({ is: 'too-long', count: 100_001 })
  })

  it('still gets its delete marker, once', () => {
    expect(decided(null, chain(1, 100_001), { delete: true })).toMatchObject({ is: 'destination-only' })
    const dead = {
      ...chain(1, 100_001),
      versions: [{ ...chain(1).versions[0]!, kind: 'delete-marker' as const }],
    }
    expect(decided(null, dead, { delete: true })).toEqual({ is: 'left' })
  })
})

describe('what all versions ask of the two places', () => {
  const options: PassOptions = { ...defaultPassOptions, versions: 'all' }
  const signal = new AbortController().signal
  const keeps = (state: 'enabled' | 'suspended' | 'off'): Storage =>
    Object.assign(memoryStorage(), { versions: { state: async () => state } as unknown as Versions })

  it('is said before anything is done', async () => {
    const required = (source: Storage, destination: Storage, more: Partial<PassOptions> = {}) =>
      requireVersions({ ...options, ...more }, source, destination, signal).then(
        () => null,
        (error: DrayError) => [error.code, error.message],
      )
    const none = Object.assign(memoryStorage(), { kind: 'file', name: '/a/path' }) as unknown as Storage
    expect(await required(keeps('off'), keeps('enabled'))).toBeNull()
    expect(await required(none, keeps('enabled'))).toEqual([
      'usage',
      '--versions all: the source /a/path is a directory, and files have no versions.',
    ])
    expect(await required(keeps('enabled'), none)).toMatchObject([
      'usage',
      expect.stringContaining('destination'),
    ])
    expect(await required(keeps('enabled'), keeps('suspended'))).toMatchObject([
      'config',
      expect.stringContaining('suspended'),
    ])
    expect(await required(keeps('enabled'), keeps('off'))).toMatchObject([
      'config',
      expect.stringContaining('off'),
    ])
    expect(await required(keeps('enabled'), keeps('off'), { kind: 'verify' })).toBeNull()
    expect(await required(none, none, { versions: 'newest' })).toBeNull()
  })
})
