import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Packet } from '../../../control-plane/core/packet.ts'
import { PacketRuns } from '../../../control-plane/packet-runs.ts'
import type { Placed } from '../../../control-plane/packet-table.ts'
import type { Key } from '../../../shared/key.ts'

const keyOf = (i: number) => String(i).padStart(6, '0') as Key

/** Surveys of neighbouring parts of the key space, that are told of in turns of some packets each, as messages arrive. */
const cuts = fc
  .record({
    packets: fc.integer({ min: 1, max: 3_000 }),
    surveys: fc.integer({ min: 1, max: 6 }),
    turns: fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 400 })), { minLength: 1, maxLength: 40 }),
  })
  .map(({ packets, surveys, turns }) => {
    const each = Math.ceil(packets / surveys)
    const parts = Array.from({ length: surveys }, (_, s) => ({
      at: s * each,
      end: Math.min((s + 1) * each, packets),
    }))
    const inOrder: { after: Key | null; through: Key | null }[] = []
    for (
      let turn = 0, open = parts;
      open.length > 0;
      turn++, open = parts.filter(({ at, end }) => at < end)
    ) {
      const [survey, n] = turns[turn % turns.length]!
      const part = open[survey % open.length]!
      for (const last = Math.min(part.at + n, part.end); part.at < last; part.at++) {
        const { at } = part
        inOrder.push({
          after: at === 0 ? null : keyOf(at),
          through: at + 1 === packets ? null : keyOf(at + 1),
        })
      }
    }
    return inOrder.map((range, i): Placed => ({ id: i + 1, ...range }))
  })

it('packets are found by their place in the key space, in whatever order they came, and few others with them', async () => {
  await fc.assert(
    fc.asyncProperty(cuts, fc.nat(), fc.nat(), fc.nat(3_000), async (all, looked, a, b) => {
      // Some were there when somebody looked, and the others came after.
      const known = looked % (all.length + 1)
      const runs = new PacketRuns(1)
      const packets = {
        *placed(first: number, end: number) {
          yield* all.slice(first - 1, end - 1)
        },
      }
      await runs.look(packets, () => known + 1)
      for (const each of all.slice(known)) runs.became({ ...each, kind: 'copy' } as Packet)
      // One of them splits: what it gives away comes as another.
      const wide = all.find(({ id }) => id === 1 + (a % all.length))!
      const middle = `${wide.after ?? ''}~` as Key
      if (wide.through === null || middle < wide.through) {
        const rest = { ...wide, id: all.length + 1, after: middle }
        Object.assign(wide, { through: middle })
        runs.became({ ...wide, kind: 'copy' } as Packet)
        runs.became({ ...rest, kind: 'copy' } as Packet)
        all.push(rest)
      }
      const range = { after: keyOf(a % 3_000), through: keyOf((a % 3_000) + b) }
      const ids = [...runs.overlapping(range)]
      const overlaps = ({ after, through }: Placed) =>
        (through === null || through > range.after) && (after === null || after < range.through)
      for (const placed of all.filter(overlaps)) {
        expect(ids.some(({ first, end }) => placed.id >= first && placed.id < end)).toBe(true)
      }
      expect(ids.map(({ after }) => after ?? '')).toEqual(ids.map(({ after }) => after ?? '').sort())
    }),
    { numRuns: 150 },
  )
})

it('of a pass that one survey has cut, a page is a run or two, whatever its size', async () => {
  const all = Array.from(
    { length: 100_000 },
    (_, i): Placed => ({ id: i + 1, after: keyOf(i), through: keyOf(i + 1) }),
  )
  const runs = new PacketRuns(1)
  const packets = {
    *placed(first: number, end: number) {
      yield* all.slice(first - 1, end - 1)
    },
  }
  await runs.look(packets, () => all.length + 1)
  const found = [...runs.overlapping({ after: keyOf(50_000), through: keyOf(50_100) })]
  expect(found.reduce((sum, { first, end }) => sum + end - first, 0)).toBeLessThanOrEqual(1_000)
})
