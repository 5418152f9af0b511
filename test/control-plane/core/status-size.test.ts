import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { beginning, fitted } from '../../../control-plane/core/status-size.ts'
import { type PassStatus, passStatusSchema } from '../../../shared/api/migrations.ts'
import { evidenceClasses, zeroCounts } from '../../../shared/counts.ts'
import { errorCodes } from '../../../shared/error.ts'
import { properties } from '../../../shared/fidelity.ts'
import { defaultPassOptions } from '../../../shared/policy.ts'

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length

const most = Number.MAX_SAFE_INTEGER
const figure = fc.constantFrom(0, 7, 123_456, most)
/** As stores and people write them, and as somebody would who wants it to burst. */
const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ maxLength: 40 }),
    fc
      .constantFrom('\0', '\u202e', '"', '\\', 'é', '漢', '\ud800', '💾', 'a')
      .chain((unit) => fc.integer({ min: 0, max: maxLength }).map((n) => unit.repeat(n).slice(0, maxLength))),
  )

const counts = fc.record({
  objects: fc.record(
    Object.fromEntries(Object.keys(zeroCounts().objects).map((name) => [name, figure])) as never,
  ),
  bytes: fc.record({ listed: figure, copied: figure }),
  evidence: fc.record(Object.fromEntries(evidenceClasses.map((name) => [name, figure])) as never),
  dropped: fc.record(Object.fromEntries(properties.map((name) => [name, figure])) as never),
})
const causes = fc
  .subarray([...errorCodes])
  .chain((codes) =>
    fc.tuple(
      ...codes.map((code) =>
        fc.record({ code: fc.constant(code), objects: figure, bytes: figure, message: text(500) }),
      ),
    ),
  )
const errors = fc.subarray([...errorCodes]).chain((codes) =>
  fc.tuple(
    ...codes.map((code) =>
      fc.record({
        error: fc.record({
          code: fc.constant(code),
          op: text(200),
          message: text(2_000),
          retry: fc.constantFrom('now', 'later', 'never'),
          hint: fc.option(text(1_000)),
        }),
        packets: figure,
        parked: figure,
      }),
    ),
  ),
)
/** The longest that a schema lets in, too. */
const longest: PassStatus['options'] = {
  ...defaultPassOptions,
  fidelity: {
    ...defaultPassOptions.fidelity,
    storageClass: {
      to: Object.fromEntries(
        Array.from({ length: 16 }, (_, i) => [`C${String(i).padStart(39, '0')}`, 'D'.padEnd(40, '_')]),
      ),
    },
    encryption: `aws:kms:dsse:${'k'.repeat(512)}`,
  },
}
const options = fc.constantFrom(defaultPassOptions, longest)
const waitsFor = fc.record({
  message: text(30_000),
  sites: fc.option(fc.array(text(100), { maxLength: 100 })),
})

const status = fc.record({
  ...{ number: figure, state: fc.constantFrom('running', 'incomplete'), options },
  ...{ startedAt: figure, endedAt: fc.option(figure), surveying: fc.boolean(), counts },
  expected: fc.record({ objects: figure, bytes: figure }),
  inFlight: fc.record({ objects: figure, bytes: figure }),
  packets: fc.record({ ready: figure, leased: figure, done: figure, parked: figure, settled: figure }),
  ...{ agents: figure, open: figure, waived: figure, retries: figure, failureCauses: causes, errors },
}) as unknown as fc.Arbitrary<PassStatus>

describe('the status of a pass', () => {
  it('is under 4 KiB, whatever failed, and however stores and people write', () => {
    fc.assert(
      fc.property(status, fc.option(waitsFor), fc.option(text(9_000)), (given, waitsFor, by) => {
        const status = fitted(given)
        const small = by === null ? status : fitted({ ...status, paused: { since: 1_800_000_000_000, by } })
        // As the route answers it: the fleet says what it waits for.
        const whole = waitsFor ? fitted({ ...small, waitsFor }) : small
        expect(bytesOf(whole)).toBeLessThan(4_096)
        expect(passStatusSchema.safeParse(whole).success).toBe(true)
        const left = whole.leftOut ?? { causes: 0, errors: 0 }
        expect(whole.failureCauses.length + left.causes).toBe(given.failureCauses.length)
        expect(whole.errors.length + left.errors).toBe(given.errors.length)
        expect(whole.counts).toEqual(given.counts)
        expect(fitted(whole)).toEqual(whole)
      }),
      { numRuns: 100 },
    )
  })

  it('is so where each of its parts is as large as it can be', () => {
    const all = (value: object): never =>
      JSON.parse(JSON.stringify(value), (_, each) => (typeof each === 'number' ? most : each)) as never
    const zero = '\0'
    const error = {
      op: zero.repeat(200),
      message: zero.repeat(2_000),
      hint: zero.repeat(1_000),
      retry: 'later',
    }
    const counts = zeroCounts()
    const given = all({
      ...{ number: 1, state: 'incomplete', options: longest, startedAt: 1, endedAt: 1, surveying: false },
      counts: {
        ...counts,
        evidence: Object.fromEntries(evidenceClasses.map((name) => [name, 1])),
        dropped: Object.fromEntries(properties.map((name) => [name, 1])),
      },
      ...{ expected: { objects: 1, bytes: 1 }, inFlight: { objects: 1, bytes: 1 }, agents: 1 },
      packets: { ready: 1, leased: 1, done: 1, parked: 1, settled: 1 },
      // One that asks does not hold, and one with events is no sample.
      ...{ asks: { deletes: 1, of: 1 }, events: { waiting: 1, done: 1, objects: 1 } },
      ...{ retries: 1, open: 1, waived: 1, paused: { since: 1, by: zero.repeat(10_000) } },
      waitsFor: { message: zero.repeat(10_000), sites: Array.from({ length: 100 }, () => zero.repeat(100)) },
      failureCauses: errorCodes.map((code) => ({ code, objects: 1, bytes: 1, message: zero.repeat(500) })),
      errors: errorCodes.map((code) => ({ error: { code, ...error }, packets: 1, parked: 1 })),
    })
    expect(bytesOf(fitted(given))).toBeLessThan(4_096)
  })

  it('names what is most frequent, and all of it where that fits', () => {
    const cause = (code: 'io' | 'timeout' | 'changed', objects: number) => ({
      ...{ code, objects, bytes: 0, message: 'm'.repeat(400) },
    })
    const given = {
      ...fc.sample(status, { numRuns: 1, seed: 1 })[0]!,
      ...{ options: defaultPassOptions, errors: [] },
      failureCauses: [cause('io', 1), cause('timeout', 3), cause('changed', 2)],
    }
    const { failureCauses, leftOut } = fitted(given)
    expect(failureCauses).toEqual([cause('timeout', 3), cause('changed', 2), cause('io', 1)])
    expect(leftOut).toBeUndefined()
  })

  it('cuts a text between characters, and says so', () => {
    expect(beginning('short', 5)).toBe('short')
    expect(beginning('too long', 6)).toBe('too…')
    expect(beginning('💾💾💾', 8)).toBe('💾…')
    expect(beginning('\0\0', 11)).toBe('\0…')
  })
})
