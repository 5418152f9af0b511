/** Passes that compare three ways, forward and back, between real S3 servers and directories. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { RequestInfo } from '../../agent/s3-server/faults.ts'
import type { S3Server } from '../../agent/s3-server/s3-server.ts'
import type { Failure } from '../../shared/api/failures.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { Key } from '../../shared/key.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World, type S3World } from './s3-world.ts'
import { openWorld, type TestAgent } from './world.ts'

let plane: Plane
let dir: string
beforeAll(async () => {
  plane = await startPlane()
})
afterAll(() => plane.stop())
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dray-way-back-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const MiB = 1024 * 1024
const park = { conflicts: 'park', remember: 'all', delete: true } as const satisfies Partial<PassOptions>
const back = { ...park, direction: 'back' } as const satisfies Partial<PassOptions>

/** One bucket, as an application sees it. */
function sideOf(server: S3Server, bucket: string) {
  return {
    put: (key: string, body: string, options?: Parameters<S3Server['put']>[3]) =>
      server.put(bucket, key, body, options),
    delete: (key: string) => server.delete(bucket, key),
    get: async (key: string) => (await server.object(bucket, key)?.body())?.toString() ?? null,
    token: (key: string) => server.object(bucket, key)?.etag,
  }
}
type Side = ReturnType<typeof sideOf>

/** Another agent in place of the world's own, of an empty state directory, until the end of the test. */
async function instead(world: S3World, more: object): Promise<TestAgent> {
  await world.agent.stop()
  const agent = await world.join({ id: `instead-${++others}`, ...more })
  substitutes.push(agent)
  return agent
}
let others = 0
const substitutes: TestAgent[] = []
// Else they would work for the next one's migration, too.
afterEach(() => Promise.all(substitutes.splice(0).map((agent) => agent.stop())))

async function passOf(
  { world }: S3World,
  agent: TestAgent,
  options: Partial<PassOptions>,
): Promise<PassStatus> {
  let ended = agent.next('pass-ended')
  const { number } = await world.start(options)
  for (;;) {
    await ended
    ended = agent.next('pass-ended')
    const status = await world.status(number)
    // It may have come while the pass before was about to be over.
    if (status.state !== 'running') return status
  }
}

async function failuresOf({ world }: S3World, pass: number): Promise<Record<string, string>> {
  const { json } = await plane.api<{ failures: Failure[] }>(
    'GET',
    `/api/workspaces/local/migrations/${world.migration}/passes/${pass}/failures`,
  )
  return Object.fromEntries(json.failures.map(({ key, code }) => [key, code]))
}

/** Both sides hold `keys`, and the baseline knows. */
async function equal(world: S3World, keys: readonly string[]): Promise<{ old: Side; new: Side }> {
  const [old, now] = [sideOf(world.a, world.from), sideOf(world.b, world.to)]
  for (const key of keys) await old.put(key, `first ${key}`)
  expect(await world.pass({ remember: 'all' })).toMatchObject({ state: 'complete' })
  return { old, new: now }
}

const cases = {
  'both the same': ['first', 'first', 'first', 'first', null],
  'L written': ['second', 'first', 'second', 'second', null],
  'L new': ['second', '-', 'second', 'second', null],
  'L gone': [null, 'first', null, null, null],
  'F written': ['first', 'straggler', 'first', 'straggler', 'conflict'],
  'F gone': ['first', null, 'first', null, 'conflict'],
  'F new': ['-', 'straggler', null, 'straggler', 'conflict'],
  'both written': ['second', 'straggler', 'second', 'straggler', 'conflict'],
  'both written, equal': ['second', 'second', 'second', 'second', null],
  'both new': ['second new', 'straggler new', 'second new', 'straggler new', 'conflict'],
  'both new, equal': ['second new', 'second new', 'second new', 'second new', null],
  'L gone, F written': [null, 'straggler', null, 'straggler', 'conflict'],
  'L written, F gone': ['second', null, 'second', null, 'conflict'],
  'both gone': [null, null, null, null, null],
} as const

describe.each(['forward', 'back'] as const)('a pass %s that parks conflicts', (direction) => {
  const options = { ...park, direction }
  const order = (sides: { old: Side; new: Side }) =>
    direction === 'forward' ? ([sides.old, sides.new] as const) : ([sides.new, sides.old] as const)

  it('does with every key what the table says, and leaves the rest for the operator', async () => {
    const world = await openS3World(plane)
    const known = Object.keys(cases).filter((name) => !name.includes('new'))
    const [l, f] = order(await equal(world, known))
    for (const [key, [onL, onF]] of Object.entries(cases)) {
      for (const [side, body] of [
        [l, onL],
        [f, onF],
      ] as const) {
        if (body === null) side.delete(key)
        else if (body !== 'first' && body !== '-') await side.put(key, body)
      }
    }
    const expected = Object.entries(cases).map(([key, [, , onL, onF]]) => {
      const body = (text: string | null) => (text === 'first' ? `first ${key}` : text)
      return [key, body(onL), body(onF)]
    })
    const conflicts = Object.fromEntries(
      Object.entries(cases).flatMap(([key, [, , , , code]]) => (code ? [[key, code]] : [])),
    )
    const bodies = () =>
      Promise.all(Object.keys(cases).map(async (key) => [key, await l.get(key), await f.get(key)]))

    const first = await world.pass(options)
    expect(await failuresOf(world, first.number)).toEqual(conflicts)
    expect(await bodies()).toEqual(expected)
    expect(first.counts.objects).toMatchObject({ copied: 2, deleted: 1, failed: 7 })
    expect(first.state).toBe('incomplete')

    // What is left to the operator stays so, and nothing else is done again.
    const second = await world.pass(options)
    expect(await failuresOf(world, second.number)).toEqual(conflicts)
    expect(second.counts.objects).toMatchObject({ copied: 0, deleted: 0, failed: 7 })
    expect(await bodies()).toEqual(expected)

    // By hand: either side is made what it is to be.
    for (const key of Object.keys(conflicts)) {
      const body = await f.get(key)
      if (body === null) l.delete(key)
      else await l.put(key, body)
    }
    const settled = await world.pass(options)
    expect(settled).toMatchObject({ state: 'complete', counts: { objects: { failed: 0, copied: 0 } } })
  })

  it('loses nothing where the baseline is lost: what is equal is learnt anew, the rest is the operator’s', async () => {
    const world = await openS3World(plane)
    const [l, f] = order(await equal(world, ['equal', 'L written', 'F written', 'L gone']))
    await l.put('L written', 'second')
    await f.put('F written', 'straggler')
    l.delete('L gone')
    const other = await instead(world, {})
    const { number } = await passOf(world, other, options)
    expect(await failuresOf(world, number)).toEqual({
      'F written': 'conflict',
      'L written': 'conflict',
      'L gone': 'conflict',
    })
    expect(await f.get('L written')).toBe('first L written')
    expect(await f.get('F written')).toBe('straggler')
    expect(await f.get('L gone')).toBe('first L gone')
  })

  it('finds what comes to the following side while it writes', async () => {
    const world = await openS3World(plane)
    const [l, f] = order(await equal(world, ['over', 'gone']))
    const server = direction === 'forward' ? world.b : world.a
    await l.put('over', 'second')
    await l.put('fresh', 'second')
    l.delete('gone')
    const late = new Set(['over', 'fresh', 'gone'])
    server.hooks = {
      async beforeRequest({ operation, key }: RequestInfo) {
        // Before a write, which the store refuses then; a delete is asked for before.
        const isTime = operation === (key === 'gone' ? 'HeadObject' : 'PutObject')
        if (!isTime || !key || !late.delete(key)) return undefined
        await f.put(key, `straggler ${key}`)
        return undefined
      },
    }
    const { number } = await world.pass(options)
    expect(await failuresOf(world, number)).toEqual({ over: 'conflict', fresh: 'conflict', gone: 'conflict' })
    for (const key of ['over', 'fresh', 'gone']) expect(await f.get(key)).toBe(`straggler ${key}`)
    server.hooks = {}
    // And the next pass finds the same.
    const next = await world.pass(options)
    expect(await failuresOf(world, next.number)).toEqual({
      over: 'conflict',
      fresh: 'conflict',
      gone: 'conflict',
    })
  })

  it('calls nothing a conflict that was written to both sides between their listings', async () => {
    const world = await openS3World(plane)
    const [l, f] = order(await equal(world, ['key']))
    const server = direction === 'forward' ? world.b : world.a
    let written = false
    server.hooks = {
      // Of the side that follows: the other one may have been listed by then, or not yet.
      async beforeRequest({ operation }: RequestInfo) {
        if (operation !== 'ListObjectsV2' || written) return undefined
        written = true
        await l.put('key', 'to both')
        await f.put('key', 'to both')
        return undefined
      },
    }
    expect(await world.pass(options)).toMatchObject({ state: 'complete', counts: { objects: { failed: 0 } } })
    expect(written).toBe(true)
  })

  it('asks before it writes, where a store has no conditions or does not look at them', async () => {
    const world = await openS3World(plane)
    const [l, f] = order(await equal(world, ['over']))
    const server = direction === 'forward' ? world.b : world.a
    await l.put('over', 'second')
    await l.put('fresh', 'second')
    let listed = false
    server.hooks = {
      async beforeRequest({ operation, headers }: RequestInfo) {
        // After the listing, and before the write: what was listed is not there any more.
        if (operation === 'HeadObject' && !listed) {
          listed = true
          await f.put('over', 'straggler')
          await f.put('fresh', 'straggler')
        }
        const isConditional = headers.has('if-match') || headers.has('if-none-match')
        return operation === 'PutObject' && isConditional
          ? { status: 501, code: 'NotImplemented' }
          : undefined
      },
    }
    const { number } = await world.pass(options)
    expect(await failuresOf(world, number)).toEqual({ over: 'conflict', fresh: 'conflict' })
    expect([await f.get('over'), await f.get('fresh')]).toEqual(['straggler', 'straggler'])
  })
})

describe('a complete baseline', () => {
  it('is written once, and costs no request and no leaf where nothing has changed', async () => {
    const world = await openS3World(plane)
    const keys = Array.from({ length: 300 }, (_, i) => `k${String(i).padStart(4, '0')}`)
    for (const key of keys) await world.a.put(world.from, key, key)
    await world.pass({ remember: 'all' })
    // The listing says when a copy was written, which the store's answer did not.
    await world.pass({ remember: 'all' })
    const leaves = await leavesOf(world)
    expect(leaves.length).toBeGreaterThan(0)
    const again = await world.pass({ remember: 'all' })
    expect(again).toMatchObject({ state: 'complete', counts: { objects: { same: 300 } }, asked: {} })
    expect(await leavesOf(world)).toEqual(leaves)
  })

  it('forgets what neither side has any more', async () => {
    const world = await openS3World(plane)
    const sides = await equal(world, ['a', 'b', 'c'])
    for (const side of [sides.old, sides.new]) for (const key of ['a', 'c']) side.delete(key)
    await world.pass({ ...park })
    await sides.old.put('a', 'anew')
    await sides.old.put('c', 'anew')
    expect(await world.pass({ ...park })).toMatchObject({
      state: 'complete',
      counts: { objects: { copied: 2 } },
    })
  })
})

describe('there and back', () => {
  it('loses no write, whoever leads', async () => {
    const world = await openS3World(plane)
    const sides = await equal(world, ['kept', 'written', 'deleted'])
    // The application is at the new side now.
    await sides.new.put('written', 'at the new side')
    await sides.new.put('fresh', 'at the new side')
    sides.new.delete('deleted')
    // A presigned PUT that was given out before comes late.
    await sides.old.put('late', 'a late upload')
    const pass = await world.pass(back)
    expect(await failuresOf(world, pass.number)).toEqual({ late: 'conflict' })
    expect(await sides.old.get('written')).toBe('at the new side')
    expect(await sides.old.get('fresh')).toBe('at the new side')
    expect(await sides.old.get('deleted')).toBe(null)
    expect(await sides.old.get('late')).toBe('a late upload')
    // Rolled back: the old side leads again, and the new one follows. The late upload is its own now.
    await sides.old.put('written', 'at the old side again')
    expect(await world.pass({ ...park, direction: 'forward' })).toMatchObject({
      state: 'complete',
      counts: { objects: { copied: 2, failed: 0, deleted: 0 } },
    })
    expect(await sides.new.get('written')).toBe('at the old side again')
    expect(await sides.new.get('late')).toBe('a late upload')
  })

  it('takes large objects back in parts, by all agents, and what came between is a conflict', async () => {
    const world = await openS3World(plane)
    const agent = await instead(world, { packetBytes: 1_000_000 })
    const run = (options: Partial<PassOptions>) => passOf(world, agent, options)
    const [old, now] = [sideOf(world.a, world.from), sideOf(world.b, world.to)]
    await old.put('large', 'x'.repeat(1_000))
    await run({ remember: 'all' })
    const parts = [5 * MiB, 5 * MiB, 1_000]
    const bodyOf = (letter: string) => letter.repeat(10 * MiB + 1_000)
    const body = bodyOf('y')
    await now.put('large', body, { parts })
    expect(await run(back)).toMatchObject({ state: 'complete', counts: { objects: { copied: 1 } } })
    expect(await old.get('large')).toBe(body)
    expect(old.token('large')).toBe(now.token('large'))

    await now.put('large', bodyOf('z'), { parts })
    let completed = false
    world.a.hooks = {
      async beforeRequest({ operation }: RequestInfo) {
        if (operation !== 'UploadPart' || completed) return undefined
        completed = true
        await old.put('large', 'straggler')
        return undefined
      },
    }
    const pass = await run(back)
    expect(await failuresOf(world, pass.number)).toEqual({ large: 'conflict' })
    expect(await old.get('large')).toBe('straggler')
    expect(world.a.uploads(world.from)).toEqual([])
  })

  it('goes back under another beginning of keys, through the filter', async () => {
    const world = await openS3World(plane, {
      more: {
        mapping: { kind: 'prefix', from: 'in/', to: 'out/there/', unmatched: 'skip' },
        filter: { exclude: ['*.tmp'] },
      },
    })
    const sides = await equal(world, ['in/a', 'in/b', 'elsewhere', 'in/c.tmp'])
    expect(await sides.new.get('out/there/a')).toBe('first in/a')
    await sides.new.put('out/there/a', 'second')
    await sides.new.put('out/there/fresh', 'second')
    await sides.new.put('out/there/d.tmp', 'second')
    await sides.new.put('beside', 'second')
    await sides.old.put('in/late', 'straggler')
    const pass = await world.pass(back)
    expect(await failuresOf(world, pass.number)).toEqual({ 'out/there/late': 'conflict' })
    expect(pass.counts.objects).toMatchObject({ copied: 2, failed: 1 })
    const old = ['in/a', 'in/b', 'in/fresh', 'in/late', 'in/d.tmp', 'elsewhere', 'beside'].map((key) =>
      sides.old.get(key),
    )
    expect(await Promise.all(old)).toEqual([
      'second',
      'first in/b',
      'second',
      'straggler',
      null,
      'first elsewhere',
      null,
    ])
    expect((await world.pass(back)).counts.objects).toMatchObject({ copied: 0, failed: 1 })
  })

  it('says why, where there is no way back', async () => {
    const world = await openS3World(plane, {
      more: { mapping: { kind: 'template', pattern: null, to: '{ext}/{key}', unmatched: 'fail' } },
    })
    await world.a.put(world.from, 'a', 'first')
    const failed = world.agent.next('packet-failed')
    await world.world.start(back)
    expect(await failed).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('There is no way back'),
    })
  })

  it('goes back into a directory, and leaves what somebody wrote there', async () => {
    const source = join(dir, 'source')
    await mkdir(join(source, 'sub'), { recursive: true })
    for (const name of ['kept', 'written', 'straggler', 'sub/deleted'])
      await writeFile(join(source, name), `first ${name}`)
    const world = await openS3World(plane, { files: { source } })
    await world.pass({ remember: 'all' })
    await world.pass({ remember: 'all' })
    const now = sideOf(world.b, world.to)
    await now.put('written', 'second')
    await now.put('sub/fresh', 'second')
    now.delete('sub/deleted')
    await writeFile(join(source, 'straggler'), 'written late')
    await writeFile(join(source, 'late'), 'made late')
    const pass = await world.pass(back)
    expect(await failuresOf(world, pass.number)).toEqual({ straggler: 'conflict', late: 'conflict' })
    expect(pass.counts.objects).toMatchObject({ copied: 2, deleted: 1, failed: 2 })
    const text = async (name: string) => (await readFile(join(source, name))).toString()
    expect(await Promise.all(['written', 'sub/fresh', 'straggler', 'late', 'kept'].map(text))).toEqual([
      'second',
      'second',
      'written late',
      'made late',
      'first kept',
    ])
    expect(await readdir(join(source, 'sub'))).toEqual(['fresh'])
  })
})

describe('whatever is written on both sides, and when', () => {
  /** The same numbers in every run. */
  function numbers(seed: number) {
    let state = seed
    return (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((state / 2 ** 31) * below)
    }
  }

  it('no write that is not known is lost, and what only one side writes comes to the other', async () => {
    const { world, agent } = await inMemory()
    const next = numbers(1)
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'] as Key[]
    const sides = { source: world.source, destination: world.destination }
    const textAt = (side: keyof typeof sides, key: Key) => {
      const object = sides[side].objects.get(key)
      return object ? Buffer.from(object.body).toString() : null
    }
    let written = 0
    let time = Date.now() * 1_000
    const tick = () => {
      time += 1_000_000
      return time
    }
    const write = (side: keyof typeof sides, key: Key) =>
      sides[side].put(key, `${side} ${++written}`, { mtime: tick() })
    for (const key of keys) write('source', key)
    await world.pass(agent, { remember: 'all' })
    let direction: 'forward' | 'back' = 'back'
    /** By key: what somebody wrote at the side that follows, and nobody has made equal. Null: deleted. */
    const foreign = new Map<Key, string | null>()
    for (let round = 0; round < 8; round++) {
      const [leads, follows] =
        direction === 'forward' ? (['source', 'destination'] as const) : (['destination', 'source'] as const)
      const touched = new Set<Key>()
      for (let i = next(4); i >= 0; i--) {
        const key = keys[next(keys.length)]!
        touched.add(key)
        if (next(4) === 0) sides[leads].objects.delete(key)
        else write(leads, key)
      }
      for (let i = next(3); i > 0; i--) {
        const key = keys[next(keys.length)]!
        if (next(4) > 0) write(follows, key)
        else if (!sides[follows].objects.delete(key)) continue
        foreign.set(key, textAt(follows, key))
      }
      await world.pass(agent, { ...park, direction })
      for (const key of keys) {
        const [l, f] = [textAt(leads, key), textAt(follows, key)]
        if (foreign.has(key) && l !== f) expect([key, f]).toEqual([key, foreign.get(key)])
        // What nobody else touches follows.
        else if (!foreign.has(key)) expect([key, f]).toEqual([key, l])
      }
      if (next(3) > 0) continue
      // The operator settles all of them, and the application moves.
      for (const key of foreign.keys()) {
        const object = sides[follows].objects.get(key)
        if (object) sides[leads].put(key, object.body, { mtime: tick() })
        else sides[leads].objects.delete(key)
      }
      foreign.clear()
      expect(await world.pass(agent, { ...park, direction })).toMatchObject({ state: 'complete' })
      direction = direction === 'forward' ? 'back' : 'forward'
    }
  })
})

async function inMemory() {
  const world = await openWorld(plane)
  // By the usual name: so it takes the place of the last world's agent, which would work for this one, too.
  const agent = await world.agent()
  substitutes.push(agent)
  return { world, agent }
}

/** Names of the leaves of its agent's baseline. */
async function leavesOf({ agent }: S3World): Promise<string[]> {
  const root = join(agent.stateDir, 'agent', 'baseline')
  return (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.leaf')).sort()
}
