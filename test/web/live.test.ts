import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { BucketRow, Point, WatchMessage } from '../../shared/api/watch.ts'
import { zeroCounts } from '../../shared/counts.ts'
import { left, rateOver } from '../../web/console/estimate.ts'
import { applied } from '../../web/console/known.ts'
import {
  condensed,
  edges,
  figuresIn,
  nextTrouble,
  packetsIn,
  placeOf,
  sentence,
} from '../../web/console/parts/strip-model.ts'
import { lookingIn } from '../../web/console/search.ts'

const row = (through: string | null, state: number, failed = 0): BucketRow => {
  const states = [0, 0, 0, 0, 0].map((_, i) => (i === state ? 1 : 0))
  return [through, ...states, failed, 10, 900] as unknown as BucketRow
}
const snapshot = (strip: BucketRow[] | null): WatchMessage => ({
  ...({ t: 'snapshot', id: 1, now: 1_000, pass: null } as const),
  ...{ strip, lanes: [], history: [], traces: [], events: [] },
})

it('makes the edits of a delta in their order, and keeps what is counted anew in sight', () => {
  const begun = applied(null, snapshot([row('c', 1), row('m', 1), row(null, 0)]), 900)
  const edits = [
    { at: 1, remove: 1, insert: [row('f', 2), row('m', 1)] },
    { at: 3, remove: 1, insert: [row('t', 3), row(null, 0)] },
  ]
  const next = applied(begun, { t: 'delta', id: 2, now: 1_500, strip: edits }, 1_400)
  expect(next?.strip?.map(([through]) => through)).toEqual(['c', 'f', 'm', 't', null])
  expect(next?.ahead).toBe(100)
  expect(applied(next, snapshot(null), 0)?.strip).toEqual(next?.strip)
})

it('gives each bucket a place, and what is not listed an eighth', () => {
  const strip = [row('c', 3), row('m', 1), row(null, 0)]
  const [, , start, end] = edges(strip, 'keys', 800)
  expect(end).toBeCloseTo(800)
  expect(end! - start!).toBeCloseTo(100)
  fc.assert(
    fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 50 }), (states) => {
      const x = edges(
        states.map((state) => row('k', state)),
        'bytes',
        1_000,
      )
      expect(x.at(-1)).toBeCloseTo(1_000)
      for (const [i, edge] of x.slice(1).entries()) expect(edge).toBeGreaterThan(x[i]!)
    }),
  )
})

it('goes from failure to failure, and says what is where', () => {
  const strip = [row('a%20b', 3), row('m', 3, 2), row('%E2%80%AEtxt', 4), row(null, 1)]
  expect(nextTrouble(strip, -1, 1)).toBe(1)
  expect(nextTrouble(strip, 1, 1)).toBe(2)
  expect(nextTrouble(strip, 2, 1)).toBe(2)
  expect(nextTrouble(strip, 4, -1)).toBe(2)
  expect(sentence(strip, 1)).toBe(
    'After “a b” through “m”: 1 packet, done; 10 objects, 900 B, 2 objects failed.',
  )
  // What would turn the text around is shown instead.
  expect(sentence(strip, 2)).toContain('“\\u{202e}txt”')
})

it('finds a bucket again that others came before, and what overlaps a part', () => {
  const strip = [row('a', 3), row('c', 3), row('m', 1), row(null, 0)]
  expect(placeOf(strip, 0, 'c')).toBe(1)
  expect(placeOf(strip, 2, 'm')).toBe(2)
  expect(placeOf(strip, 9, 'gone')).toBe(3)
  const ends = (after: string | null, through: string | null) =>
    JSON.parse(figuresIn(strip, { after, through })).map(([end]: BucketRow) => end)
  expect(ends('a', 'd')).toEqual(['c', 'm'])
  expect(ends(null, 'a')).toEqual(['a'])
  expect(ends('m', null)).toEqual([null])
})

it('takes from an address what makes sense, and nothing else', () => {
  const zoom = [
    [null, 'm'],
    ['c', 'm'],
  ]
  expect(lookingIn({ zoom, agent: 'a', since: 1, until: 2, packet: '' })).toEqual({
    ...{ zoom, agent: 'a', since: 1, until: 2, packet: '' },
  })
  expect(lookingIn({ zoom: [['a', 1]], agent: 3, since: 2, until: 1, packet: null })).toEqual({})
  const long = ['k'.repeat(5_000), null]
  expect(lookingIn({ zoom: [long, long] }).zoom).toEqual([long])
})

it('keeps what each agent did over time, bounded, and what happened in its order', () => {
  const points = (from: number) =>
    Array.from({ length: 300 }, (_, i) => [from + i, i, i] as [number, number, number])
  const known = applied(
    { ...applied(null, snapshot(null), 0)! },
    { t: 'delta', id: 2, now: 0, traces: [{ agent: 'b', site: 's', points: points(0) }] },
    0,
  )
  const next = applied(
    known,
    {
      ...{ t: 'delta', id: 3, now: 0 },
      traces: [
        { agent: 'b', site: 's', points: points(300) },
        { agent: 'a', site: 's', points: points(0) },
      ],
      events: [{ id: 7, at: 1, pass: 1, is: 'came', agent: 'a' }],
    },
    0,
  )
  expect(next?.traces.map(({ agent, points }) => [agent, points.length, points.at(-1)![0]])).toEqual([
    ['a', 300, 299],
    ['b', 500, 599],
  ])
  expect(next?.events.map(({ id }) => id)).toEqual([7])
})

it('adds up, condensed or not', () => {
  const strip = Array.from({ length: 1_600 }, (_, i) => row(String(i), i % 5, i % 7))
  const rows = condensed(strip, 40)
  expect(rows.length).toBe(40)
  expect(packetsIn(rows)).toEqual(packetsIn(strip))
})

const pass = (over: Partial<PassStatus>): PassStatus => {
  const counts = zeroCounts()
  counts.objects.copied = counts.objects.listed = 1_000
  return {
    ...{ state: 'running', surveying: false, counts, expected: { objects: 4_000, bytes: 0 } },
    ...{ inFlight: { objects: 0, bytes: 0 } },
    ...over,
  } as PassStatus
}
const points = (n: number, rate: number): Point[] =>
  Array.from({ length: n }, (_, i) => [i * 5_000, i * 5 * rate, 0, 0])

it('tells how long it takes as a range, and nothing while nobody knows', () => {
  expect(rateOver(points(10, 100), 15_000)).toEqual({ objects: 100, bytes: 0 })
  expect(rateOver(points(1, 100), 15_000)).toBeNull()
  const [least, most] = left(pass({}), points(10, 100))!
  expect(least).toBeLessThan(30_000)
  expect(most).toBeGreaterThan(30_000)
  expect(left(pass({ surveying: true }), points(10, 100))).toBeNull()
  expect(left(pass({}), points(10, 0))).toBeNull()
  expect(left(pass({ state: 'complete' }), points(10, 100))).toBeNull()
})
