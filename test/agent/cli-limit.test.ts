/** Limits as people write them. */
import { describe, expect, test } from 'vitest'
import { limitOf } from '../../agent/cli/limits.ts'
import { ownLimit } from '../../agent/cli/own-limit.ts'
import {
  formatValue,
  formatWindow,
  parseBandwidth,
  parseConcurrency,
  parseRequests,
  parseWindow,
} from '../../agent/cli/quantities.ts'
import { DrayError } from '../../shared/error.ts'

const complaintOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof DrayError) return `${error.message} | ${error.hint}`
    throw error
  }
  return 'nothing'
}

test.each([
  ['50MB/s', 50_000_000],
  ['50MiB/s', 52_428_800],
  ['400Mbit/s', 50_000_000],
  ['400Mbps', 50_000_000],
  ['50 MB/s', 50_000_000],
  ['1.5GB/s', 1_500_000_000],
  ['64kbit/s', 8_000],
  ['10KiB/s', 10_240],
  ['8000B/s', 8_000],
  ['1Gibit/s', 134_217_728],
  ['none', null],
])('%s are %d bytes a second', (text, rate) => {
  expect(parseBandwidth(text, '--bandwidth')).toBe(rate)
  expect(parseBandwidth(formatValue('bandwidth', rate).replace(/,/g, ''), '--bandwidth')).toBe(rate)
})

test.each([
  [400_000_000, '400 MB/s'],
  [50_000_000, '50 MB/s'],
  [52_428_800, '50 MiB/s'],
  [8_000, '8 kB/s'],
])('%d bytes a second are shown as %s, in a unit of few digits', (rate, text) => {
  expect(formatValue('bandwidth', rate)).toBe(text)
})

test.each(['50M', '50', '50mb/s', '50Mb/s', '50MB', '50MB/min', '-1MB/s', '1e3MB/s', ''])(
  'a rate is never guessed: %j',
  (text) => {
    const complaint = complaintOf(() => parseBandwidth(text, '--limit'))
    expect(complaint).toContain('--limit is no rate')
    expect(complaint).toMatch(/50MB\/s .*50MiB\/s .*400Mbit\/s/)
  },
)

test('what is too little, or no number, is named', () => {
  expect(complaintOf(() => parseBandwidth('1kB/s', '--bandwidth'))).toContain(
    '--bandwidth is too little: 1kB/s',
  )
  expect(complaintOf(() => parseRequests('0/s', '--requests'))).toContain('--requests')
  expect(complaintOf(() => parseConcurrency('many', '--concurrency'))).toContain('--concurrency')
  expect([parseRequests('500/s', ''), parseRequests('500', ''), parseConcurrency('64', '')]).toEqual([
    500, 500, 64,
  ])
})

describe('a window', () => {
  test.each([
    ['Mon-Fri 08:00-18:00 bandwidth=50Mbit/s', ['mon', 'tue', 'wed', 'thu', 'fri'], '08:00', '18:00'],
    ['sat,sun bandwidth=50Mbit/s', ['sat', 'sun'], '00:00', '24:00'],
    ['Friday-Monday 8:00-9:30 bandwidth=50Mbit/s', ['mon', 'fri', 'sat', 'sun'], '08:00', '09:30'],
    [
      'daily 22:00-06:00 bandwidth=50Mbit/s',
      ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
      '22:00',
      '06:00',
    ],
    ['wed bandwidth=50Mbit/s', ['wed'], '00:00', '24:00'],
  ])('%s', (text, on, from, to) => {
    const window = parseWindow(text)
    expect(window).toEqual({ days: on, from, to, bandwidth: 6_250_000 })
    expect(parseWindow(formatWindow(window))).toEqual(window)
  })

  test('overrides any of the three, and may take a bound away', () => {
    expect(parseWindow('Mon 08:00-09:00 bandwidth=none requests=5/s concurrency=2')).toMatchObject({
      bandwidth: null,
      requests: 5,
      concurrency: 2,
    })
  })

  test.each([
    ['', 'no days'],
    ['Foo 08:00-09:00 requests=1', 'no days'],
    ['Mon-Tue-Wed requests=1', 'no days'],
    ['Mon', 'says nothing of what is different'],
    ['Mon 08:00 requests=1', 'no value: 08:00'],
    ['Mon speed=1MB/s', 'no value: speed=1MB/s'],
    ['Mon bandwidth=50M', '--window bandwidth is no rate'],
  ])('%j is refused, with an example', (text, what) => {
    const complaint = complaintOf(() => parseWindow(text))
    expect(complaint).toContain(what)
    expect(complaint).toMatch(/Mbit\/s/)
  })
})

test('a limit that is wrong names its option', () => {
  const of = (options: Parameters<typeof limitOf>[0]) => complaintOf(() => limitOf(options))
  expect(of({})).toContain('nothing is limited')
  expect(of({ requests: '1', zone: 'Berlin' })).toContain('--zone is no time zone: Berlin')
  expect(of({ window: ['Mon 08:00-08:00 requests=1'] })).toContain('--window Mon 08:00-08:00 requests=1 to:')
  expect(of({ window: ['Mon 25:00-26:00 requests=1'] })).toContain('from: a time of day')
  expect(limitOf({ bandwidth: '80Mbit/s', zone: 'Europe/Berlin' })).toEqual({
    bandwidth: 10_000_000,
    requests: null,
    concurrency: null,
    zone: 'Europe/Berlin',
    windows: [],
  })
})

test('a limit of the command’s own is of each store; directories count what is read and what is written', () => {
  expect(ownLimit({ bandwidth: null, requests: null })).toBeUndefined()
  const own = ownLimit({ bandwidth: 1_000_000, requests: 5 })!
  expect(own('https://s3.example.com')).toEqual({ bandwidth: 1_000_000, requests: 5, concurrency: null })
  expect(own('file:local')).toEqual({ bandwidth: 2_000_000, requests: null, concurrency: null })
  expect(ownLimit({ bandwidth: null, requests: 5 })!('file:local')).toBeNull()
})
