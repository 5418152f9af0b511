/** What agents seal is what they have compared, and a certificate of it is found wrong where anything in it was changed. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Checked, checkCertificate } from '../../agent/certificate/check.ts'
import { SideNow } from '../../agent/certificate/side.ts'
import { compileFilter } from '../../agent/core/filter.ts'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { openStorage } from '../../agent/storage/open.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import type { Key } from '../../shared/key.ts'
import { addSums, noSums, type Statement } from '../../shared/ledger.ts'
import type { S3Location } from '../../shared/location.ts'
import { noFilter, type PassOptions } from '../../shared/policy.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { bucket, many, openWorld, type World, type WorldOptions } from './world.ts'

let plane: Plane
const worlds: World[] = []
beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  plane = await startPlane()
})
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})
afterAll(async () => {
  await plane.stop()
  vi.unstubAllEnvs()
})

async function open(options: WorldOptions) {
  const world = await openWorld(plane, options)
  worlds.push(world)
  return world
}

/** The certificate of a verification, line by line. */
async function certified(world: World, given: Partial<PassOptions> = {}): Promise<string[]> {
  const pass = await world.pass(await world.agent(), { kind: 'verify', ...given })
  return issued(world, pass.number)
}

async function issued(world: World, pass: number): Promise<string[]> {
  const path = `/api/workspaces/local/migrations/${world.migration}/passes/${pass}/certificate`
  const { status, json } = await plane.api('POST', path)
  expect(json).toMatchObject({ version: 1 })
  expect(status).toBe(201)
  const headers = { authorization: `Bearer ${plane.token}` }
  return (await (await fetch(new URL(path, plane.url), { headers })).text()).trim().split('\n')
}

async function checked(
  lines: readonly string[],
  side?: SideNow,
  key: string | null = null,
): Promise<Checked> {
  const each = (async function* () {
    yield* lines
  })()
  const leaf = side && { leaf: side.compare.bind(side) }
  return checkCertificate(each, { key, now: Date.now(), ...leaf })
}

/** How many ranges of a side are not now what they were. */
async function differing(
  lines: readonly string[],
  storage: Storage,
  side: 'source' | 'destination',
  more: { filter?: Partial<typeof noFilter>; versions?: 'all' } = {},
): Promise<number> {
  const filter = compileFilter({ ...noFilter, ...more.filter })
  const { signal } = new AbortController()
  const now = new SideNow({ storage, side, filter, versions: more.versions ?? 'newest', signal })
  expect((await checked(lines, now)).problems).toEqual([])
  await now.close()
  return now.differing
}

describe('what is sealed', () => {
  it('is what is there: a listing of either side comes to the same, and to another after one change', async () => {
    const world = await open({ source: memoryStorage(many(30)), destination: memoryStorage(many(30)) })
    const lines = await certified(world)
    expect(await differing(lines, world.source, 'source')).toBe(0)
    expect(await differing(lines, world.destination, 'destination')).toBe(0)
    world.destination.put('object-0007', 'body of object-000?')
    expect(await differing(lines, world.destination, 'destination')).toBe(1)
    world.source.objects.delete('object-0029' as Key)
    expect(await differing(lines, world.source, 'source')).toBe(1)
  })

  it('sums up to the same however packets were cut', async () => {
    const objects = many(1_300)
    const world = await open({ source: memoryStorage(objects), destination: memoryStorage(objects) })
    const sums: Statement['sums'][] = []
    const leaves: number[] = []
    // The listings alone; all read, in packets of a thousand; a pass that is divided where those were; half of it read.
    for (const given of [{}, { depth: 'full' }, {}, { sample: 0.5 }] as const) {
      const [statement, ...rest] = (await certified(world, given)).map((line) => JSON.parse(line))
      sums.push(statement.sums)
      leaves.push(rest.length)
      expect(rest.reduce((all, { seal }) => addSums(all, seal.sums), noSums)).toEqual(statement.sums)
    }
    expect(new Set(sums.map((sum) => JSON.stringify(sum))).size).toBe(1)
    expect(new Set(leaves).size).toBeGreaterThan(1)
  })

  it('is what was compared, where objects changed after they were listed', async () => {
    const world = await open({ source: memoryStorage(many(5)), destination: memoryStorage(many(5)) })
    let isFirst = true
    world.source.faults = {
      before(op, key) {
        if (op !== 'read' || key !== 'object-0001' || !isFirst) return
        isFirst = false
        for (const side of [world.source, world.destination]) side.put('object-0001', 'new')
      },
    }
    const lines = await certified(world, { depth: 'full' })
    expect(isFirst).toBe(false)
    expect(await differing(lines, world.source, 'source')).toBe(0)
    expect(await differing(lines, world.destination, 'destination')).toBe(0)
  })

  it('is of what was done, where a packet’s range has grown and its rest was handed back', async () => {
    const objects = many(10)
    const world = await open({ source: memoryStorage(objects), destination: memoryStorage(objects) })
    let listings = 0
    world.source.faults = {
      before(op) {
        if (op !== 'list' || ++listings !== 2) return
        // The survey has listed it; what a packet may hold at this depth is 2,000 objects.
        for (const side of [world.source, world.destination])
          for (const [key, body] of many(2_500, 'late')) side.put(key, body)
      },
    }
    const lines = await certified(world, { depth: 'full' })
    expect(lines.length).toBeGreaterThan(2)
    expect(JSON.parse(lines[0]!).counts.objects).toMatchObject({ listed: 2_510, same: 2_510 })
    expect(await differing(lines, world.source, 'source')).toBe(0)
  })

  it('leaves out what the filter does, and what is only at the destination where nobody minds that', async () => {
    const source = memoryStorage([...many(5), ['left-out', 'x']])
    const destination = memoryStorage([...many(5), ['object-more', 'y'], ['another', 'z']])
    const world = await open({ source, destination, filter: { include: ['object-*'] } })
    const lines = await certified(world, { oneWay: true })
    const filter = { filter: { include: ['object-*'] } }
    expect(await differing(lines, source, 'source', filter)).toBe(0)
    // A listing of the destination has it.
    expect(await differing(lines, destination, 'destination', filter)).toBe(1)
    destination.objects.delete('object-more' as Key)
    expect(await differing(lines, destination, 'destination', filter)).toBe(0)
  })

  it('is every version and delete marker, where all are compared', async () => {
    const server = await startS3Server({ credentials: { AKIDTEST: 'secret of the test' } })
    const at = (name: string): S3Location => ({
      ...bucket(name),
      ...{ endpoint: server.url.href, region: 'us-east-1' },
    })
    for (const name of ['old', 'new']) {
      server.createBucket(name, { versioned: true })
      await server.put(name, 'a', 'one')
      await server.put(name, 'a', 'two')
      await server.put(name, 'b', 'three')
      server.delete(name, 'b')
    }
    const world = await open({ locations: { source: at('old'), destination: at('new') } })
    const pass = await world.pass(await world.agent({ openStorage }), { kind: 'verify', versions: 'all' })
    const lines = await issued(world, pass.number)
    expect(JSON.parse(lines[0]!).counts.objects).toMatchObject({ listed: 4, same: 4 })
    const storage = await openS3Storage(at('new'), { connections: 2 })
    expect(await differing(lines, storage, 'destination', { versions: 'all' })).toBe(0)
    server.delete('new', 'a')
    expect(await differing(lines, storage, 'destination', { versions: 'all' })).toBe(1)
    await storage.close()
    await server.stop()
  })
})

describe('a sample', () => {
  it('is read in full, the same objects whoever does it; the certificate says what it speaks for', async () => {
    const objects = many(300)
    const world = await open({ source: memoryStorage(objects), destination: memoryStorage(objects) })
    const pass = await world.pass(await world.agent(), { kind: 'verify', depth: 'listing', sample: 0.2 })
    const sampled = pass.sampled!
    // Chosen by a hash: 60 are expected, and seven standard deviations are allowed.
    expect(sampled).toBeGreaterThan(10)
    expect(sampled).toBeLessThan(110)
    expect(world.source.requests.read).toBe(sampled)
    expect(world.destination.requests.read).toBe(sampled)
    expect(pass.counts.evidence).toEqual({ 'full-read': sampled, etag: 300 - sampled })
    const [statement] = (await issued(world, pass.number)).map((line) => JSON.parse(line))
    expect(statement.sample).toMatchObject({ read: sampled, of: 300, confidence: 0.95 })
    expect(statement.sample.below).toBeCloseTo(1 - 0.05 ** (1 / sampled), 10)
  })

  it('finds what ETags do not: an object whose bytes are others', async () => {
    const destination = memoryStorage(many(3))
    const object = destination.objects.get('object-0001' as Key)!
    destination.objects.set('object-0001' as Key, { ...object, body: Buffer.from('body of object-000?') })
    const world = await open({ source: memoryStorage(many(3)), destination })
    const agent = await world.agent()
    expect((await world.pass(agent, { kind: 'verify', depth: 'listing' })).state).toBe('complete')
    const pass = await world.pass(agent, { kind: 'verify', depth: 'listing', sample: 1 })
    expect(pass).toMatchObject({
      state: 'incomplete',
      sampled: 2,
      counts: { objects: { failed: 1, same: 2 } },
    })
  })
})

it('a certificate is found wrong where any part of it was changed, and where a leaf is gone, doubled or moved', async () => {
  const objects = many(2_500)
  const world = await open({ source: memoryStorage(objects), destination: memoryStorage(objects) })
  const lines = await certified(world, { depth: 'full' })
  const problemsOf = async (lines: readonly string[], key: string | null = null) =>
    (await checked(lines, undefined, key).catch((error) => ({ problems: [String(error)] }))).problems
  const { key } = JSON.parse(lines[0]!)
  expect(await problemsOf(lines, key)).toEqual([])
  expect(await problemsOf(lines, 'A'.repeat(43))).toHaveLength(1)
  expect(lines.length).toBeGreaterThan(3)
  let flipped = 0
  for (const [i, line] of lines.entries()) {
    for (const other of flips(JSON.parse(line))) {
      flipped++
      expect(await problemsOf(lines.with(i, JSON.stringify(other))), JSON.stringify(other)).not.toEqual([])
    }
  }
  expect(flipped).toBeGreaterThan(100)
  const [statement, first, second, ...rest] = lines as [string, string, string, ...string[]]
  for (const other of [
    [statement, second, first, ...rest],
    [statement, first, ...rest],
    [statement, first, second, second, ...rest],
    [statement],
    [...lines, lines.at(-1)!],
  ]) {
    expect(await problemsOf(other)).not.toEqual([])
  }
})

/** The value with each of its parts changed, one at a time. */
function* flips(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries()) for (const other of flips(each)) yield value.with(i, other)
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      for (const other of flips(each)) yield { ...value, [name]: other }
    }
  } else if (typeof value === 'string') yield flipped(value)
  else if (typeof value === 'number') yield value + 1
  else if (typeof value === 'boolean') yield !value
  else yield 'x'
}

/** Another text of the same form. */
function flipped(text: string): string {
  const last = text.at(-2) ?? ''
  const other = last === '0' ? '1' : /[0-9a-f]/.test(last) ? '0' : 'A'
  return text.length < 2 ? `${text}x` : `${text.slice(0, -2)}${other === last ? 'B' : other}${text.at(-1)}`
}
