/** What every storage that keeps versions is held to (agent/storage/versions.ts). `open` gives an empty one that keeps them. */
import { describe, expect, test } from 'vitest'
import type { Storage } from '../../agent/storage/storage.ts'
import type { Chain } from '../../agent/storage/versions.ts'
import { keyFromText } from '../../shared/key.ts'
import { everything, type Range } from '../../shared/range.ts'
import { bytesOf, noSignal, put } from './contract.ts'

export async function chainsIn(storage: Storage, range: Range = everything): Promise<Chain[]> {
  const chains: Chain[] = []
  for await (const page of storage.versions!.list(range, noSignal)) chains.push(...page)
  return chains
}

/** `key: sizes`, a delete marker as `-`. */
export const told = (chains: readonly Chain[]) =>
  chains.map(
    ({ key, versions }) => `${key}: ${versions.map((v) => (v.kind === 'object' ? v.size : '-')).join(' ')}`,
  )

export const remove = (storage: Storage, key: string) => storage.versions!.remove(keyFromText(key), noSignal)

/** `odd`: keys that the store lists escaped, and in order. */
export function describeVersions(
  name: string,
  open: () => Promise<Storage>,
  odd = ['z b+%', 'é', '&<>"', '🙂'],
): void {
  describe(name, () => {
    test('lists each key once, oldest version first, with its delete markers', async () => {
      const storage = await open()
      for (const body of ['1', '22', '333']) await put(storage, 'b', body)
      await remove(storage, 'b')
      await put(storage, 'b', '4444')
      await remove(storage, 'a')
      await put(storage, 'c', '')
      const chains = await chainsIn(storage)
      expect(told(chains)).toEqual(['a: -', 'b: 1 2 3 - 4', 'c: 0'])
      expect(new Set(chains[1]!.versions.map(({ version }) => version)).size).toBe(5)
      expect(chains.map(({ count }) => count)).toEqual([1, 5, 1])
      await storage.close()
    })

    test('reads and asks for each version, whatever is on top of it', async () => {
      const storage = await open()
      for (const body of ['one', 'two', 'three']) await put(storage, 'k', body)
      await remove(storage, 'k')
      const [chain] = await chainsIn(storage)
      const key = keyFromText('k')
      const bodies: string[] = []
      for (const { kind, version, token, size } of chain!.versions) {
        if (kind !== 'object') continue
        const reading = await storage.read(key, { version, token, signal: noSignal })
        bodies.push((await bytesOf(reading!)).toString())
        expect(reading!.entry).toMatchObject({ version, token, size })
        expect((await storage.head(key, noSignal, version))?.entry).toMatchObject({ version, token, size })
      }
      expect(bodies).toEqual(['one', 'two', 'three'])
      expect(await storage.head(key, noSignal)).toBeNull()
      await storage.close()
    })

    test('finds nothing under a version that is not there', async () => {
      const storage = await open()
      await put(storage, 'k', 'one')
      await put(storage, 'other', 'two')
      const [, other] = await chainsIn(storage)
      const { version } = other!.versions[0]!
      expect(await storage.head(keyFromText('k'), noSignal, version)).toBeNull()
      expect(await storage.read(keyFromText('k'), { version, signal: noSignal })).toBeNull()
      await storage.close()
    })

    test('keeps to its range, and to the order of bytes', async () => {
      const storage = await open()
      for (const key of ['a', 'b', 'b/c', 'd', ...odd])
        for (const body of ['1', '22']) await put(storage, key, body)
      const all = [...['a', 'b', 'b/c', 'd', ...odd].map(keyFromText)].sort()
      const within = (after: string | null, through: string | null) =>
        chainsIn(storage, {
          after: after === null ? null : keyFromText(after),
          through: through === null ? null : keyFromText(through),
        })
      expect((await within(null, null)).map(({ key }) => key)).toEqual(all)
      expect(told(await within('a', 'b/c'))).toEqual(['b: 1 2', 'b/c: 1 2'])
      expect((await within('b', null)).map(({ key }) => key)).toEqual(all.filter((key) => key > 'b'))
      expect(await within('d', 'd')).toEqual([])
      await storage.close()
    })

    test('says whether it keeps what it is given now', async () => {
      const storage = await open()
      expect(await storage.versions!.state(noSignal)).toBe('enabled')
      await storage.close()
    })
  })
}
