import { describe, expect, it } from 'vitest'
import { countEffect, countPacket, zeroCounters } from '../../../control-plane/core/counters.ts'
import { newPacket, type Packet, type PacketEvent, step } from '../../../control-plane/core/packet.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import { DrayError } from '../../../shared/error.ts'
import { keyFromText } from '../../../shared/key.ts'
import { oneKey } from '../../../shared/range.ts'

const around = { now: 1_000, random: 0.5, work: 'copy' as const }
const range = (key: string) => oneKey(keyFromText(key))
const fresh = (over: object = {}): Packet =>
  ({ ...newPacket('event', range('k')), id: 7, told: 50, ...over }) as Packet
const leased = (over: object = {}) =>
  fresh({ state: 'leased', session: 3, since: 0, deletes: 0, generation: 2, ...over })
const by = { session: 3, generation: 2 }
const counts = (over: object = {}) => ({
  ...zeroCounts(),
  objects: { ...zeroCounts().objects, listed: 2, copied: 1, failed: 1, ...over },
})
const outcome = (over: object = {}): PacketEvent => ({
  ...{ t: 'outcome', ...by, through: keyFromText('k'), counts: counts(), failures: [], report: false },
  ...over,
})
const later = new DrayError('unreachable', 'HEAD', 'no route', { retry: 'later' }).toBody()
const never = new DrayError('access-denied', 'HEAD', 'no', { retry: 'never' }).toBody()

describe('an event packet', () => {
  it('is done by an outcome, of which nothing counts for its pass, and no failure is one', () => {
    const failures = [{ key: keyFromText('k'), code: 'io' as const, message: 'bad', bytes: 3 }]
    const { packet, effects } = step(leased(), outcome({ failures }), around)
    expect(packet).toMatchObject({ state: 'done', counts: null, report: false, generation: 2 })
    const counters = zeroCounters()
    for (const effect of effects) countEffect(counters, effect)
    countPacket(counters, leased(), packet)
    expect(counters).toEqual({
      ...zeroCounters(),
      events: { done: 1, objects: 1, left: 1, leftSince: 50 },
    })
  })

  it('is ready again for what its agent did not come to', () => {
    const { packet } = step(leased({ through: keyFromText('z') }), outcome(), around)
    expect(packet).toMatchObject({ state: 'ready', after: 'k', through: 'z', told: 50, generation: 2 })
    expect(step(packet, outcome(), around).refused?.code).toBe('stale')
  })

  it('is tried again a few times, and then left to the next pass', () => {
    expect(step(leased(), { t: 'failed', ...by, error: later }, around).packet.state).toBe('ready')
    for (const failed of [
      step(leased({ failures: 4 }), { t: 'failed', ...by, error: later }, around),
      step(leased(), { t: 'failed', ...by, error: never }, around),
    ]) {
      expect(failed.packet.state).toBe('done')
      expect(failed.effects).toEqual([{ is: 'miss', told: 50 }])
    }
  })

  it('stands for other keys once it is done, under the generations that follow', () => {
    const done = fresh({
      state: 'done',
      counts: null,
      report: false,
      generation: 2,
      error: 'io',
      failures: 5,
    })
    const { packet } = step(done, { t: 'tell', range: range('x'), told: 90 }, around)
    expect(packet).toMatchObject({ ...range('x'), state: 'ready', told: 90, failures: 0, error: null })
    // Of what it stood for before, which may be said once more.
    expect(step(packet, outcome(), around).refused?.code).toBe('stale')
    const again = step(packet, { t: 'lease', session: 3, deletes: 0 }, around).packet
    expect(again.generation).toBe(3)
    expect(step(again, outcome(), around).refused?.code).toBe('stale')
  })

  it('stands for more keys, or is stood for, while it waits; while it is at work it does not change', () => {
    const told: PacketEvent = {
      t: 'tell',
      range: { after: keyFromText('a'), through: keyFromText('k') },
      told: 9,
    }
    expect(step(fresh(), told, around).packet).toMatchObject({
      after: 'a',
      told: 9,
      work: { objects: 1_000 },
    })
    expect(step(fresh(), { t: 'fold' }, around).packet.state).toBe('done')
    expect(step(leased(), { t: 'fold' }, around).packet.state).toBe('leased')
    expect(step(leased(), told, around).refused?.code).toBe('invalid-request')
  })
})
