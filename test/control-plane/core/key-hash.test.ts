import { expect, it } from 'vitest'
import { keyHash } from '../../../control-plane/core/key-hash.ts'

it('hashes of keys tell them apart, are whole numbers, and are others with another seed', () => {
  const keys = Array.from({ length: 200_000 }, (_, i) => `photos/2026/11/${i % 100}/object-${i}.jpg`)
  const hashes = new Set(keys.map((key) => keyHash(key, 7)))
  expect(hashes.size).toBe(keys.length)
  for (const hash of hashes) {
    if (!Number.isSafeInteger(hash) || hash < 0 || hash >= 2 ** 52) throw new Error(`${hash} is no hash`)
  }
  expect(keys.filter((key) => hashes.has(keyHash(key, 8)))).toEqual([])
  // Low bits divide them evenly, as parts of a comparison are.
  const parts = [0, 0, 0, 0]
  for (const hash of hashes) parts[hash % 4]!++
  for (const size of parts) expect(Math.abs(size - 50_000)).toBeLessThan(1_000)
})
