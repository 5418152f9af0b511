import { describe, expect, it } from 'vitest'
import { bytes, duration } from '../../agent/cli/figures.ts'
import { hints } from '../../agent/cli/hints.ts'
import { type Outcome, toJson, toText } from '../../agent/cli/outcome.ts'
import { trackPace } from '../../agent/cli/progress.ts'
import { block, line } from '../../agent/cli/progress-view.ts'
import { stallWatch } from '../../agent/cli/stall.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { zeroCounts } from '../../shared/counts.ts'
import { DrayError } from '../../shared/error.ts'
import { defaultPassOptions } from '../../shared/policy.ts'

function status(
  changes: Partial<PassStatus> = {},
  objects: Partial<PassStatus['counts']['objects']> = {},
): PassStatus {
  const counts = zeroCounts()
  Object.assign(counts.objects, objects)
  return {
    number: 3,
    state: 'complete',
    options: defaultPassOptions,
    startedAt: 0,
    endedAt: null,
    surveying: false,
    counts,
    expected: { objects: 0, bytes: 0 },
    inFlight: { objects: 0, bytes: 0 },
    packets: { ready: 0, leased: 0, done: 2, parked: 0, settled: 1 },
    agents: 1,
    open: 0,
    waived: 0,
    failureCauses: [],
    errors: [],
    ...changes,
  }
}

const outcome = (of: PassStatus, changes: Partial<Outcome> = {}): Outcome => ({
  migration: 'abc',
  source: '/a',
  destination: 's3://b/',
  status: of,
  gaveUp: null,
  seconds: 1.23456,
  report: '/state/reports/abc-3.ndjson',
  failures: [],
  ...changes,
})

it('says that not everything is there when some of it was skipped, and keeps escapes of names from the terminal', () => {
  const some = status({}, { listed: 3, copied: 2, skipped: 1 })
  const text = toText(outcome(some, { source: '/a\x1b[31m' }), hints)
  expect(text).toMatch(/^Complete: everything in \/a\\u\{1b\}\[31m is in s3:\/\/b\/, but for 1 skipped\.\n/)
})

describe('--json', () => {
  it('has exactly the members that scripts are promised', () => {
    const counted = status(
      {},
      { listed: 10, same: 4, copied: 3, skipped: 1, vanished: 1, failed: 1, deleted: 2 },
    )
    counted.counts.bytes = { listed: 100, copied: 30 }
    counted.counts.evidence = { etag: 4, hashed: 3 }
    expect(JSON.parse(toJson(outcome({ ...counted, state: 'incomplete' })))).toEqual({
      migration: 'abc',
      pass: 3,
      state: 'incomplete',
      objects: { listed: 10, same: 4, copied: 3, skipped: 1, vanished: 1, failed: 1, deleted: 2 },
      bytes: { listed: 100, copied: 30 },
      evidence: { etag: 4, hashed: 3 },
      packets: 2,
      seconds: 1.235,
      report: '/state/reports/abc-3.ndjson',
    })
  })

  it('says how many objects were proved how', () => {
    const proved = status({}, {})
    proved.counts.evidence = { 'full-read': 1_000, etag: 4 }
    expect(toText(outcome(proved), hints)).toContain('  proved   4 etag, 1,000 full-read\n')
  })

  it('marks a dry run, and tells of a verification what is extra', () => {
    const dry = JSON.parse(toJson(outcome(status({ options: { ...defaultPassOptions, dryRun: true } }))))
    expect(dry.dryRun).toBe(true)
    const options = { ...defaultPassOptions, kind: 'verify' as const }
    const verify = JSON.parse(toJson(outcome(status({ options }, { extra: 5 }))))
    expect(verify.objects.extra).toBe(5)
    expect(verify).not.toHaveProperty('dryRun')
  })

  it('calls incomplete whatever was not finished', () => {
    const gaveUp = new DrayError('unreachable', 'x', 'gone').toBody()
    for (const unfinished of [
      outcome(status({ state: 'cancelled' })),
      outcome(status({ state: 'running' }), { gaveUp }),
      outcome(status({ state: 'complete' }), { gaveUp }),
    ]) {
      expect(JSON.parse(toJson(unfinished)).state).toBe('incomplete')
    }
  })
})

describe('the summary', () => {
  it('says that a second run copied nothing', () => {
    expect(toText(outcome(status({}, { listed: 5, same: 5 })), hints)).toMatch(
      /was in s3:\/\/b\/ already. Nothing was copied/,
    )
  })

  it('groups failures by cause, with names that a terminal does not obey, and what to do', () => {
    const failed = status(
      {
        state: 'incomplete',
        failureCauses: [{ code: 'unsupported-key', objects: 5, bytes: 0, message: 'ends in "/"' }],
      },
      { listed: 5, failed: 5 },
    )
    const failures = ['a/', 'b\u001b[31m/', 'c/', 'd/'].map((key) => ({
      key,
      code: 'unsupported-key' as const,
      message: 'ends in "/"',
      bytes: 0,
    }))
    const text = toText(outcome(failed, { failures }), hints)
    expect(text).toContain('5 objects: unsupported-key. Ends in "/".')
    expect(text).toContain('b\\u{1b}[31m/')
    expect(text).toContain('and 2 more, in the report')
    expect(text).toContain('rename the object')
  })

  it('says why packets were given up, and what to do', () => {
    const error = new DrayError('unreachable', 'x', 'no answer from http://h').toBody()
    const text = toText(
      outcome(status({ state: 'incomplete', errors: [{ error, packets: 2, parked: 2 }] })),
      hints,
    )
    expect(text).toContain(
      '2 packets could not be worked on, and what is in them is not counted: No answer from http://h.',
    )
    expect(text).toContain('Check the endpoint and the network')
  })

  it('leaves an address as it is, and speaks of one as of one', () => {
    const error = new DrayError('server-error', 'x', 'http://h answered with nonsense').toBody()
    const text = toText(
      outcome(status({ state: 'incomplete', errors: [{ error, packets: 1, parked: 1 }] })),
      hints,
    )
    expect(text).toContain(
      '1 packet could not be worked on, and what is in it is not counted: http://h answered with nonsense.',
    )
  })
})

describe('progress', () => {
  it('knows no end while the survey goes on, then gives a range', () => {
    const pace = trackPace()
    const at = (copied: number, surveying: boolean) => {
      const seen = status(
        {
          state: 'running',
          surveying,
          expected: { objects: 100, bytes: 0 },
          packets: { ready: 1, leased: 0, done: 2, parked: 0, settled: 1 },
        },
        { listed: copied, copied },
      )
      return seen
    }
    expect(pace.see(at(0, true), 0).left).toBeNull()
    expect(pace.see(at(10, false), 10_000).left).toEqual({ least: 90, most: 90 })
    const { left, objectsPerSecond } = pace.see(at(70, false), 30_000)
    expect(objectsPerSecond).toBeCloseTo(3)
    expect(left).toEqual({ least: 10, most: expect.closeTo(12.86) })
  })

  it('has a time left while one large object takes all of the bandwidth', () => {
    const pace = trackPace()
    const at = (bytes: number) => ({
      ...status({
        state: 'running',
        expected: { objects: 4_001, bytes: 940_000_000 },
        packets: { ready: 1, leased: 8, done: 3, parked: 0, settled: 0 },
      }),
      inFlight: { objects: 0, bytes },
    })
    pace.see(at(0), 0)
    const { left } = pace.see(at(150_000_000), 10_000)
    expect(left).toEqual({ least: expect.closeTo(122.6, 0), most: expect.closeTo(122.6, 0) })
  })

  it('says that nothing has moved, and for how long', () => {
    const pace = trackPace()
    const at = (copied: number) => status({ state: 'running' }, { listed: copied, copied })
    expect(line(at(7), pace.see(at(7), 0))).toContain('/s')
    expect(line(at(7), pace.see(at(7), 14_000))).not.toContain('nothing has moved')
    expect(line(at(7), pace.see(at(7), 20_500))).toContain('nothing has moved for 20 s')
    expect(line(at(8), pace.see(at(8), 21_000))).not.toContain('nothing has moved')
  })

  it('promises no end while nothing moves', () => {
    const pace = trackPace()
    const working = { ready: 0, leased: 1, done: 2, parked: 0, settled: 1 }
    const at = (copied: number) =>
      status(
        { state: 'running', expected: { objects: 10, bytes: 0 }, packets: working },
        { listed: copied, copied },
      )
    pace.see(at(0), 0)
    expect(line(at(9), pace.see(at(9), 9_000))).toContain('about 1 s left')
    expect(line(at(9), pace.see(at(9), 60_000))).toContain('time left unknown')
  })

  it('adds up: what became of objects is known when their packet is done', () => {
    const seen = status(
      { state: 'running', inFlight: { objects: 5, bytes: 0 } },
      { listed: 7, same: 4, copied: 3 },
    )
    const pace = trackPace().see(seen, 0)
    expect(line(seen, pace)).toContain('objects 12 done, 3 copied, 5 in packets at work;')
    expect(block('title', seen, pace, 1).join('\n')).toContain(
      '12 done: 4 same, 3 copied, 5 in packets at work',
    )
  })

  it('shows errors that are being tried again', () => {
    const error = new DrayError('throttled', 'x', 'slow down').toBody()
    const seen = status(
      { state: 'running', errors: [{ error, packets: 1, parked: 0 }] },
      { listed: 7, copied: 7 },
    )
    const pace = trackPace().see(seen, 0)
    expect(line(seen, pace)).toContain('trying again: slow down')
    expect(block('title', seen, pace, 1).join('\n')).toContain('1 trying again: slow down')
  })
})

it('gives up only when nothing moves, errors say why, and two minutes have gone', () => {
  const error = new DrayError('unreachable', 'x', 'gone').toBody()
  const stuck = status({ state: 'running', errors: [{ error, packets: 1, parked: 0 }] })
  const watch = stallWatch()
  expect(watch.see(stuck, 0)).toBeNull()
  expect(watch.see(stuck, 119_999)).toBeNull()
  expect(watch.see({ ...stuck, inFlight: { objects: 1, bytes: 1 } }, 120_000)).toBeNull()
  expect(watch.see({ ...stuck, inFlight: { objects: 1, bytes: 1 } }, 240_000)).toEqual(error)
  const calm = stallWatch()
  calm.see(status({ state: 'running' }), 0)
  expect(calm.see(status({ state: 'running' }), 1e9)).toBeNull()
})

it('writes figures for people', () => {
  expect([0, 999, 1000, 999_499, 999_500, 12_345_678, 5e15].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '999 kB',
    '1.0 MB',
    '12.3 MB',
    '5.0 PB',
  ])
  expect([0.04, 5, 42, 60, 135, 3725, 200_000].map(duration)).toEqual([
    '0.0 s',
    '5 s',
    '42 s',
    '1 min',
    '2 min 15 s',
    '1 h 2 min',
    '2 days',
  ])
})
