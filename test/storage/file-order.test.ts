/** The order of a walk, against a sort of all full keys; and what it is made of. */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sortLines } from '../../agent/storage/external-sort.ts'
import { secondsFromNanos, utimeSeconds } from '../../agent/storage/file/file-entry.ts'
import { openFileStorage } from '../../agent/storage/file/file-storage.ts'
import { inside } from '../../agent/storage/file/inside.ts'
import { temporaryNames } from '../../agent/storage/file/names.ts'
import { type Key, keyToBytes } from '../../shared/key.ts'
import { contains, type Range } from '../../shared/range.ts'
import { listAll, noSignal } from './contract.ts'

let top: string
beforeEach(() => {
  top = fs.mkdtempSync(join(tmpdir(), 'dray-order-'))
})
afterEach(() => fs.rmSync(top, { recursive: true, force: true }))

/** Few characters, around `/` and at both ends, so that names share beginnings and orders differ. */
const name = fc
  .array(fc.constantFrom('a', 'b', '.', '-', '0', '\x01', '\x7f', '\xff', '\xc3'), {
    minLength: 1,
    maxLength: 3,
  })
  .map((characters) => characters.join(''))
  .filter((n) => n !== '.' && n !== '..')
const key = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/') as Key)
const end = fc.option(
  fc.oneof(
    key,
    key.map((k) => `${k}/` as Key),
    key.map((k) => k.slice(0, -1) as Key),
  ),
  { nil: null },
)

test('any tree lists as a sort of its keys, in any range', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(key, { maxLength: 40 }),
      fc.array(fc.tuple(end, end), { minLength: 1, maxLength: 8 }),
      async (wanted, ranges) => {
        const root = join(top, String(run++))
        fs.mkdirSync(root)
        const keys = new Set<Key>()
        for (const k of wanted) {
          const path = Buffer.concat([Buffer.from(`${root}/`), keyToBytes(k)])
          try {
            fs.mkdirSync(path.subarray(0, path.lastIndexOf('/')), { recursive: true })
            fs.writeFileSync(path, '')
            keys.add(k)
          } catch {
            // A name that is a directory's or a file's already.
          }
        }
        const sorted = [...keys].sort()
        const location = { kind: 'file', path: root, site: 'here' } as const
        const storage = openFileStorage(location, { agentId: 'a', spillDir: top, symlinks: 'skip' })
        for (const [after, through] of [[null, null] as const, ...ranges]) {
          const listed = (await listAll(storage, { after, through })).map((e) => e.key)
          expect(listed).toEqual(sorted.filter((k) => contains({ after, through }, k)))
        }
        await storage.close()
      },
    ),
    { numRuns: 60, seed: 7 },
  )
})

test('a range from inside a directory holds the same keys', () => {
  fc.assert(
    fc.property(name, fc.array(key, { minLength: 1 }), end, end, (dir, keys, after, through) => {
      const range: Range = { after, through }
      const inner = inside(range, `${dir}/`)
      for (const k of keys) {
        expect(inner !== null && contains(inner, k)).toBe(contains(range, `${dir}/${k}` as Key))
      }
    }),
    { seed: 7 },
  )
})

test('names sort the same in memory and in any number of spilled runs', async () => {
  const named = fc.uniqueArray(fc.tuple(name, fc.boolean()).map(([n, isDir]) => (isDir ? `${n}/` : n)))
  await fc.assert(
    fc.asyncProperty(fc.array(named), fc.integer({ min: 1, max: 20 }), async (batches, runLength) => {
      async function* names() {
        yield* batches
      }
      const sorted = await sortLines(names(), { runLength, dir: top })
      const found: string[] = []
      for (let next = await sorted.next(); next.length > 0; next = await sorted.next()) found.push(...next)
      await sorted.close()
      expect(found).toEqual(batches.flat().sort())
    }),
    { numRuns: 80, seed: 7 },
  )
})

test('runs longer than what is read ahead of them merge as well', async () => {
  const names = Array.from({ length: 30_000 }, (_, i) => `name-${(i * 7919) % 30_000}`)
  async function* batches() {
    for (let at = 0; at < names.length; at += 1000) yield names.slice(at, at + 1000)
  }
  const sorted = await sortLines(batches(), { runLength: 14_000, dir: top })
  expect(sorted.held).toBeLessThan(14_000)
  const found: string[] = []
  for (let next = await sorted.next(); next.length > 0; next = await sorted.next()) found.push(...next)
  await sorted.close()
  expect(found).toEqual(names.sort())
})

test('a time that is set reads as the same microsecond', () => {
  const path = join(top, 'file')
  fs.writeFileSync(path, '')
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000_000_000_000, max: 8_000_000_000_000_000 }), (micros) => {
      fs.utimesSync(path, '0', utimeSeconds(micros))
      const ns = fs.statSync(path, { bigint: true }).mtimeNs
      expect(Number((ns - (((ns % 1000n) + 1000n) % 1000n)) / 1000n)).toBe(micros)
    }),
    { numRuns: 300, seed: 7 },
  )
})

test('a time is written as rclone writes it', () => {
  for (const [ns, seconds] of [
    [1_700_000_000_123_456_789n, '1700000000.123456789'],
    [1_700_000_000_500_000_000n, '1700000000.5'],
    [1_700_000_000_000_000_000n, '1700000000'],
    [1n, '0.000000001'],
    [0n, '0'],
    [-1_500_000_000n, '-1.5'],
  ] as const) {
    expect(secondsFromNanos(ns)).toBe(seconds)
  }
})

test('a temporary file is abandoned when an earlier session of this agent wrote it, or nobody for a day', () => {
  const now = Date.now()
  const day = 24 * 60 * 60 * 1000
  const [mine, others] = [temporaryNames('mine'), temporaryNames('others')]
  const current = mine.next()
  const earlier = current.replace(/[^.]+-[^.]+\.[^.]+$/, '1-1.0')
  const later = current.replace(/[^.]+-[^.]+\.[^.]+$/, 'zzzzzzzzz-1.0')
  expect(mine.isAbandoned(current, now, now)).toBe(false)
  expect(mine.isAbandoned(later, now, now)).toBe(false)
  expect(mine.isAbandoned(earlier, now, now)).toBe(true)
  expect(others.isAbandoned(earlier, now - day + 1, now)).toBe(false)
  expect(others.isAbandoned(earlier, now - day - 1, now)).toBe(true)
  expect(mine.isAbandoned('other', now - 2 * day, now)).toBe(false)
  expect(new Set(Array.from({ length: 100 }, mine.next)).size).toBe(100)
})

test('directories are no objects', async () => {
  fs.mkdirSync(join(top, 'a/b'), { recursive: true })
  const location = { kind: 'file', path: top, site: 'here' } as const
  const storage = openFileStorage(location, { agentId: 'a', spillDir: top, symlinks: 'skip' })
  expect(await listAll(storage)).toEqual([])
  expect(await storage.head('a/b' as Key, noSignal)).toBeNull()
})
