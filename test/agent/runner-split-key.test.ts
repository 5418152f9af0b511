import { describe, expect, it } from 'vitest'
import { chooseSplits } from '../../agent/runner/split-key.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { type Key, keyFromText } from '../../shared/key.ts'

const signal = new AbortController().signal
const digits = (n: number, width: number) => String(n).padStart(width, '0')

/** How the keys above the position are shared out; null where there is no split. */
async function pieces(
  keys: string[],
  position: string,
  {
    through = null,
    enough = 50,
    parts = 2,
  }: { through?: string | null; enough?: number; parts?: number } = {},
) {
  const storage = memoryStorage(keys.map((key) => [key, '']))
  const end = through === null ? null : keyFromText(through)
  const boundaries = await chooseSplits(storage, {
    position: keyFromText(position),
    through: end,
    parts,
    signal,
    worthwhile: enough,
  })
  if (boundaries.length === 0) return null
  const left = [...storage.objects.keys()].filter(
    (key: Key) => key > keyFromText(position) && (end === null || key <= end),
  )
  const sizes = [...boundaries, null].map((at, i) => {
    if (at !== null) expect(left).toContain(at)
    const after = i === 0 ? null : boundaries[i - 1]!
    return left.filter((key) => (after === null || key > after) && (at === null || key <= at)).length
  })
  expect(sizes.reduce((a, b) => a + b)).toBe(left.length)
  return { sizes, left: left.length, requests: storage.requests.list }
}

describe('where a survey is split', () => {
  it.each([
    ['flat names', Array.from({ length: 2000 }, (_, i) => `image-${digits(i, 8)}.jpg`), 'image-00000100.jpg'],
    [
      'folders',
      Array.from({ length: 2000 }, (_, i) => `photos/${2000 + (i % 20)}/${digits(i, 5)}.jpg`),
      'photos/2003/00003.jpg',
    ],
    [
      'many roots',
      Array.from({ length: 2000 }, (_, i) => `${'abcdefghij'[i % 10]}/deep/er/${i}`),
      'b/deep/er/1',
    ],
    ['names that are no ASCII', Array.from({ length: 2000 }, (_, i) => `é/ü-${digits(i, 5)}`), 'é/ü-00010'],
  ])('leaves enough in each piece, and shares the rest: %s', async (_, keys, position) => {
    const two = await pieces(keys, position)
    expect(two!.sizes).toHaveLength(2)
    expect(Math.min(...two!.sizes)).toBeGreaterThanOrEqual(49)

    const eight = await pieces(keys, position, { parts: 8 })
    expect(eight!.sizes).toHaveLength(8)
    expect(Math.min(...eight!.sizes)).toBeGreaterThanOrEqual(49)
    // None takes more than twice its share.
    expect(Math.max(...eight!.sizes)).toBeLessThanOrEqual((2 * eight!.left) / 8)
    expect(eight!.requests).toBeLessThan(60)
  })

  it('stays below the end of the range', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${digits(i, 5)}`)
    const found = await pieces(keys, 'k00000', { through: 'k00999' })
    expect(found!.left).toBe(999)
  })

  it('does nothing where too little is left', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${digits(i, 5)}`)
    expect(await pieces(keys, 'k01960')).toBe(null)
    expect(await pieces(keys, 'k01999')).toBe(null)
  })

  it('does not ask a store that would have to walk for it', async () => {
    const storage = memoryStorage(
      [
        ['a', ''],
        ['b', ''],
      ],
      { walks: true },
    )
    expect(
      await chooseSplits(storage, {
        position: keyFromText('a'),
        through: null,
        parts: 2,
        signal,
        worthwhile: 1,
      }),
    ).toEqual([])
    expect(storage.requests.list).toBe(0)
  })
})
