/** What becomes of seals: they stay with the ranges that they are of, and sum up. */
import { describe, expect, it } from 'vitest'
import { countEffect, zeroCounters } from '../../../control-plane/core/counters.ts'
import {
  newPacket,
  type Packet,
  type PacketEvent,
  type Stepped,
  step,
} from '../../../control-plane/core/packet.ts'
import { type Counts, zeroCounts } from '../../../shared/counts.ts'
import type { Key } from '../../../shared/key.ts'
import type { Seal } from '../../../shared/ledger.ts'
import { everything } from '../../../shared/range.ts'

const around = { now: 1, random: 0.5, work: 'verify' as const }
const digest = (n: number) => n.toString(16).padStart(64, '0')
const sealOf = (n: number): Seal => ({
  ...{ source: digest(n), destination: digest(n) },
  sums: { source: digest(n), destination: digest(2 * n) },
  signature: 'A'.repeat(86),
})
const same = (n: number): Counts => {
  const counts = zeroCounts()
  counts.objects.listed = counts.objects.same = n
  return counts
}
const leased = (kind: 'survey' | 'verify' | 'copy') =>
  ({
    ...newPacket(kind, everything),
    ...{ id: 1, state: 'leased', session: 3, since: 0, generation: 1, deletes: 0 },
  }) as Packet

const settled = (through: string | null, n: number, seal?: Seal) => ({
  ...{ through: through as Key | null, work: { objects: 0, bytes: 0 }, settled: same(n) },
  ...(seal && { seal }),
})
const cutAt = (cuts: ReturnType<typeof settled>[], work: 'copy' | 'verify' = 'verify') =>
  step(leased('survey'), { t: 'cut', session: 3, generation: 1, from: null, cuts }, { ...around, work })

const inserted = ({ effects }: Stepped) =>
  effects.flatMap((effect) => (effect.is === 'insert' ? [effect.packet] : []))
function sumsOf({ effects }: Stepped) {
  const counters = zeroCounters()
  for (const effect of effects) countEffect(counters, effect)
  return counters.seals
}

describe('a survey of a verification', () => {
  it('keeps each sealed piece for itself, with who sealed it', () => {
    const stepped = cutAt([
      settled('b', 1, sealOf(1)),
      settled('d', 2, sealOf(2)),
      settled(null, 3, sealOf(3)),
    ])
    expect(inserted(stepped)).toMatchObject([
      { after: null, through: 'b', counts: same(1), seal: { ...sealOf(1), session: 3 } },
      { after: 'b', through: 'd', counts: same(2), seal: { ...sealOf(2), session: 3 } },
      { after: 'd', through: null, counts: same(3), seal: { ...sealOf(3), session: 3 } },
    ])
    expect(sumsOf(stepped)).toEqual({ source: digest(6), destination: digest(12), missing: 0 })
  })

  it('joins those of an agent that seals nothing, and says so', () => {
    const stepped = cutAt([settled('b', 1), settled('d', 2), settled(null, 3, sealOf(3))])
    expect(inserted(stepped).map(({ through }) => through)).toEqual(['d', null])
    expect(sumsOf(stepped)).toMatchObject({ source: digest(3), missing: 1 })
  })
})

it('a copy has no seals, whoever sends some', () => {
  const stepped = cutAt([settled('b', 1, sealOf(1)), settled(null, 2, sealOf(2))], 'copy')
  expect(inserted(stepped)).toHaveLength(1)
  expect(inserted(stepped)[0]).not.toHaveProperty('seal')
  expect(sumsOf(stepped)).toBeUndefined()
})

it('an outcome that ends earlier is sealed as far as it goes; its replay counts nothing twice', () => {
  const outcome: PacketEvent = {
    t: 'outcome',
    ...{ session: 3, generation: 1, through: 'k' as Key, counts: same(4) },
    ...{ failures: [], report: false, seal: sealOf(4) },
  }
  const stepped = step(leased('verify'), outcome, around)
  expect(stepped.packet).toMatchObject({ state: 'done', through: 'k', seal: { ...sealOf(4), session: 3 } })
  expect(inserted(stepped)).toMatchObject([{ kind: 'verify', after: 'k', through: null, state: 'ready' }])
  expect(sumsOf(stepped)).toEqual({ source: digest(4), destination: digest(8), missing: 0 })
  const again = step(stepped.packet, outcome, around)
  expect([again.packet, again.effects, again.refused]).toEqual([stepped.packet, [], null])
})
