import fc from 'fast-check'
import { expect, it } from 'vitest'
import { covers, newPacket, type Packet, type PacketEvent, step } from '../../../control-plane/core/packet.ts'
import { Strip, shareOf, tallied, zeroTally } from '../../../control-plane/core/strip.ts'
import { editsOf, rowsOf, stripOf } from '../../../control-plane/core/strip-rows.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { contains, everything, type Range } from '../../../shared/range.ts'

const keys = Array.from({ length: 200 }, (_, i) => keyFromText(String(i).padStart(3, '0')))
const around = { now: 0, random: 0.5, work: 'copy' as const }

/** A pass that is stepped as the ledger does it, and the strip of it. */
class Model {
  packets = new Map<number, Packet>()
  strip: Strip
  constructor(most: number) {
    this.strip = new Strip([], most)
    this.insert({ ...newPacket('survey', everything), id: 1 } as Packet)
  }

  insert(packet: Packet): void {
    this.packets.set(packet.id, packet)
    this.strip.became(null, packet)
  }

  apply(before: Packet, event: PacketEvent): void {
    const { packet, effects } = step(before, event, around)
    if (packet === before) return
    for (const effect of effects) {
      if (effect.is === 'insert') this.insert({ ...effect.packet, id: this.packets.size + 1 } as Packet)
    }
    this.packets.set(packet.id, packet)
    this.strip.became(before, packet)
  }

  /** One thing that an agent may do with a packet of these, chosen by a number. */
  act(which: number, dice: number): void {
    const chosen = this.choose(which, dice)
    if (chosen) this.apply(...chosen)
  }

  choose(which: number, dice: number): [Packet, PacketEvent] | null {
    const open = [...this.packets.values()].filter(({ state }) => state !== 'done' && state !== 'parked')
    const packet = open[which % Math.max(1, open.length)]
    if (!packet) return null
    if (packet.state !== 'leased') return [packet, { t: 'lease', session: 1, deletes: 0 }]
    const by = { session: 1, generation: packet.generation }
    const inside = keys.filter((key) => contains(packet, key) && key !== packet.through)
    const cut = inside[dice % Math.max(1, inside.length)] ?? packet.through
    if (dice % 11 === 0) return [packet, { t: 'release', ...by }]
    if (dice % 31 === 0) return [packet, { t: 'failed', ...by, error: failure }]
    if (packet.kind !== 'survey') {
      if (dice % 5 === 0 && packet.upload === null && cut !== null) {
        const opened = dice % 2 ? [{ parts: { first: 1, last: 1 }, bytes: 1 }] : null
        return [packet, { t: 'expand', ...by, key: cut, bytes: 9, upload: 1, opened }]
      }
      const counts = zeroCounts()
      counts.objects.listed = counts.objects.failed = dice % 3
      const through = packet.upload === null && dice % 4 === 0 ? cut : packet.through
      return [packet, { t: 'outcome', ...by, through, counts, failures: [], report: false }]
    }
    if (dice % 4 === 0 && cut !== null) return [packet, { t: 'split', ...by, at: cut }]
    const ends = inside.filter((_, i) => (i + dice) % 3 === 0).slice(0, 1 + (dice % 7))
    const bounds: (Key | null)[] = dice % 7 === 0 ? [...ends, packet.through] : ends
    const cuts = bounds.map((through, i) => {
      return { through, work: { objects: 2, bytes: 7 }, settled: (dice + i) % 4 === 0 ? zeroCounts() : null }
    })
    return [packet, { t: 'cut', ...by, from: packet.after, cuts }]
  }

  covering = () => [...this.packets.values()].filter(covers)
}

const failure = { code: 'slow-down', op: 'get', retry: 'never', message: 'no', hint: null } as never

/** What each bucket has to say, by looking at all packets. */
function expected(packets: readonly Packet[], ends: readonly (Key | null)[]) {
  const within = (packet: Range, after: Key | null, through: Key | null) =>
    (after === null || (packet.after !== null && packet.after >= after)) &&
    (through === null || (packet.through !== null && packet.through <= through))
  return ends.map((through, i) => {
    const tally = zeroTally()
    for (const packet of packets) {
      if (!within(packet, i === 0 ? null : ends[i - 1]!, through)) continue
      const share = shareOf(packet)
      for (const name of tallied) tally[name] += share[name]
    }
    return tally
  })
}

const runs = fc.array(fc.tuple(fc.nat(10_000), fc.nat(100_000)), {
  minLength: 100,
  maxLength: 150,
  size: 'max',
})

it.each([2, 5, 40, 1_600])(
  'adds up in each of at most %i buckets, whatever becomes of the packets',
  (most) => {
    fc.assert(
      fc.property(runs, (steps) => {
        const model = new Model(most)
        for (const [which, dice] of steps) {
          model.act(which, dice)
          const { buckets } = model.strip
          const ends = buckets.map(({ through }) => through)
          expect(buckets.length).toBeLessThanOrEqual(most + 1)
          expect(ends).toEqual([...new Set(ends)])
          expect(buckets.map(({ tally }) => tally)).toEqual(expected(model.covering(), ends))
        }
      }),
      { numRuns: 25, seed: 5 },
    )
  },
)

it('gives each packet a bucket of its own while there are few', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(10_000), fc.nat(100_000)), { maxLength: 60 }), (steps) => {
      const model = new Model(1_600)
      for (const [which, dice] of steps) model.act(which, dice)
      expect(model.strip.buckets.length).toBe(model.covering().length)
    }),
    { numRuns: 100, seed: 6 },
  )
})

it('goes on from where it was counted anew', () => {
  fc.assert(
    fc.property(runs, runs, (before, then) => {
      const model = new Model(30)
      for (const [which, dice] of before) model.act(which, dice)
      const sampled = model.covering().filter(({ id }) => id % 2 === 0)
      model.strip = new Strip(
        sampled.map(({ through }) => through),
        30,
      )
      for (const packet of model.packets.values()) model.strip.count(packet)
      for (const [which, dice] of then) model.act(which, dice)
      const { buckets } = model.strip
      const ends = buckets.map(({ through }) => through)
      expect(buckets.map(({ tally }) => tally)).toEqual(expected(model.covering(), ends))
    }),
    { numRuns: 25, seed: 7 },
  )
})

it('stays small where boundaries are long', () => {
  const strip = new Strip(Array.from({ length: 1_000 }, (_, i) => `${i}`.padStart(4_000, '0') as Key))
  expect(strip.buckets.length).toBeGreaterThan(10)
  expect(strip.buckets.reduce((sum, { through }) => sum + (through?.length ?? 0), 0)).toBeLessThan(200_001)
})

it('has nobody at work in a pass that was cancelled', () => {
  const model = new Model(10)
  model.act(0, 1)
  model.act(0, 29)
  model.act(1, 1)
  model.strip.cancel()
  expect(model.strip.buckets.some(({ tally }) => tally.leased > 0)).toBe(false)
})

it.each([5, 1_600])('tells what changed in edits that lead to what is, in %i buckets', (most) => {
  fc.assert(
    fc.property(runs, (steps) => {
      const model = new Model(most)
      const { strip } = model
      let rows = rowsOf(strip)
      let told = { buckets: [...strip.buckets], revision: strip.revision }
      for (const [i, [which, dice]] of steps.entries()) {
        model.act(which, dice)
        if (i % 5 > 0) continue
        rows = [...rows]
        for (const { at, remove, insert } of editsOf(told, strip)) rows.splice(at, remove, ...insert)
        expect(rows).toEqual(rowsOf(strip))
        told = { buckets: [...strip.buckets], revision: strip.revision }
        expect(editsOf(told, strip)).toEqual([])
      }
      expect(rowsOf(stripOf(rows))).toEqual(rows)
    }),
    { numRuns: 25, seed: 8 },
  )
})
