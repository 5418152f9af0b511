import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BaselineRow } from '../../agent/baseline/baseline.ts'
import { decide, namesOf } from '../../agent/core/decide.ts'
import { conflictMessage, threeWay } from '../../agent/core/three-way.ts'
import type { Entry } from '../../agent/storage/storage.ts'
import type { Key } from '../../shared/key.ts'
import { defaultPassOptions, type PassOptions } from '../../shared/policy.ts'

fc.configureGlobal({ seed: 6 })

const key = 'key' as Key
const second = 1_000_000
const md5 = (n: number) => n.toString(16).padStart(32, '0')
const entry = (content: number, at: number): Entry => ({
  key,
  kind: 'object',
  size: 10,
  mtime: at * second,
  token: md5(content),
})
const row = (content: number, leadingAt: number, followingAt: number | null): BaselineRow => ({
  key,
  source: { token: md5(content), size: 10, mtime: leadingAt * second },
  destination: { token: md5(content), size: 10, mtime: followingAt === null ? null : followingAt * second },
  evidence: 'etag',
})
const options = (more: Partial<PassOptions> = {}): PassOptions => ({
  ...defaultPassOptions,
  conflicts: 'park',
  remember: 'all',
  ...more,
})
const sight = (more: Partial<PassOptions> = {}) =>
  ({ options: options(more), source: 'md5', destination: 'md5' }) as const

describe('three ways', () => {
  const known = row(1, 100, 200)
  const leading = { unchanged: entry(1, 100), changed: entry(2, 300), nothing: null }
  const following = { unchanged: entry(1, 200), changed: entry(3, 310), nothing: null }

  it.each([
    ['unchanged', 'unchanged', 'usual', 'same'],
    ['unchanged', 'changed', 'equal-or-conflict', 'conflict'],
    ['unchanged', 'nothing', 'conflict', 'conflict'],
    ['changed', 'unchanged', 'usual', 'differs'],
    ['changed', 'changed', 'equal-or-conflict', 'conflict'],
    ['changed', 'nothing', 'conflict', 'conflict'],
    ['nothing', 'unchanged', 'usual', 'destination-only'],
    ['nothing', 'changed', 'conflict', 'conflict'],
  ] as const)('with a row: L %s, F %s: %s', (l, f, expected, decision) => {
    const three = { leading: leading[l], following: following[f], row: known, tokens: 'md5' } as const
    expect(threeWay(three)).toBe(expected)
    const pair = { key, source: leading[l], destination: following[f] }
    expect(decide(pair, known, sight({ delete: true })).is).toBe(decision)
    // What is deleted is the policy's to say; what is a conflict is not.
    const kept = decision === 'destination-only' ? 'left' : decision
    expect(decide(pair, known, sight({ delete: false })).is).toBe(kept)
  })

  it('with a row and nothing on either side: the row goes', () => {
    expect(threeWay({ leading: null, following: null, row: known, tokens: 'md5' })).toBe('nothing')
  })

  it.each([
    [entry(2, 300), entry(3, 310), 'equal-or-conflict', 'conflict'],
    [entry(2, 300), entry(2, 310), 'equal-or-conflict', 'same'],
    [entry(2, 300), null, 'usual', 'source-only'],
    [null, entry(3, 310), 'conflict', 'conflict'],
  ] as const)('without a row: %j, %j: %s', (l, f, expected, decision) => {
    expect(threeWay({ leading: l, following: f, row: null, tokens: 'md5' })).toBe(expected)
    expect(decide({ key, source: l, destination: f }, null, sight({ delete: true })).is).toBe(decision)
  })

  it('both were written, and are equal: they are the same', () => {
    const pair = { key, source: entry(2, 300), destination: entry(2, 310) }
    expect(decide(pair, known, sight())).toMatchObject({ is: 'same', evidence: 'etag' })
  })

  it('the same bytes, written again at the side that follows, are a write', () => {
    const pair = { key, source: entry(2, 300), destination: entry(1, 310) }
    expect(decide(pair, known, sight())).toMatchObject({ is: 'conflict' })
    // But nobody minds while the other side is what it was.
    expect(decide({ ...pair, source: entry(1, 100) }, known, sight()).is).toBe('same')
    // A HEAD says whole seconds where a listing may say more; and where nobody knows the time, the content is all there is.
    const finer = { ...entry(1, 200), mtime: 200 * second + 500_000 }
    expect(decide({ ...pair, destination: finer }, known, sight()).is).toBe('differs')
    expect(decide({ ...pair, destination: entry(1, 310) }, row(1, 100, null), sight()).is).toBe('differs')
  })

  it('what cannot be told by listing is proved, or a conflict', () => {
    const parts = (content: number, at: number) => ({ ...entry(content, at), token: `${md5(content)}-2` })
    const pair = { key, source: parts(2, 300), destination: parts(3, 310) }
    expect(decide(pair, null, sight())).toMatchObject({ is: 'unknown', conflict: expect.any(String) })
    const shorter = { ...pair, destination: { ...parts(3, 310), size: 9 } }
    expect(decide(shorter, null, sight())).toMatchObject({ is: 'conflict' })
  })

  it('times are no proof of what somebody else has written', () => {
    const files = { ...sight({ compare: 'mtime' }), source: 'none', destination: 'none' } as const
    const [a, b] = [
      { ...entry(1, 100), token: '1-1' },
      { ...entry(2, 100), token: '2-2' },
    ]
    expect(decide({ key, source: a, destination: b }, null, files)).toMatchObject({
      is: 'unknown',
      conflict: expect.any(String),
    })
  })

  it('what is no object at the side that follows is neither written over nor deleted', () => {
    const link: Entry = { ...entry(1, 200), kind: 'symlink' }
    expect(decide({ key, source: entry(1, 100), destination: link }, known, sight()).is).toBe('conflict')
    expect(decide({ key, source: null, destination: link }, known, sight({ delete: true })).is).toBe('left')
  })

  it('a verification has no conflicts, and a pass that overwrites has none', () => {
    const pair = { key, source: entry(1, 100), destination: entry(3, 310) }
    expect(decide(pair, null, sight({ kind: 'verify', depth: 'listing' })).is).toBe('differs')
    expect(decide(pair, known, sight({ conflicts: 'overwrite' })).is).toBe('differs')
  })

  it('a conflict says what is where, in the words of the definition, and fits into a failure', () => {
    const three = { leading: entry(1, 100), following: entry(3, 310), row: known }
    expect(conflictMessage(three, namesOf(options({ direction: 'back' })))).toBe(
      'It was written at the source, not by Dray, since both sides were equal (10 bytes, as of 1970-01-01T00:03:20Z): ' +
        'the source has 10 bytes of 1970-01-01T00:05:10Z; the destination has 10 bytes of 1970-01-01T00:01:40Z. Neither was touched.',
    )
    expect(conflictMessage({ ...three, leading: null, row: null }, namesOf(options()))).toBe(
      'It is at the destination alone, and Dray has not put it there: the destination has 10 bytes of 1970-01-01T00:05:10Z. ' +
        'It was not deleted.',
    )
    expect(conflictMessage({ ...three, following: null }, namesOf(options()))).toMatch(
      /^It was deleted at the destination/,
    )
    const huge = { ...entry(1, 9e9), size: Number.MAX_SAFE_INTEGER }
    for (const [l, f] of [
      [huge, huge],
      [null, huge],
      [huge, null],
    ] as const)
      for (const known of [
        null,
        { ...row(1, 9e9, 9e9), destination: { token: '', size: 2 ** 53, mtime: 9e15 } },
      ])
        expect(
          conflictMessage({ leading: l, following: f, row: known }, namesOf(options())).length,
        ).toBeLessThan(400)
  })
})

describe('a history of writes on both sides', () => {
  const steps = ['lead', 'lead-delete', 'follow', 'follow-same', 'follow-delete', 'pass', 'lose-row'] as const
  type Step = (typeof steps)[number]
  const step = fc.constantFrom<Step>(...steps)

  /** One key, two stores, and a pass as the agent does it: by the decision alone. */
  function world() {
    let clock = 0
    let content = 0
    const state = { l: null as Entry | null, f: null as Entry | null, row: null as BaselineRow | null }
    /** What stands at F that Dray did not put there and has not found equal. */
    let foreign = false
    const lost: string[] = []
    function pass(deletes: boolean): string {
      clock++
      if (!state.l && !state.f) {
        state.row = null
        return 'nothing'
      }
      const decision = decide(
        { key, source: state.l, destination: state.f },
        state.row,
        sight({ delete: deletes }),
      )
      if (decision.is === 'same') {
        foreign = false
        state.row = { key, source: sideOf(state.l!), destination: sideOf(state.f!), evidence: 'etag' }
      } else if (decision.is === 'source-only' || decision.is === 'differs') {
        // A deletion of which no row tells leaves no trace.
        if (foreign && (state.f || state.row)) lost.push(`overwrote ${state.f?.token}`)
        foreign = false
        state.f = { ...state.l!, mtime: clock * second }
        // The store may not say when it was written.
        const destination = { ...sideOf(state.f), mtime: clock % 2 === 0 ? null : state.f.mtime }
        state.row = { key, source: sideOf(state.l!), destination, evidence: 'etag' }
      } else if (decision.is === 'destination-only') {
        if (foreign) lost.push(`deleted ${state.f?.token}`)
        foreign = false
        state.f = null
        state.row = null
      }
      return decision.is
    }
    const act: Record<Step, () => void> = {
      lead: () => {
        state.l = entry(++content, clock++)
      },
      'lead-delete': () => {
        state.l = null
      },
      follow: () => {
        state.f = entry(++content, clock++)
        foreign = true
      },
      'follow-same': () => {
        state.f = { ...(state.l ?? entry(++content, 0)), mtime: clock++ * second }
        foreign = true
      },
      'follow-delete': () => {
        state.f = null
        foreign = true
      },
      pass: () => void pass(true),
      'lose-row': () => {
        state.row = null
      },
    }
    return { state, act, pass, lost }
  }
  const sideOf = ({ token, size, mtime }: Entry) => ({ token, size, mtime })

  it('never loses a write of the side that follows, whatever comes when', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { act, lost } = world()
        for (const each of steps) act[each]()
        expect(lost).toEqual([])
      }),
      { numRuns: 2_000 },
    )
  })

  it('makes the side that follows what the leading one is, while nobody else writes there', () => {
    const own = fc.constantFrom<Step>('lead', 'lead-delete', 'pass')
    fc.assert(
      fc.property(fc.array(own, { maxLength: 40 }), (steps) => {
        const { act, pass, state } = world()
        for (const each of steps) act[each]()
        pass(true)
        expect(pass(true)).toBe(state.l ? 'same' : 'nothing')
        expect(state.f?.token).toBe(state.l?.token)
      }),
      { numRuns: 1_000 },
    )
  })
})
