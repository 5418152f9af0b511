/** What the application knows of its objects: of each that it has touched, what was acknowledged last. All others are as they were made. */
import { createHash } from 'node:crypto'

/** MD5s in hex, which an ETag is; null: it was deleted, or never there. More than one where a request failed, so that nobody knows. */
export type Values = (string | null)[]
/** By key. */
export type Journal = Map<string, Values>

export const bucket = 'media'
export const seedKey = (index: number): string =>
  `attachments/${String(Math.floor(index / 1_000)).padStart(3, '0')}/${String(index % 1_000).padStart(3, '0')}/original.jpg`
export const seedBody = (key: string): string => `the first content of ${key}\n`.repeat(1 + (key.length % 5))
export const md5 = (bytes: string | Uint8Array): string => createHash('md5').update(bytes).digest('hex')

/** What is to be in a side: of each key the values that it may have. `seeds`: how many there were in the beginning. */
export function expected(journal: Journal, seeds: number): Map<string, Values> {
  const all = new Map<string, Values>()
  for (let i = 0; i < seeds; i++) all.set(seedKey(i), [md5(seedBody(seedKey(i)))])
  for (const [key, values] of journal) all.set(key, values)
  return all
}
