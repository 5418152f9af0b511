import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Baseline, type BaselineRow, missingRow, openBaseline } from '../../agent/baseline/baseline.ts'
import { holesAt } from '../../agent/baseline/holes.ts'
import { leafBounds } from '../../agent/baseline/leaf.ts'
import { type Key, keyFromBytes } from '../../shared/key.ts'
import { contains, everything, type Range } from '../../shared/range.ts'

fc.configureGlobal({ seed: 2 })

let dir: string
let baseline: Baseline
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dray-baseline-'))
  baseline = await openBaseline(dir)
})
afterEach(async () => {
  await baseline.close()
  await rm(dir, { recursive: true })
})
const reopen = async () => {
  await baseline.close()
  baseline = await openBaseline(dir)
}

const row = (key: string, token = `t-${key}`): BaselineRow => ({
  key: key as Key,
  source: { token, size: 3, mtime: 1_700_000_000_000_001 },
  destination: { token: `d-${token}`, size: 3, mtime: null },
  evidence: 'hashed',
})
const missing = (key: string, since: number): BaselineRow => missingRow(key as Key, null, since)
const range = (after: string | null, through: string | null) => ({ after, through }) as Range

async function read(within: Range = everything): Promise<BaselineRow[]> {
  const out: BaselineRow[] = []
  for await (const page of baseline.rows(within)) out.push(...page)
  return out
}
const keys = async (within?: Range) => (await read(within)).map((each) => each.key)
const leaves = async () =>
  (await readdir(join(dir, 'leaves'), { recursive: true })).filter((name) => name.endsWith('.leaf')).sort()

describe('a baseline', () => {
  it('knows nothing at first, and gives back what was written, exactly', async () => {
    expect(await read()).toEqual([])
    const rows: BaselineRow[] = [
      row(''),
      { ...row('\x00\xff'), source: { token: '', size: 0, mtime: null } },
      { ...row('a'), evidence: 'size+mtime', destination: { token: 't-a', size: 3, mtime: -5 } },
      { ...row('b'), destination: { token: 'x', size: 4, mtime: 0 } },
      row('\xf4\x8f\xbf\xbf/\n"'),
    ]
    await baseline.write(everything, 1, rows)
    expect(await read()).toEqual(rows)
    await reopen()
    expect(await read()).toEqual(rows)
  })

  it('remembers since when an object is missing at a side, with or without what is known besides', async () => {
    const known = missingRow('b' as Key, row('b'), 5_000)
    const there = { ...row('d'), destination: { ...row('d').destination, missing: 7 } }
    const rows = [missing('a', 1), known, row('c'), there]
    await baseline.write(everything, 1, rows)
    expect(await read()).toEqual(rows)
  })

  it('reads the part that was asked for', async () => {
    await baseline.write(
      everything,
      1,
      ['a', 'b', 'c', 'd'].map((key) => row(key)),
    )
    expect(await keys(range('a', 'c'))).toEqual(['b', 'c'])
    expect(await keys(range('a', 'a'))).toEqual([])
    expect(await keys(range('d', null))).toEqual([])
    expect(await keys(range(null, 'a'))).toEqual(['a'])
  })

  it('replaces a range and nothing beside it', async () => {
    await baseline.write(
      everything,
      1,
      ['a', 'b', 'c', 'd', 'e'].map((key) => row(key)),
    )
    await baseline.write(range('b', 'd'), 2, [row('bb', 'new'), row('d', 'new')])
    expect((await read()).map((each) => `${each.key} ${each.source.token}`)).toEqual([
      ...['a t-a', 'b t-b', 'bb new', 'd new', 'e t-e'],
    ])
    await baseline.write(range('a', 'd'), 3, [])
    expect(await keys()).toEqual(['a', 'e'])
  })

  it('removes leaves that nothing refers to', async () => {
    await baseline.write(range(null, 'm'), 1, [row('a'), row('m')])
    await baseline.write(range('m', null), 1, [row('n'), row('z')])
    const before = await leaves()
    expect(before).toHaveLength(2)
    await baseline.write(range('b', 'z'), 2, [row('c')])
    expect(await leaves()).toHaveLength(3)
    await baseline.write(everything, 3, [row('x')])
    const after = await leaves()
    expect(after).toHaveLength(1)
    expect(before).not.toContain(after[0])
    await baseline.write(everything, 4, [])
    expect(await leaves()).toEqual([])
  })

  it('takes pages as well as rows, and spreads many rows over leaves that are bounded', async () => {
    const count = leafBounds.blocks * leafBounds.blockRows + 1_500
    const name = (i: number) => String(i).padStart(8, '0')
    async function* pages() {
      for (let i = 0; i < count; i += 750) {
        yield Array.from({ length: Math.min(750, count - i) }, (_, n) => row(name(i + n)))
      }
    }
    await baseline.write(everything, 1, pages())
    expect(await leaves()).toHaveLength(2)
    let seen = 0
    for await (const page of baseline.rows(everything)) {
      expect(page.length).toBeLessThanOrEqual(leafBounds.blockRows)
      for (const each of page) expect(each.key).toBe(name(seen++))
    }
    expect(seen).toBe(count)
    const boundary = leafBounds.blocks * leafBounds.blockRows
    expect(await keys(range(name(boundary - 2), name(boundary + 1)))).toEqual(
      [-1, 0, 1].map((n) => name(boundary + n)),
    )
  })

  it('closes blocks early where keys are long', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => row(String(i).padStart(3, '0') + 'k'.repeat(1_000)))
    await baseline.write(everything, 1, rows)
    let greatest = 0
    for await (const page of baseline.rows(everything)) greatest = Math.max(greatest, page.length)
    expect(greatest).toBeLessThan(300)
    expect(await read()).toEqual(rows)
  })

  it('is a map of ranges, whatever is written in whatever order: of two that tell of a key, the later listing is believed', async () => {
    const key = fc.uint8Array({ maxLength: 2 }).map((bytes) => keyFromBytes(bytes.map((byte) => byte % 5)))
    const boundary = fc.option(key, { nil: null, freq: 6 })
    const write = fc.record({
      range: fc.record({ after: boundary, through: boundary }),
      keys: fc.uniqueArray(key, { maxLength: 12 }),
      /** Its listings began before those of as many writes before it. */
      late: fc.nat(3),
    })
    const base = 1_000
    let runs = 0
    const sorted = (all: Iterable<Key>) => [...all].sort((a, b) => (a < b ? -1 : 1))
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 12 }), write, async (writes, asked) => {
        const start = ++runs * base
        await baseline.write(everything, start - base / 2, [])
        const model = new Map<Key, string>()
        /** Of every key that a write has told of: when its listing began. */
        const told = new Map<Key, number>()
        const all = new Set(writes.flatMap(({ keys }) => keys))
        for (const [n, one] of writes.entries()) {
          const began = start + 10 * (n - one.late)
          const inside = sorted(one.keys).filter((each) => contains(one.range, each))
          for (const each of all) {
            if (!contains(one.range, each) || (told.get(each) ?? 0) > began) continue
            told.set(each, began)
            if (one.keys.includes(each)) model.set(each, `${n}`)
            else model.delete(each)
          }
          await baseline.write(
            one.range,
            began,
            inside.map((each) => row(each, `${n}`)),
          )
          if (n === 5) await reopen()
        }
        for (const within of [everything, asked.range]) {
          const expected = sorted(model.keys()).filter((each) => contains(within, each))
          expect((await read(within)).map((each) => [each.key, each.source.token])).toEqual(
            expected.map((each) => [each, model.get(each)]),
          )
        }
        // A leaf stays exactly as long as somebody can see a row of it, or its range.
        expect((await leaves()).length).toBeLessThanOrEqual(writes.length)
      }),
      { numRuns: 60 },
    )
    await baseline.write(everything, (runs + 1) * base, [])
    expect(await leaves()).toEqual([])
  })

  it('leaves what is known of keys that nothing was learnt of, as old as it was', async () => {
    await baseline.write(
      everything,
      1,
      ['a', 'b', 'c', 'd'].map((key) => row(key, 'old')),
    )
    const rows = ['a', 'c'].map((key) => row(key, 'new'))
    await baseline.write(everything, 5, rows, holesAt(['b', 'd', 'e'] as Key[], rows))
    const known = async () => (await read()).map((each) => `${each.key}${each.source.token}`)
    expect(await known()).toEqual(['anew', 'bold', 'cnew', 'dold'])
    // Somebody has listed them between, and comes later.
    await baseline.write(range('a', 'd'), 3, [row('b', 'between'), row('c', 'between')])
    expect(await known()).toEqual(['anew', 'bbetween', 'cnew'])
    await reopen()
    expect(await known()).toEqual(['anew', 'bbetween', 'cnew'])
  })

  it('can be written and read at the same time', async () => {
    const all = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const [i, key] of all.entries()) {
      await baseline.write(range(all[i - 1] ?? null, key), 1, [row(key)])
    }
    const seen: string[] = []
    for await (const page of baseline.rows(everything)) {
      seen.push(...page.map((each) => `${each.key}${each.source.token.at(-1)}`))
      const next = all[all.indexOf(page[0]!.key) + 1]
      if (next) await baseline.write(range(page[0]!.key, next), 2, [row(next, 'new2')])
    }
    expect(seen).toEqual(['aa', 'b2', 'c2', 'd2', 'e2', 'f2'])
    await Promise.all(all.map((key, i) => baseline.write(range(all[i - 1] ?? null, key), 3, [row(key, 'x')])))
    expect(await keys()).toEqual(all)
  })

  it('takes a write whole or not at all', async () => {
    await baseline.write(everything, 1, [row('a')])
    const before = await leaves()
    async function* failing() {
      yield Array.from({ length: 40_000 }, (_, i) => row(String(i).padStart(8, '0')))
      throw new Error('the packet was aborted')
    }
    await expect(baseline.write(everything, 2, failing())).rejects.toMatchObject({ code: 'internal' })
    await expect(baseline.write(everything, 2, [row('b'), row('a')])).rejects.toThrow(
      /row of a is out of order/,
    )
    await expect(baseline.write(everything, 2, [row('b'), row('b')])).rejects.toThrow(
      /row of b is out of order/,
    )
    await expect(baseline.write(range('m', null), 2, [row('b')])).rejects.toThrow(
      /row of b is out of order or range/,
    )
    expect(await keys()).toEqual(['a'])
    expect(await leaves()).toEqual(before)
  })
})

describe('what was lost', () => {
  const three = async () => {
    await baseline.write(range(null, 'b'), 1, [row('a'), row('b')])
    await baseline.write(range('b', 'd'), 1, [row('c'), row('d')])
    await baseline.write(range('d', null), 1, [row('e')])
    const [, second] = await leaves()
    return join(dir, 'leaves', second!)
  }

  it('reads as nothing where a leaf is missing', async () => {
    await rm(await three())
    expect(await keys()).toEqual(['a', 'b', 'e'])
    expect(await keys(range('b', 'c'))).toEqual([])
  })

  it('reads as nothing where any byte of a leaf’s rows is another, or it was cut off', async () => {
    const path = await three()
    const bytes = await readFile(path)
    const header = 6 + 4 + bytes.readUInt32BE(6)
    for (let at = 0; at < bytes.length - 4; at++) {
      // The header is for people and for recovery, and not read.
      if (at >= 10 && at < header) continue
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 0x55
      await writeFile(path, damaged)
      expect([at, await keys()]).toEqual([at, ['a', 'b', 'e']])
    }
    for (const length of [0, 3, 6, 9, header, bytes.length - 5]) {
      await writeFile(path, bytes.subarray(0, length))
      expect([length, await keys()]).toEqual([length, ['a', 'b', 'e']])
    }
    await baseline.write(range('b', 'd'), 2, [row('c', 'again')])
    expect(await keys()).toEqual(['a', 'b', 'c', 'e'])
  })

  it('is everything where the index is, which is then begun anew', async () => {
    await three()
    await baseline.close()
    await writeFile(
      join(dir, 'index.sqlite'),
      'this is no database, and long enough to be looked at'.repeat(40),
    )
    for (const suffix of ['-wal', '-shm']) await rm(join(dir, `index.sqlite${suffix}`), { force: true })
    baseline = await openBaseline(dir)
    expect(await keys()).toEqual([])
    expect(await leaves()).toEqual([])
    await baseline.write(everything, 2, [row('a')])
    expect(await keys()).toEqual(['a'])
  })

  it('in a crash is removed when the baseline is opened: leaves that the index never heard of', async () => {
    await baseline.write(everything, 1, [row('a')])
    const kept = await leaves()
    await writeFile(join(dir, 'leaves', kept[0]!.slice(0, 2), 'ffff.leaf'), 'half a leaf')
    await writeFile(join(dir, 'leaves', 'notes.txt'), 'not ours')
    await reopen()
    expect(await leaves()).toEqual(kept)
    await baseline.write(range('a', null), 2, [row('b')])
    expect(await keys()).toEqual(['a', 'b'])
  })
})
