/** The life of a large object's packets: one that stands for its key, and those of its parts. */
import { describe, expect, it } from 'vitest'
import {
  covers,
  newPacket,
  type Packet,
  type PacketEvent,
  type PartWork,
  step,
} from '../../../control-plane/core/packet.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import { keyFromText } from '../../../shared/key.ts'

const key = keyFromText
const around = { now: 1_000_000, random: 0.5, work: 'copy' as const }
const by = { session: 3, generation: 2 }
const ranges: PartWork[] = [
  { parts: { first: 1, last: 4 }, bytes: 400 },
  { parts: { first: 5, last: 6 }, bytes: 150 },
]

const packet = (over: object = {}): Packet =>
  ({
    ...newPacket('copy', { after: key('b'), through: key('f') }, { objects: 5, bytes: 1_000 }),
    id: 7,
    generation: 2,
    ...over,
  }) as Packet
const leased = (over: object = {}) => packet({ state: 'leased', session: 3, since: 0, ...over })
const large = (over: object = {}) => leased({ through: key('c'), upload: 9, ...over })
const expanded = () => packet({ through: key('c'), upload: 9, state: 'expanded' })
const parts = (over: object = {}) =>
  leased({
    kind: 'parts',
    upload: 9,
    parts: { first: 1, last: 4 },
    work: { objects: 0, bytes: 400 },
    ...over,
  })

const expand = (over: object = {}): PacketEvent => ({
  t: 'expand',
  ...by,
  key: key('c'),
  bytes: 550,
  upload: 9,
  opened: null,
  ...over,
})
const opened: PacketEvent = { t: 'opened', ...by, ranges }
const gathered: PacketEvent = { t: 'parts', ...by, md5s: null }
const collapse: PacketEvent = { t: 'collapse', ...by }

describe('a packet that begins with a large object', () => {
  it('narrows to it, and what lies past it becomes a packet', () => {
    const { packet: after, effects } = step(leased(), expand(), around)
    expect(after).toMatchObject({
      kind: 'copy',
      state: 'ready',
      after: key('b'),
      through: key('c'),
      upload: 9,
      work: { objects: 1, bytes: 550 },
    })
    expect(effects).toMatchObject([
      {
        is: 'insert',
        packet: {
          kind: 'copy',
          state: 'ready',
          after: key('c'),
          through: key('f'),
          work: { objects: 4, bytes: 450 },
        },
      },
    ])
  })

  it('leaves nothing past it where it ends there', () => {
    expect(step(leased({ through: key('c') }), expand(), around).effects).toEqual([])
  })

  it('waits for its parts once its upload is there, and stands for its key all the time', () => {
    const { packet: after, effects } = step(large(), opened, around)
    expect(after).toMatchObject({ state: 'expanded', through: key('c'), upload: 9 })
    expect(covers(after)).toBe(true)
    expect(effects).toMatchObject([
      { is: 'insert', packet: { kind: 'parts', state: 'ready', upload: 9, parts: { first: 1, last: 4 } } },
      { is: 'insert', packet: { kind: 'parts', state: 'ready', upload: 9, parts: { first: 5, last: 6 } } },
    ])
    for (const effect of effects) expect(effect.is === 'insert' && covers(effect.packet)).toBe(false)
  })

  it('waits at once where an earlier pass has opened the upload', () => {
    const { packet: after, effects } = step(leased(), expand({ opened: ranges }), around)
    expect(after).toMatchObject({ state: 'expanded', upload: 9 })
    expect(effects.map((each) => each.is === 'insert' && each.packet.kind)).toEqual([
      'copy',
      'parts',
      'parts',
    ])
  })

  it('is ready when they are there, and its outcome is the object’s', () => {
    const { packet: ready } = step(expanded(), { t: 'gathered' }, around)
    expect(ready).toMatchObject({ state: 'ready', upload: 9 })
    const again = step(ready, { t: 'lease', session: 4, deletes: 0 }, around).packet
    const counts = zeroCounts()
    counts.objects.listed = counts.objects.copied = 1
    const outcome = { t: 'outcome', session: 4, generation: 3, through: key('c'), counts } as const
    const { packet: done, effects } = step(again, { ...outcome, failures: [], report: false }, around)
    expect(done.state).toBe('done')
    expect(effects).toEqual([
      { is: 'count', counts },
      { is: 'forget', upload: 9 },
    ])
  })

  it('keeps its upload for the next pass where the object failed', () => {
    const counts = zeroCounts()
    counts.objects.listed = counts.objects.failed = 1
    const outcome = { t: 'outcome', ...by, through: key('c'), counts, failures: [], report: false } as const
    expect(step(large(), outcome, around).effects.map(({ is }) => is)).toEqual(['count'])
  })

  it('goes back to what it was when its upload is of no use', () => {
    const { packet: after, effects } = step(large(), collapse, around)
    expect(after).toMatchObject({ state: 'ready', upload: null, through: key('c') })
    expect(effects).toEqual([{ is: 'dissolve', upload: 9 }])
    expect(step(expanded(), { t: 'dissolve' }, around).packet).toMatchObject({ state: 'ready', upload: null })
  })

  it.each([
    ['expand of another generation', leased(), expand({ generation: 1 }), 'stale'],
    ['expand of a lease that ran out', packet(), expand(), 'stale'],
    ['expand of a key that it does not have', leased(), expand({ key: key('g') }), 'invalid-request'],
    ['second expand', large(), expand(), 'invalid-request'],
    ['expand of parts', parts({ upload: null }), expand(), 'invalid-request'],
    ['opened of a packet that was not expanded', leased(), opened, 'invalid-request'],
    ['opened of a lease that ran out', packet({ upload: 9, through: key('c') }), opened, 'stale'],
    ['collapse of a packet without an upload', leased(), collapse, 'invalid-request'],
    ['parts of a copy packet', large(), gathered, 'invalid-request'],
    [
      'outcome of parts',
      parts(),
      { t: 'outcome', ...by, through: key('f'), counts: zeroCounts(), failures: [], report: false },
      'invalid-request',
    ],
  ] as [string, Packet, PacketEvent, string][])('refuses the %s', (_, before, event, code) => {
    const stepped = step(before, event, around)
    expect(stepped.refused?.code).toBe(code)
    expect(stepped.packet).toBe(before)
  })

  it.each([
    ['expand', packet({ through: key('c'), upload: 9 }), expand()],
    ['expand, opened since', expanded(), expand()],
    ['opened', expanded(), opened],
    ['parts', packet({ kind: 'parts', upload: 9, state: 'done', counts: null, report: false }), gathered],
    [
      'collapse of parts',
      packet({ kind: 'parts', upload: 9, state: 'done', counts: null, report: false }),
      collapse,
    ],
  ] as [string, Packet, PacketEvent][])(
    'takes a replayed %s as done, without a change',
    (_, before, event) => {
      const stepped = step(before, event, around)
      expect(stepped).toEqual({ packet: before, effects: [], refused: null })
    },
  )
})

describe('a packet of parts', () => {
  it('is done when they are there, with what was hashed', () => {
    const { packet: after, effects } = step(parts(), { ...gathered, md5s: 'ab' } as PacketEvent, around)
    expect(after).toMatchObject({ state: 'done', counts: null, md5s: 'ab' })
    expect(effects).toEqual([{ is: 'gather', upload: 9, bytes: 400 }])
  })

  it('that finds the upload useless says so to all of them', () => {
    const { packet: after, effects } = step(parts(), collapse, around)
    expect(after).toMatchObject({ state: 'done', generation: 2 })
    expect(effects).toEqual([{ is: 'dissolve', upload: 9 }])
  })

  it.each(['ready', 'leased', 'parked'] as const)('that is %s is over when its upload dissolves', (state) => {
    const before = parts(state === 'ready' ? { state, notBefore: 0 } : { state })
    const { packet: after, effects } = step(before, { t: 'dissolve' }, around)
    expect(after).toMatchObject({ state: 'done', counts: null })
    // Whoever holds it is told that it does not.
    expect(after.generation).toBe(state === 'leased' ? 3 : 2)
    expect(effects).toEqual([])
  })
})
