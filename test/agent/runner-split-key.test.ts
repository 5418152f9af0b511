import { describe, expect, it } from 'vitest'
import { chooseSplit } from '../../agent/runner/split-key.ts'
import { memoryStorage } from '../../agent/storage/memory.ts'
import { type Key, keyFromText } from '../../shared/key.ts'

const signal = new AbortController().signal
const digits = (n: number, width: number) => String(n).padStart(width, '0')

/** How the keys above the position are shared out, or null where there is no split. */
async function halves(keys: string[], position: string, through: string | null, enough = 50) {
  const storage = memoryStorage(keys.map((key) => [key, '']))
  const at = await chooseSplit(storage, {
    position: keyFromText(position),
    through: through === null ? null : keyFromText(through),
    signal,
    worthwhile: enough,
  })
  if (at === null) return null
  const left = [...storage.objects.keys()].filter(
    (key: Key) => key > keyFromText(position) && (through === null || key <= keyFromText(through)),
  )
  expect(left).toContain(at)
  return {
    lower: left.filter((key) => key <= at).length,
    upper: left.filter((key) => key > at).length,
    requests: storage.requests.list,
  }
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
  ])('leaves enough on both sides: %s', async (_, keys, position) => {
    const found = await halves(keys, position, null)
    expect(found).not.toBe(null)
    expect(found!.lower).toBeGreaterThanOrEqual(50)
    expect(found!.upper).toBeGreaterThanOrEqual(49)
    expect(found!.requests).toBeLessThan(40)
  })

  it('stays below the end of the range', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${digits(i, 5)}`)
    const found = await halves(keys, 'k00000', 'k00999')
    expect(found!.lower + found!.upper).toBe(999)
  })

  it('does nothing where too little is left', async () => {
    const keys = Array.from({ length: 2000 }, (_, i) => `k${digits(i, 5)}`)
    expect(await halves(keys, 'k01960', null)).toBe(null)
    expect(await halves(keys, 'k01999', null)).toBe(null)
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
      await chooseSplit(storage, { position: keyFromText('a'), through: null, signal, worthwhile: 1 }),
    ).toBe(null)
    expect(storage.requests.list).toBe(0)
  })
})
