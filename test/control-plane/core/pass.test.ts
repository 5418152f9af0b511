import { describe, expect, it } from 'vitest'
import { countEffect, countPacket, zeroCounters } from '../../../control-plane/core/counters.ts'
import { newPacket } from '../../../control-plane/core/packet.ts'
import { equalOptions, passEnd } from '../../../control-plane/core/pass.ts'
import { moveAlarm, nextAlarm } from '../../../control-plane/core/schedule.ts'
import { DrayError } from '../../../shared/error.ts'
import { defaultPassOptions } from '../../../shared/policy.ts'
import { everything } from '../../../shared/range.ts'

const copy = defaultPassOptions
const verify = { ...copy, kind: 'verify' as const }
const counters = (over: { packets?: object; objects?: object }) => {
  const all = zeroCounters()
  return {
    ...all,
    packets: { ...all.packets, ...over.packets },
    counts: { ...all.counts, objects: { ...all.counts.objects, ...over.objects } },
  }
}

describe('a pass', () => {
  it.each([
    ['goes on while a packet is ready', { packets: { ready: 1 } }, copy, null],
    ['goes on while a packet is leased', { packets: { leased: 1, parked: 1 } }, copy, null],
    ['is complete when nothing is left', { packets: { done: 5 } }, copy, 'complete'],
    ['is incomplete when a packet is parked', { packets: { parked: 1 } }, copy, 'incomplete'],
    ['is incomplete when an object failed', { objects: { failed: 1 } }, copy, 'incomplete'],
    ['is complete when an object vanished', { objects: { vanished: 1 } }, copy, 'complete'],
    ['does not mind what is only at the destination in a copy', { objects: { extra: 1 } }, copy, 'complete'],
    ['minds it in a verification', { objects: { extra: 1 } }, verify, 'incomplete'],
    ['does not mind it in a one-way one', { objects: { extra: 1 } }, { ...verify, oneWay: true }, 'complete'],
  ] as const)('%s', (_, over, options, end) => {
    expect(passEnd(counters(over), options)).toBe(end)
  })

  it('is gone on with only under equal options', () => {
    expect(equalOptions(copy, { ...copy })).toBe(true)
    expect(equalOptions(copy, { ...copy, delete: true })).toBe(false)
  })
})

describe('counters', () => {
  const error = new DrayError('throttled', 'LIST', 'slow down', { retry: 'later' }).toBody()

  it('keep the last error of a code for as long as a packet waits because of it', () => {
    const all = zeroCounters()
    const fresh = newPacket('copy', everything)
    const failed = { ...fresh, error: 'throttled' as const, failures: 1 }
    const parked = { ...failed, state: 'parked' as const }
    countPacket(all, null, fresh)
    countEffect(all, { is: 'error', error })
    countPacket(all, fresh, failed)
    expect(all.errors.throttled).toEqual({ error, packets: 1, parked: 0 })
    countEffect(all, { is: 'error', error })
    countPacket(all, failed, parked)
    expect(all.errors.throttled).toEqual({ error, packets: 1, parked: 1 })
    countPacket(all, parked, { ...fresh, state: 'done', counts: null, report: false })
    expect(all.errors).toEqual({})
  })

  it('sum up failures by their cause, with the latest message', () => {
    const all = zeroCounters()
    const failure = (message: string) => ({ key: 'k' as never, code: 'io' as const, message, bytes: 3 })
    countEffect(all, { is: 'fail', failures: [failure('a'), failure('b')] })
    expect(all.causes).toEqual({ io: { objects: 2, bytes: 6, message: 'b' } })
  })
})

describe('the next alarm', () => {
  const none = { seen: [], leaseMs: 15_000, retry: null, tell: null }

  it.each([
    ['none where nothing is due', none, null],
    ['the first lease that runs out', { ...none, seen: [9_000, 5_000] }, 20_000],
    ['the first retry', { ...none, seen: [9_000], retry: 7_000 }, 7_000],
    ['what must be told', { ...none, retry: 7_000, tell: 6_000 }, 6_000],
  ])('is %s', (_, reasons, at) => expect(nextAlarm(reasons)).toBe(at))

  it.each([
    ['is set where there is none', null, 5, 5],
    ['moves forward', 9, 5, 5],
    ['does not move back', 5, 9, null],
    ['is left alone where it is right', 5, 5, null],
    ['is left to fire where nothing is due', 5, null, null],
  ] as const)('%s', (_, set, wanted, moved) => expect(moveAlarm(set, wanted)).toBe(moved))
})
