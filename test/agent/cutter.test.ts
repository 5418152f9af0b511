import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Cutter, type CutterBounds, createCutter } from '../../agent/core/cutter.ts'
import { addCounts, addsUp, zeroCounts } from '../../shared/counts.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import type { Cut } from '../../shared/protocol.ts'
import { contains, everything, type Range, tiles } from '../../shared/range.ts'

type Finding = { is: 'work'; bytes: number } | { is: 'same'; bytes: number } | { is: 'passed' }

const bounds: CutterBounds = { workBytes: 100, workObjects: 5, listedKeys: 20, longRun: 6 }
const keyAt = (i: number) => keyFromText(String(i).padStart(6, '0'))

function feed(cutter: Cutter, key: Key, finding: Finding): void {
  if (finding.is === 'work') cutter.work(key, finding.bytes)
  else if (finding.is === 'same') cutter.same(key, finding.bytes, 'etag')
  else cutter.passed(key)
}

function cutAll(findings: Finding[], through: Key | null, takeEvery = 3): Cut[] {
  const cutter = createCutter(bounds)
  const cuts: Cut[] = []
  for (const [i, finding] of findings.entries()) {
    feed(cutter, keyAt(i), finding)
    if (i % takeEvery === 0) cuts.push(...cutter.take())
  }
  cutter.finish(through)
  return [...cuts, ...cutter.take()]
}

function rangesOf(cuts: Cut[], after: Key | null = null): Range[] {
  return cuts.map((cut, i) => ({ after: i === 0 ? after : cuts[i - 1]!.through, through: cut.through }))
}

/** The findings within each piece. */
function shares(findings: Finding[], cuts: Cut[]): Finding[][] {
  return rangesOf(cuts).map(({ after, through }) =>
    findings.filter(
      (_, i) => (after === null || keyAt(i) > after) && (through === null || keyAt(i) <= through),
    ),
  )
}

const finding: fc.Arbitrary<Finding> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ is: fc.constant('work' as const), bytes: fc.nat(150) }) },
  { weight: 6, arbitrary: fc.record({ is: fc.constant('same' as const), bytes: fc.nat(150) }) },
  { weight: 2, arbitrary: fc.constant({ is: 'passed' as const }) },
)
const runs = fc
  .array(fc.tuple(finding, fc.integer({ min: 1, max: 30 })), { maxLength: 30 })
  .map((parts) => parts.flatMap(([each, times]) => Array<Finding>(times).fill(each)))

describe('the cutter', () => {
  it('tiles its range, whatever it is fed', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 40 }), (findings, takeEvery) => {
        expect(tiles(rangesOf(cutAll(findings, null, takeEvery)), everything)).toBe(true)
      }),
    )
  })

  it('tiles a range that ends with a key, also where a piece was told of that ends there, too', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 40 }), fc.nat(2), (findings, takeEvery, past) => {
        fc.pre(findings.length > 0)
        const through = keyAt(findings.length - 1 + past)
        const ranges = rangesOf(cutAll(findings, through, takeEvery))
        expect(tiles(ranges, { after: null, through })).toBe(true)
      }),
    )
  })

  it('accounts for every key once: as work of a packet, or in settled counts', () => {
    fc.assert(
      fc.property(runs, (findings) => {
        const cuts = cutAll(findings, null)
        for (const [i, share] of shares(findings, cuts).entries()) {
          const work = share.filter((each) => each.is === 'work')
          expect(cuts[i]!.work).toEqual({
            objects: work.length,
            bytes: work.reduce((sum, each) => sum + each.bytes, 0),
          })
          const settled = zeroCounts()
          for (const each of share) {
            if (each.is !== 'same') continue
            const one = zeroCounts()
            one.objects = { ...one.objects, listed: 1, same: 1 }
            one.bytes.listed = each.bytes
            one.evidence = { etag: 1 }
            addCounts(settled, one)
          }
          if (work.length === 0) expect(cuts[i]!.settled).toEqual(settled)
          else expect(cuts[i]!.settled).toBe(null)
          expect(addsUp(settled)).toBe(true)
        }
      }),
    )
  })

  it('tells of each piece what is to be deleted in it, and what was found at the destination', () => {
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 40 }), (findings, takeEvery) => {
        const cutter = createCutter(bounds, true)
        const cuts: Cut[] = []
        for (const [i, finding] of findings.entries()) {
          // Every third piece of work is only at the destination, and so is every second key that is passed.
          if (finding.is === 'work') cutter.work(keyAt(i), 0, i % 3 === 0 ? { deletes: 1, found: 1 } : {})
          else if (finding.is === 'passed') cutter.passed(keyAt(i), i % 2 === 0 ? 1 : 0)
          else cutter.same(keyAt(i), 0, 'etag')
          if (i % takeEvery === 0) cuts.push(...cutter.take())
        }
        cutter.finish(null)
        cuts.push(...cutter.take())
        const at = (i: number) => findings[i]!.is === 'work' && i % 3 === 0
        const ranges = rangesOf(cuts)
        for (const [n, cut] of cuts.entries()) {
          const mine = [...findings.keys()].filter((i) => contains(ranges[n]!, keyAt(i)))
          const deleted = mine.filter(at).length
          const passed = mine.filter((i) => findings[i]!.is === 'passed' && i % 2 === 0).length
          const same = mine.filter((i) => findings[i]!.is === 'same').length
          expect([cut.work.deletes ?? 0, cut.found ?? 0]).toEqual([deleted, deleted + passed + same])
        }
      }),
    )
  })

  it('holds its bounds', () => {
    fc.assert(
      fc.property(runs, (findings) => {
        const cuts = cutAll(findings, null)
        for (const [i, share] of shares(findings, cuts).entries()) {
          const { work } = cuts[i]!
          expect(share.length).toBeLessThanOrEqual(bounds.listedKeys)
          expect(work.objects).toBeLessThanOrEqual(bounds.workObjects)
          if (work.objects > 1) expect(work.bytes).toBeLessThanOrEqual(bounds.workBytes)
        }
      }),
    )
  })

  it('puts no long run of settled keys in a packet, so none is listed twice', () => {
    fc.assert(
      fc.property(runs, (findings) => {
        const cuts = cutAll(findings, null)
        for (const [i, share] of shares(findings, cuts).entries()) {
          if (cuts[i]!.settled) continue
          let run = 0
          for (const each of share) {
            run = each.is === 'work' ? 0 : run + 1
            expect(run).toBeLessThan(bounds.longRun)
          }
        }
      }),
    )
  })

  it('settles an empty range with one piece', () => {
    expect(cutAll([], null)).toEqual([
      { through: null, work: { objects: 0, bytes: 0 }, settled: zeroCounts() },
    ])
  })

  it('ends its last piece at the end of the range, past the last key', () => {
    const through = keyFromText('z')
    expect(cutAll([{ is: 'work', bytes: 1 }], through)).toEqual([
      { through, work: { objects: 1, bytes: 1 }, settled: null },
    ])
  })

  it('gives an object that is too large for any packet one of its own', () => {
    const findings: Finding[] = [1, 500, 1].map((bytes) => ({ is: 'work', bytes }))
    expect(cutAll(findings, null).map((cut) => cut.work.bytes)).toEqual([1, 500, 1])
  })
})
