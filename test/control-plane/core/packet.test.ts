import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countEffect, countPacket, zeroCounters } from '../../../control-plane/core/counters.ts'
import {
  covers,
  type Effect,
  newPacket,
  type Packet,
  type PacketEvent,
  type PacketState,
  type Stepped,
  step,
} from '../../../control-plane/core/packet.ts'
import { maxFailures } from '../../../control-plane/core/retry-pause.ts'
import { type Counts, zeroCounts } from '../../../shared/counts.ts'
import { DrayError } from '../../../shared/error.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { compareRanges, contains, everything, type Range, tiles } from '../../../shared/range.ts'

const key = (text: string) => keyFromText(text)
const around = { now: 1_000_000, random: 0.5, work: 'copy' as const }
const later = new DrayError('unreachable', 'LIST', 'no route', { retry: 'later' }).toBody()
const never = new DrayError('access-denied', 'LIST', 'no', { retry: 'never' }).toBody()

const same = (n: number): Counts => {
  const counts = zeroCounts()
  counts.objects.listed = n
  counts.objects.same = n
  return counts
}

type Over = Partial<Packet> & Partial<PacketState>
const packet = (over: Over = {}): Packet =>
  ({ ...newPacket('copy', { after: key('b'), through: key('f') }), id: 7, ...over }) as Packet
const leased = (over: Over = {}) => packet({ state: 'leased', session: 3, since: 0, generation: 2, ...over })
const survey = (over: Over = {}) => leased({ kind: 'survey', ...over })
const done = (over: Over = {}) =>
  packet({ state: 'done', counts: same(1), report: false, generation: 2, ...over })
const parked = (over: Over = {}) => packet({ state: 'parked', generation: 2, ...over })

const by = { session: 3, generation: 2 }
const outcome = (over: object = {}): PacketEvent => ({
  t: 'outcome',
  ...by,
  through: key('f'),
  counts: same(4),
  failures: [],
  report: true,
  ...over,
})
const cut = (from: string | null, ends: (string | null)[], over: object = {}): PacketEvent => ({
  t: 'cut',
  ...by,
  from: from === null ? null : key(from),
  cuts: ends.map((end) => ({
    through: end === null ? null : key(end),
    work: { objects: 1, bytes: 10 },
    settled: null,
  })),
  ...over,
})

function expectUnchanged(before: Packet, stepped: Stepped) {
  expect(stepped.packet).toBe(before)
  expect(stepped.effects).toEqual([])
}

describe('a packet', () => {
  it('is leased once, with the next generation', () => {
    const first = step(packet({ generation: 4 }), { t: 'lease', session: 9, deletes: 0 }, around).packet
    expect(first).toMatchObject({ state: 'leased', session: 9, generation: 5, since: around.now })
    const second = step(first, { t: 'lease', session: 8, deletes: 0 }, around)
    expect(second.refused?.code).toBe('stale')
    expectUnchanged(first, second)
  })

  it('is done by an outcome, with its counts and its failures', () => {
    const failures = [{ key: key('c'), code: 'io' as const, message: 'bad', bytes: 3 }]
    const { packet: after, effects } = step(leased(), outcome({ failures }), around)
    expect(after).toMatchObject({ state: 'done', counts: same(4), report: true, generation: 2 })
    expect(effects).toEqual([
      { is: 'count', counts: same(4) },
      { is: 'fail', failures },
    ])
  })

  it('hands back the rest of its range, for the agent that remembers the listing', () => {
    const before = leased({ prefer: 3, work: { objects: 10, bytes: 5 } })
    const { packet: after, effects } = step(before, outcome({ through: key('d') }), around)
    expect(after).toMatchObject({ after: key('b'), through: key('d'), state: 'done' })
    expect(effects[1]).toMatchObject({
      is: 'insert',
      packet: {
        kind: 'copy',
        after: key('d'),
        through: key('f'),
        state: 'ready',
        prefer: 3,
        work: { objects: 6, bytes: 5 },
      },
    })
  })

  it.each([
    ['an older generation', leased(), outcome({ generation: 1 }), 'stale'],
    ['another session', leased(), outcome({ session: 4 }), 'stale'],
    ['a lease that expired', packet({ generation: 2 }), outcome(), 'stale'],
    ['a parked packet', parked(), outcome(), 'stale'],
    ['a newer lease', leased({ generation: 3 }), outcome(), 'stale'],
    [
      'counts that do not add up',
      leased(),
      outcome({ counts: { ...same(4), objects: { ...same(4).objects, copied: 1 } } }),
      'invalid-request',
    ],
    ['an end before its range', leased(), outcome({ through: key('b') }), 'invalid-request'],
    ['an end past its range', leased(), outcome({ through: key('g') }), 'invalid-request'],
    ['an open end', leased(), outcome({ through: null }), 'invalid-request'],
    ['a survey', survey(), outcome(), 'invalid-request'],
  ] as const)('refuses an outcome of %s', (_, before, event, code) => {
    const stepped = step(before, event, around)
    expect(stepped.refused?.code).toBe(code)
    expectUnchanged(before, stepped)
  })

  it.each([
    ['outcome', done(), outcome()],
    ['outcome of another session', done(), outcome({ session: 9 })],
    ['cut of a finished survey', done({ kind: 'survey' }), cut('b', ['f'])],
    ['cut that was applied', survey({ after: key('d') }), cut('b', ['d'])],
    ['cut from the very start', survey({ after: key('d') }), cut(null, ['d'])],
    ['split', survey({ through: key('d') }), { t: 'split', ...by, at: key('d') }],
    ['split, after a lower one', survey({ through: key('c') }), { t: 'split', ...by, at: key('d') }],
    [
      'failure',
      packet({ generation: 2, failures: 1, error: 'io', notBefore: 9 }),
      { t: 'failed', ...by, error: later },
    ],
    ['failure that parked it', parked(), { t: 'failed', ...by, error: later }],
    ['release', packet({ generation: 2 }), { t: 'release', ...by }],
    ['release of what is done', done(), { t: 'release', ...by }],
  ] as [string, Packet, PacketEvent][])(
    'takes a replayed %s as done, without a change',
    (_, before, event) => {
      const stepped = step(before, event, around)
      expect(stepped.refused).toBeNull()
      expectUnchanged(before, stepped)
    },
  )

  it.each(['release', 'expire', 'supersede'] as const)(
    'is ready at once after %s, and no attempt failed',
    (t) => {
      const { packet: after } = step(leased({ failures: 2 }), { t, ...by } as PacketEvent, around)
      expect(after).toMatchObject({ state: 'ready', notBefore: 0, failures: 2, generation: 2 })
      expect(after).not.toHaveProperty('session')
    },
  )

  it('waits longer after each failed attempt, and is parked after the last', () => {
    let now: Packet = packet()
    const waits: number[] = []
    for (let i = 0; i < maxFailures(later.code); i++) {
      now = step(now, { t: 'lease', session: 3, deletes: 0 }, around).packet
      now = step(now, { t: 'failed', session: 3, generation: now.generation, error: later }, around).packet
      if (now.state === 'ready') waits.push(now.notBefore - around.now)
    }
    expect(waits).toEqual([1_500, 2_500, 4_500, 8_500])
    expect(now).toMatchObject({ state: 'parked', error: 'unreachable' })
  })

  it('is parked at once by an error that never goes away', () => {
    const { packet: after, effects } = step(leased(), { t: 'failed', ...by, error: never }, around)
    expect(after).toMatchObject({ state: 'parked', error: 'access-denied', failures: 1 })
    expect(effects).toEqual([{ is: 'error', error: never }])
  })
})

describe('a survey', () => {
  it('moves its own start up and inserts what it cut off, in one step', () => {
    const { packet: after, effects } = step(
      survey({ failures: 3, error: 'io' }),
      cut('b', ['c', 'd']),
      around,
    )
    expect(after).toMatchObject({
      state: 'leased',
      after: key('d'),
      through: key('f'),
      failures: 0,
      error: null,
    })
    expect(effects).toMatchObject([
      {
        is: 'insert',
        packet: { kind: 'copy', after: key('b'), through: key('c'), state: 'ready', prefer: 3 },
      },
      { is: 'expect', work: { objects: 1, bytes: 10 } },
      { is: 'insert', packet: { after: key('c'), through: key('d') } },
      { is: 'expect' },
    ])
  })

  it('is done when a cut reaches its end', () => {
    expect(step(survey(), cut('b', ['c', 'f']), around).packet.state).toBe('done')
    const open = survey({ after: null, through: null })
    expect(step(open, cut(null, [null]), around).packet).toMatchObject({
      state: 'done',
      after: null,
      through: null,
    })
  })

  it('joins a run of settled pieces into one row', () => {
    const settled = (end: string, n: number) => ({
      through: key(end),
      work: { objects: 0, bytes: 0 },
      settled: same(n),
    })
    const cuts = [settled('c', 2), settled('d', 3), { ...settled('e', 0), settled: null }, settled('f', 5)]
    const { effects } = step(survey(), cut('b', [], { cuts }), around)
    expect(effects).toMatchObject([
      { is: 'insert', packet: { state: 'done', after: key('b'), through: key('d'), counts: same(5) } },
      { is: 'settle' },
      { is: 'count', counts: same(5) },
      { is: 'insert', packet: { state: 'ready', after: key('d'), through: key('e') } },
      { is: 'expect' },
      { is: 'insert', packet: { state: 'done', after: key('e'), through: key('f'), counts: same(5) } },
      { is: 'settle' },
      { is: 'count', counts: same(5) },
    ])
  })

  it.each([
    ['that begins past its start', cut('c', ['d'])],
    ['that falls', cut('b', ['d', 'c'])],
    ['that stands still', cut('b', ['c', 'c'])],
    ['that leaves its range', cut('b', ['g'])],
    ['that goes on past its end', cut('b', ['f', 'g'])],
    ['with an open end that it does not have', cut('b', [null])],
    ['of no piece', cut('b', [])],
  ])('refuses a cut %s', (_, event) => {
    const before = survey()
    const stepped = step(before, event, around)
    expect(stepped.refused?.code).toBe('invalid-request')
    expectUnchanged(before, stepped)
  })

  it('gives away the upper part of its range as a survey of its own', () => {
    const { packet: after, effects } = step(survey(), { t: 'split', ...by, at: key('d') }, around)
    expect(after).toMatchObject({ after: key('b'), through: key('d'), state: 'leased' })
    expect(effects).toMatchObject([
      { is: 'insert', packet: { kind: 'survey', after: key('d'), through: key('f'), state: 'ready' } },
    ])
  })

  it('refuses a split before what is left of it', () => {
    expect(step(survey(), { t: 'split', ...by, at: key('b') }, around).refused?.code).toBe('invalid-request')
  })
})

/**
 * Any order of events, of messages sent again, and of messages of leases long gone, on a key space of one-letter keys.
 * Each outcome and each settled piece counts the letters of its range, so what is counted can be told from what is done.
 */
describe('a pass of packets', () => {
  const letters = [...'abcdefghijklmnopqrstuvwxyz'].map(key)
  const lettersIn = (range: Range) => letters.filter((letter) => contains(range, letter))
  const usual = ['cut', 'split', 'outcome', 'failed', 'release', 'expire', 'replay', 'collapse'] as const
  const often = ['lease', 'expand', 'opened', 'parts'] as const
  const actions = [...usual, ...often, ...often, ...often] as const
  const action = fc.record({
    t: fc.constantFrom(...actions),
    which: fc.nat(1_000),
    points: fc.array(fc.nat(25), { minLength: 1, maxLength: 4 }),
    flag: fc.boolean(),
    session: fc.integer({ min: 1, max: 3 }),
  })
  type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

  /** Whether it makes sense to say this of a lease. */
  const isApt = (t: Action['t'], { kind, upload }: Packet): boolean => {
    if (t === 'cut' || t === 'split') return kind === 'survey'
    if (t === 'expand') return kind === 'copy' && upload === null
    if (t === 'opened') return kind === 'copy' && upload !== null
    if (t === 'parts') return kind === 'parts'
    return t === 'collapse' ? upload !== null : true
  }

  class Model {
    packets: Packet[] = [{ ...newPacket('survey', everything), id: 1 } as Packet]
    sent: { id: number; event: PacketEvent }[] = []
    /** By upload: the packet that was expanded, and its parts. */
    uploads = new Map<number, { parent: number; children: number[] }>()
    counters = zeroCounters()
    constructor() {
      countPacket(this.counters, null, this.packets[0]!)
    }

    apply(id: number, event: PacketEvent) {
      const before = this.packets.find((p) => p.id === id)!
      const stepped = step(before, event, around)
      if (stepped.refused || stepped.packet === before) {
        expect(stepped.effects).toEqual([])
        return
      }
      if (event.t === 'expand') this.uploads.set(event.upload, { parent: id, children: [] })
      for (const effect of stepped.effects) {
        countEffect(this.counters, effect)
        if (effect.is !== 'insert') continue
        const inserted = { ...effect.packet, id: this.packets.length + 1 } as Packet
        this.packets.push(inserted)
        if (inserted.kind === 'parts') this.uploads.get(inserted.upload!)!.children.push(inserted.id)
      }
      countPacket(this.counters, before, stepped.packet)
      this.packets = this.packets.map((p) => (p.id === id ? stepped.packet : p))
      this.follow(stepped.effects)
    }

    follow(effects: readonly Effect[]) {
      for (const effect of effects) {
        if (effect.is !== 'gather' && effect.is !== 'dissolve' && effect.is !== 'forget') continue
        const upload = this.uploads.get(effect.upload)
        if (!upload) continue
        const { parent, children } = upload
        const isMissing = this.packets.some((p) => children.includes(p.id) && p.state !== 'done')
        if (effect.is === 'gather') {
          if (!isMissing) this.apply(parent, { t: 'gathered' })
          continue
        }
        this.uploads.delete(effect.upload)
        if (effect.is === 'dissolve')
          for (const each of [...children, parent]) this.apply(each, { t: 'dissolve' })
      }
    }

    send(id: number, event: PacketEvent) {
      this.sent.push({ id, event })
      this.apply(id, event)
    }

    act({ t, which, points, flag, session }: Action) {
      const all = this.packets
      const ready = all.filter((p) => p.state === 'ready')
      const some = t === 'lease' && ready.length > 0 ? ready[which % ready.length]! : all[which % all.length]!
      const leases = all.filter((p) => p.state === 'leased')
      // Mostly those that may be sent such a message; any, where there are none.
      const apt = leases.filter((p) => isApt(t, p))
      const held = apt.length > 0 && which % 8 > 0 ? apt : leases
      const lease = held[which % Math.max(1, held.length)]
      const { id } = lease ?? some
      const holder = lease?.state === 'leased' ? lease.session : session
      const fence = { session: holder, generation: (lease ?? some).generation }
      const range = lease ?? some
      const ends = [...new Set(points)].sort((a, b) => a - b).map((i) => letters[i]!)
      switch (t) {
        case 'lease':
          return this.apply(some.id, { t, session, deletes: 0 })
        case 'expire':
          return this.apply(id, { t: flag ? 'expire' : 'supersede' })
        case 'replay': {
          const message = this.sent[which % Math.max(1, this.sent.length)]
          return message && this.apply(message.id, message.event)
        }
        case 'failed':
          return this.send(id, { t, ...fence, error: flag && which % 20 === 0 ? never : later })
        case 'release':
          return this.send(id, { t, ...fence })
        case 'split':
          return this.send(id, { t, ...fence, at: ends[0]! })
        case 'expand': {
          const name = lettersIn(range)[0]
          const ranges = points.map((first) => ({ parts: { first, last: first }, bytes: 1 }))
          const expand = { t, ...fence, bytes: 9, upload: this.sent.length + 1, opened: flag ? ranges : null }
          return name && this.send(id, { ...expand, key: name })
        }
        case 'opened':
          return this.send(id, {
            t,
            ...fence,
            ranges: points.map((first) => ({ parts: { first, last: first }, bytes: 1 })),
          })
        case 'parts':
          return this.send(id, { t, ...fence, md5s: null })
        case 'collapse':
          return this.send(id, { t, ...fence })
        case 'outcome': {
          const through = flag ? range.through : (lettersIn(range)[0] ?? range.through)
          const counts = same(lettersIn({ after: range.after, through }).length)
          return this.send(id, { t, ...fence, through, counts, failures: [], report: false })
        }
        case 'cut': {
          const inside = ends.filter((end) => contains(range, end))
          const bounds: (Key | null)[] = flag
            ? [...inside.filter((e) => e !== range.through), range.through]
            : inside
          let after = range.after
          const cuts = bounds.map((through, i) => {
            const n = lettersIn({ after, through }).length
            after = through
            const settled = (which + i) % 3 === 0 ? same(n) : null
            return { through, work: { objects: n, bytes: 0 }, settled }
          })
          return this.send(id, { t, ...fence, from: range.after, cuts })
        }
        default:
          return t satisfies never
      }
    }

    check() {
      const ranges = this.packets.filter(covers).sort(compareRanges)
      expect(tiles(ranges, everything)).toBe(true)
      for (const packet of this.packets) {
        if (packet.state !== 'expanded') continue
        const { parent, children } = this.uploads.get(packet.upload!)!
        expect(parent).toBe(packet.id)
        expect(this.packets.some((p) => children.includes(p.id) && p.state !== 'done')).toBe(true)
      }
      const doneLetters = ranges.flatMap((p) => (p.state === 'done' ? lettersIn(p) : []))
      const { counts, packets, surveys, errors } = this.counters
      expect(counts.objects.listed).toBe(doneLetters.length)
      for (const state of ['ready', 'leased', 'done', 'parked'] as const) {
        expect(packets[state]).toBe(this.packets.filter((p) => p.state === state).length)
      }
      expect(surveys).toBe(this.packets.filter((p) => p.kind === 'survey' && p.state !== 'done').length)
      const waiting = Object.values(errors)
      expect(waiting.reduce((n, e) => n + e.packets, 0)).toBe(
        this.packets.filter((p) => p.error !== null).length,
      )
      expect(waiting.reduce((n, e) => n + e.parked, 0)).toBe(packets.parked)
    }
  }

  it('tiles the key space and counts each key once, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 40, maxLength: 100, size: 'max' }), (steps) => {
        const model = new Model()
        for (const one of steps) {
          model.act(one)
          model.check()
        }
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  it('comes to an end with every key counted, after any beginning', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 60, size: 'max' }), (steps) => {
        const model = new Model()
        for (const one of steps) model.act(one)
        for (let rounds = 0; rounds < 500; rounds++) {
          const next = model.packets.find((p) => p.state === 'ready' || p.state === 'leased')
          if (!next) break
          if (next.state === 'ready') model.apply(next.id, { t: 'lease', session: 1, deletes: 0 })
          const { id, kind } = next
          model.act({
            t: kind === 'survey' ? 'cut' : kind === 'parts' ? 'parts' : 'outcome',
            which: model.packets.filter((p) => p.state === 'leased').findIndex((p) => p.id === id),
            points: [rounds % 26],
            flag: true,
            session: 1,
          })
        }
        model.check()
        const parked = model.packets.filter((p) => p.state === 'parked' || p.state === 'expanded')
        const parkedLetters = parked.filter(covers).flatMap(lettersIn)
        expect(model.counters.packets.ready + model.counters.packets.leased).toBe(0)
        expect(model.counters.counts.objects.listed + parkedLetters.length).toBe(26)
      }),
      { numRuns: 100, seed: 3 },
    )
  })
})
