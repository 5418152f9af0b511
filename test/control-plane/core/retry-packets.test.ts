import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FailedKey, retryPackets } from '../../../control-plane/core/retry-packets.ts'
import type { Key } from '../../../shared/key.ts'
import { contains, everything, type Range, tiles } from '../../../shared/range.ts'

const failed = (...keys: string[]): FailedKey[] => keys.map((key) => ({ key: key as Key, bytes: 10 }))
const work = (packets: ReturnType<typeof retryPackets>) => packets.filter(({ state }) => state === 'ready')

describe('the packets of a retry', () => {
  it('are one for each key, with nothing to do between them', () => {
    const packets = retryPackets(() => failed('b', 'a/1', 'b', 'z'), [], 'copy', 10)
    expect(tiles(packets, everything)).toBe(true)
    expect(work(packets)).toMatchObject([
      { kind: 'copy', through: 'a/1', work: { objects: 1, bytes: 10 } },
      { kind: 'copy', through: 'b', work: { objects: 2, bytes: 20 } },
      { kind: 'copy', through: 'z', work: { objects: 1, bytes: 10 } },
    ])
    expect(packets.filter(({ state }) => state === 'done')).toHaveLength(4)
  })

  it('are a few surveys of neighbours where there are many keys', () => {
    const many = Array.from({ length: 50_000 }, (_, i) => `k${String(i).padStart(6, '0')}`)
    const packets = retryPackets(() => failed(...many), [], 'verify', 64)
    expect(tiles(packets, everything)).toBe(true)
    expect(work(packets).every(({ kind }) => kind === 'survey')).toBe(true)
    expect(work(packets).length).toBeLessThanOrEqual(64)
    expect(work(packets).length).toBeGreaterThan(50)
  })

  it('take in what was left undone, which may hold keys that failed', () => {
    const undone = [{ after: 'm' as Key, through: null }]
    const packets = retryPackets(() => failed('a', 'z'), undone, 'copy', 10)
    expect(work(packets)).toMatchObject([
      { kind: 'copy', through: 'a' },
      { kind: 'survey', after: 'm', through: null },
    ])
    expect(tiles(packets, everything)).toBe(true)
    expect(retryPackets(() => [], [everything], 'copy', 10)).toMatchObject([
      { kind: 'survey', ...everything },
    ])
  })

  it('tile the key space, and hold every key, whatever failed and was left', () => {
    const key = fc.string({ unit: fc.constantFrom('\x00', 'a', 'b', '\x7f', '\xc3', '\xff'), maxLength: 4 })
    const ends = fc.uniqueArray(key, { maxLength: 8 }).map((keys) => keys.sort())
    fc.assert(
      fc.property(
        fc.array(key, { maxLength: 40 }),
        ends,
        fc.integer({ min: 2, max: 12 }),
        (keys, ends, most) => {
          const undone: Range[] = []
          for (let i = 0; i + 1 < ends.length; i += 2) {
            undone.push({ after: ends[i] as Key, through: ends[i + 1] as Key })
          }
          const packets = retryPackets(() => failed(...keys), undone, 'copy', most)
          expect(tiles(packets, everything)).toBe(true)
          expect(work(packets).length).toBeLessThanOrEqual(most)
          for (const one of keys) {
            expect(work(packets).some((packet) => contains(packet, one as Key))).toBe(true)
          }
          for (const { after, through } of undone) {
            // Each point of it is in some packet that does work.
            const points = [through!, ...keys, ...ends].filter((point) =>
              contains({ after, through }, point as Key),
            )
            for (const point of points) {
              expect(work(packets).some((packet) => contains(packet, point as Key))).toBe(true)
            }
          }
        },
      ),
    )
  })
})
