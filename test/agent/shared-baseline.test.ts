/** A baseline that several agents keep at one place. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Baseline, type BaselineRow, openBaseline } from '../../agent/baseline/baseline.ts'
import { holesAt } from '../../agent/baseline/holes.ts'
import { openIndex } from '../../agent/baseline/index-db.ts'
import { createLook } from '../../agent/baseline/look-for-leaves.ts'
import { sharedLeaves } from '../../agent/baseline/shared-leaves.ts'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { everything, type Range } from '../../shared/range.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { openS3World } from './s3-world.ts'

fc.configureGlobal({ seed: 6 })

let dir: string
let store: MemoryStorage
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dray-shared-'))
  store = memoryStorage()
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const pair = '0123456789abcdef'
const open = (name: string, storage = store) =>
  openBaseline(join(dir, name), { shared: sharedLeaves({ ...storage, close: async () => {} }, pair) })
const side = (token: string) => ({ token, size: 1, mtime: 1 })
const row = (key: string, token = key): BaselineRow => ({
  key: key as Key,
  source: side(token),
  destination: side(token),
  evidence: 'etag',
})
const range = (after: string | null, through: string | null): Range => ({
  after: after as Key | null,
  through: through as Key | null,
})
async function told(baseline: Baseline, of = everything): Promise<string[]> {
  const all: string[] = []
  for await (const page of baseline.rows(of))
    all.push(...page.map(({ key, source }) => `${key}=${source.token}`))
  return all
}
let clock = 0
const later = () => ++clock
/** Whatever was looked at before. */
const anew = Number.MAX_SAFE_INTEGER

describe('two agents', () => {
  it('know what the other has settled, once they have looked', async () => {
    const [one, other] = [await open('one'), await open('other')]
    await one.write(range(null, 'm'), later(), [row('a'), row('b')])
    await other.write(range('m', null), later(), [row('x')])
    expect(await told(other)).toEqual(['x=x'])
    expect(await other.refresh(anew)).toBe(true)
    expect(await told(other)).toEqual(['a=a', 'b=b', 'x=x'])
    await one.refresh(anew)
    expect(await told(one)).toEqual(['a=a', 'b=b', 'x=x'])
    // Nothing is fetched twice, and nothing of one's own.
    const { read } = store.requests
    await told(one)
    await told(other)
    expect(store.requests.read).toBe(read)
    expect(await other.refresh(anew)).toBe(false)
    await Promise.all([one.close(), other.close()])
  })

  it('believe the later listing, in whatever order they hear of it', async () => {
    const [one, other] = [await open('one'), await open('other')]
    const [early, late] = [later(), later()]
    await other.write(range('a', 'b'), late, [row('b', 'new')])
    await one.write(range(null, 'c'), early, [row('a'), row('b', 'old'), row('c')])
    await Promise.all([one.refresh(anew), other.refresh(anew)])
    for (const each of [one, other]) expect(await told(each)).toEqual(['a=a', 'b=new', 'c=c'])
    await one.close()
    // Whoever comes later hears of both at once.
    const third = await open('third')
    await third.refresh(anew)
    expect(await told(third)).toEqual(['a=a', 'b=new', 'c=c'])
    await Promise.all([other.close(), third.close()])
  })

  it('hear of what was not looked into, and keep what they know of it', async () => {
    const [one, other] = [await open('one'), await open('other')]
    await one.write(everything, later(), [row('a'), row('b'), row('c')])
    const rows = [row('a', 'new')]
    await other.refresh(anew)
    await other.write(everything, later(), rows, holesAt(['b' as Key], rows))
    await one.refresh(anew)
    const many = Array.from(
      { length: 3_000 },
      (_, i) => `m${String(i).padStart(5, '0')}${'x'.repeat(40)}` as Key,
    )
    await one.write(range('c', null), later(), [], holesAt(many, []))
    await other.refresh(anew)
    for (const each of [one, other]) expect(await told(each)).toEqual(['a=new', 'b=b'])
    await Promise.all([one.close(), other.close()])
  })

  it('hear, too, that nothing is left of a range', async () => {
    const [one, other] = [await open('one'), await open('other')]
    await one.write(everything, later(), [row('a'), row('b')])
    await other.refresh(anew)
    await one.write(range(null, 'a'), later(), [])
    await other.refresh(anew)
    expect(await told(other)).toEqual(['b=b'])
    // Of what nobody knew anything, there is nothing to tell.
    const { write } = store.requests
    await other.write(range('x', 'y'), later(), [])
    await Promise.all([one.close(), other.close()])
    expect(store.requests.write).toBe(write + 1)
  })

  it('agree after any writes, when they have looked, and so does one that begins anew', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const write = fc.record({
      who: fc.nat(1),
      from: fc.nat(7),
      length: fc.integer({ min: 1, max: 8 }),
      has: fc.nat(255),
      looks: fc.boolean(),
    })
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 12 }), async (writes) => {
        const mine = memoryStorage()
        const run = ++runs
        const agents = [await open(`${run}-0`, mine), await open(`${run}-1`, mine)]
        const model = new Map<string, string>()
        for (const [i, { who, from, length, has, looks }] of writes.entries()) {
          const end = Math.min(keys.length, from + length)
          const rows: BaselineRow[] = []
          for (const [at, key] of keys.entries()) {
            if (at < from || at >= end) continue
            const isThere = (has >> at) & 1
            if (isThere) {
              rows.push(row(key, `${i}`))
              model.set(key, `${i}`)
            } else model.delete(key)
          }
          // Whoever works on a range has looked before it is told that nothing is left of it.
          if (looks || rows.length === 0) await agents[who]!.refresh(anew)
          await agents[who]!.write(range(keys[from - 1] ?? null, keys[end - 1]!), later(), rows)
        }
        const expected = [...model].sort().map(([key, token]) => `${key}=${token}`)
        agents.push(await open(`${run}-2`, mine))
        for (const agent of agents) {
          await agent.refresh(anew)
          expect(await told(agent)).toEqual(expected)
          await agent.close()
        }
      }),
      { numRuns: 15 },
    )
  })
})

describe('what nothing refers to any more', () => {
  it('is removed an hour after it was seen to be so, by whoever sees it', async () => {
    const one = await open('one')
    await one.write(everything, later(), [row('a')])
    await one.write(everything, later(), [row('a', 'new')])
    expect(store.objects.size).toBe(2)
    await one.close()
    const shared = sharedLeaves(store, pair)
    const index = openIndex(join(dir, 'one', 'index.sqlite'))
    let now = 1_000
    const look = createLook({ shared, index, next: () => 1_000, discard: async () => {}, now: () => now })
    await look(now)
    expect(store.objects.size).toBe(2)
    now += 3_600_000
    await look(now)
    expect(store.objects.size).toBe(1)
    index.close()
    const other = await open('other')
    await other.refresh(anew)
    expect(await told(other)).toEqual(['a=new'])
    await other.close()
  })
})

describe('a crash', () => {
  it('between the leaf and the index costs nothing: it is found with the next look', async () => {
    const one = await open('one')
    await one.write(everything, later(), [row('a')])
    await one.close()
    await rm(join(dir, 'one'), { recursive: true })
    const again = await open('one')
    expect(await told(again)).toEqual([])
    await again.refresh(anew)
    expect(await told(again)).toEqual(['a=a'])
    await again.close()
  })

  it('of the store is told, and what is known stays known', async () => {
    const one = await open('one')
    await one.write(range(null, 'a'), later(), [row('a')])
    store.faults = {
      before(op) {
        if (op === 'list' || op === 'write')
          throw new DrayError('unreachable', op, 'It is away.', { retry: 'later' })
      },
    }
    await expect(one.refresh(anew)).rejects.toMatchObject({ code: 'unreachable' })
    await expect(one.write(range('a', 'b'), later(), [row('b')])).rejects.toMatchObject({
      code: 'unreachable',
    })
    expect(await told(one)).toEqual(['a=a'])
    store.faults = {}
    expect(await one.refresh(anew)).toBe(false)
    await one.write(range('a', 'b'), later(), [row('b')])
    expect(await told(one)).toEqual(['a=a', 'b=b'])
    await one.close()
  })

  it('of a leaf at the store reads as nothing', async () => {
    const [one, other] = [await open('one'), await open('other')]
    await one.write(range(null, 'a'), later(), [row('a')])
    await one.write(range('a', null), later(), [row('b')])
    await other.refresh(anew)
    const [first] = store.objects.keys()
    store.objects.delete(first!)
    expect(await told(other)).toEqual(['b=b'])
    const [second] = store.objects.keys()
    store.put(second!, 'no leaf')
    store.put(`${pair}/000000000001-${'0'.repeat(24)}.leaf`, 'nor this')
    store.put(`${pair}/notes.txt`, 'nor this')
    const third = await open('third')
    await third.refresh(anew)
    expect(await told(third)).toEqual([])
    await Promise.all([one.close(), other.close(), third.close()])
  })
})

it('can be in a directory', async () => {
  const root = join(dir, 'shared')
  const { mkdir } = await import('node:fs/promises')
  await mkdir(root)
  const at = () =>
    openFileStorage(
      { kind: 'file', path: root, site: 'here' },
      { agentId: 'one', symlinks: 'skip', spillDir: dir },
    )
  const one = await openBaseline(join(dir, 'one'), { shared: sharedLeaves(await at(), pair) })
  await one.write(
    everything,
    later(),
    Array.from({ length: 2_000 }, (_, i) => row(String(i).padStart(6, '0'))),
  )
  const other = await openBaseline(join(dir, 'other'), { shared: sharedLeaves(await at(), pair) })
  await other.refresh(anew)
  expect(await told(other)).toHaveLength(2_000)
  await Promise.all([one.close(), other.close()])
})

describe('agents of one migration', () => {
  let plane: Plane
  beforeAll(async () => {
    plane = await startPlane()
  })
  afterAll(() => plane.stop())

  it('compare three ways with what the others have copied, and with what was there before their state was lost', async () => {
    const world = await openS3World(plane, { baseline: true })
    const park = { conflicts: 'park', remember: 'all', delete: true } as const
    for (const key of ['a', 'b', 'c']) await world.a.put(world.from, key, `first ${key}`)
    await world.pass({ remember: 'all' })
    await world.agent.stop()
    const other = await world.join({ id: 'another' })
    await world.a.put(world.from, 'a', 'second')
    world.a.delete(world.from, 'b')
    await world.b.put(world.to, 'c', 'straggler')
    const ended = other.next('pass-ended')
    const { number } = await world.world.start(park)
    await ended
    const pass = await world.world.status(number)
    expect(pass.counts.objects).toMatchObject({ copied: 1, deleted: 1, failed: 1 })
    expect(pass.failureCauses.map(({ code }) => code)).toEqual(['conflict'])
    expect((await world.object('a')!.body()).toString()).toBe('second')
    expect((await world.object('c')!.body()).toString()).toBe('straggler')
    await other.stop()
  })
})
