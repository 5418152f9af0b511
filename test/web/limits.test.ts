import { expect, it } from 'vitest'
import { bytesOf, rateOf } from '../../web/console/limits/rate.ts'
import { clockOf, weekOf } from '../../web/console/limits/week.ts'

it('tells millions of bits, millions of bytes and mebibytes apart', () => {
  expect(bytesOf({ text: '400', unit: 'Mbit/s' })).toBe(50_000_000)
  expect(bytesOf({ text: '50', unit: 'MB/s' })).toBe(50_000_000)
  expect(bytesOf({ text: '50', unit: 'MiB/s' })).toBe(52_428_800)
  expect(bytesOf({ text: ' ', unit: 'MiB/s' })).toBeNull()
  expect(bytesOf({ text: '1e9', unit: 'MB/s' })).toBeNaN()
})

it.each([52_428_800, 50_000_000, 8_000, 12_345_678, null])('writes %s so that it reads back', (bytes) => {
  expect(bytesOf(rateOf(bytes))).toBe(bytes)
})

const limit = { bandwidth: 100, requests: null, concurrency: null }
const said = (windows: Parameters<typeof weekOf>[0]['windows'], on: 'mon' | 'sat' | 'sun') =>
  weekOf({ ...limit, windows })[on].map(({ from, to, bandwidth }) => [clockOf(from), clockOf(to), bandwidth])

it('is one stretch a day without windows', () => {
  expect(said([], 'mon')).toEqual([['00:00', '24:00', 100]])
})

it('lets a window across midnight go on into the next day, and from Sunday into Monday', () => {
  const windows = [{ days: ['sun' as const], from: '22:00', to: '06:00', bandwidth: 9 }]
  expect(said(windows, 'sun')).toEqual([
    ['00:00', '22:00', 100],
    ['22:00', '24:00', 9],
  ])
  expect(said(windows, 'mon')).toEqual([
    ['00:00', '06:00', 9],
    ['06:00', '24:00', 100],
  ])
})

it('gives the later window the last word', () => {
  const windows = [
    { days: ['sat' as const], from: '00:00', to: '24:00', bandwidth: 5 },
    { days: ['sat' as const], from: '10:00', to: '12:00', bandwidth: null },
  ]
  expect(said(windows, 'sat')).toEqual([
    ['00:00', '10:00', 5],
    ['10:00', '12:00', null],
    ['12:00', '24:00', 5],
  ])
})
