/**
 * Which objects a verification by sample reads in full: each by a hash of its key and of the pass, so that whichever agent does it chooses the
 * same, and nobody who wrote the objects before the pass began could know which.
 */
import { hash } from 'node:crypto'
import type { Key } from '../../shared/key.ts'

/** Bytes of a digest that are looked at. */
const bytes = 6

/** `share`: above 0, at most 1. `startedAt`: of the pass (ms). */
export function sampleOf(
  { migration, pass, startedAt }: { migration: string; pass: number; startedAt: number },
  share: number,
): (key: Key) => boolean {
  const seed = `dray-sample-1\n${migration}\n${pass}\n${startedAt}\n`
  const below = share * 256 ** bytes
  return (key) => {
    const digest = hash('sha256', Buffer.from(seed + key, 'latin1'), 'hex')
    return Number.parseInt(digest.slice(0, 2 * bytes), 16) < below
  }
}
