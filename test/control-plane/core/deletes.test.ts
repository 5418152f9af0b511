import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allowed,
  counts,
  type Deletes,
  deletesState,
  uncountedAllowance,
  zeroDeletes,
} from '../../../control-plane/core/deletes.ts'
import { passOptions } from '../../../shared/policy.ts'

const half = { objects: null, share: 0.5 }
const of = (over: Partial<Deletes>): Deletes => ({ ...zeroDeletes(), ...over })

describe('the cap of deletes', () => {
  it.each([
    [half, 1_000, 500],
    [half, 7, 10],
    [{ objects: 3, share: 0.5 }, 1_000, 3],
    [{ objects: 3, share: null }, 0, 3],
    [{ objects: null, share: 0 }, 1_000, 10],
    [{ objects: 0, share: null }, 1_000, 0],
    [{ objects: null, share: null }, 0, Number.POSITIVE_INFINITY],
  ])('%o of %i objects allows %d', (cap, found, most) => {
    expect(allowed(cap, found)).toBe(most)
  })

  it('holds packets back in copies that delete, and in nothing else', () => {
    expect(counts(passOptions({ delete: true }))).toBe(true)
    expect(counts(passOptions({ delete: true, dryRun: true }))).toBe(false)
    expect(counts(passOptions({ delete: true, kind: 'verify' }))).toBe(false)
    expect(counts(passOptions({}))).toBe(false)
  })
})

describe('deletes of a pass', () => {
  it.each([
    [of({ expected: 500 }), 1_000, true, 'counting'],
    [of({ expected: 500 }), 1_000, false, 'making'],
    [of({ expected: 501 }), 1_000, true, 'counting'],
    [of({ expected: 501 }), 1_000, false, 'asks'],
    [of({ expected: 501, answer: { do: 'allow', objects: 501 } }), 1_000, false, 'making'],
    [of({ expected: 501, answer: { do: 'leave' } }), 1_000, false, 'leaving'],
    [of({ expected: 0 }), 0, false, 'making'],
  ] as const)('%o of %i objects, listing %s: %s', (deletes, found, isListing, state) => {
    expect(deletesState(deletes, half, found, isListing)).toBe(state)
  })

  it('are never made while something is left to survey, nor past what is allowed', () => {
    const figure = fc.integer({ min: 0, max: 2_000 })
    const cap = fc.record({
      objects: fc.option(figure),
      share: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    })
    const answer = fc.option(
      fc.oneof(
        fc.record({ do: fc.constant('allow' as const), objects: figure }),
        fc.constant({ do: 'leave' as const }),
      ),
    )
    fc.assert(
      fc.property(figure, figure, cap, answer, fc.boolean(), (expected, found, cap, answer, isListing) => {
        const state = deletesState(of({ expected, answer }), cap, found, isListing)
        if (state !== 'making') return
        expect(isListing).toBe(false)
        expect(expected).toBeLessThanOrEqual(
          Math.max(allowed(cap, found), answer?.do === 'allow' ? answer.objects : 0),
        )
      }),
    )
  })

  it('that nobody counts have an allowance that is never more than the cap', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 50 })),
        fc.integer({ min: 0, max: 200 }),
        (wishes, found) => {
          const deletes = zeroDeletes()
          for (const wanted of wishes) deletes.uncounted += uncountedAllowance(deletes, half, found, wanted)
          expect(deletes.uncounted).toBe(
            Math.min(
              wishes.reduce((a, b) => a + b, 0),
              allowed(half, found),
            ),
          )
        },
      ),
    )
    expect(uncountedAllowance(of({ answer: { do: 'leave' } }), half, 100, 1)).toBe(0)
  })
})
