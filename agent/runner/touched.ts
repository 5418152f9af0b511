/**
 * An object whose content is equal on both sides, while its source was written after it was copied: other metadata, perhaps.
 * Both sides are asked, once; the row that is left in the baseline says that it was done.
 */
import { carry } from '../core/carry.ts'
import type { Decision } from '../core/decide.ts'
import { isSameMetadata } from '../core/same-metadata.ts'
import type { Pass } from './pass.ts'

export type Touched = Extract<Decision, { is: 'touched' }>

/** `same`: in metadata too, as far as they are carried. False as well where either side is no longer what was listed. */
export async function isSameBesides(
  { source, destination }: Pick<Pass, 'source' | 'destination'>,
  touched: Touched,
  signal: AbortSignal,
): Promise<boolean> {
  const { key } = touched.source
  const [from, to] = await Promise.all([source.head(key, signal), destination.head(key, signal)])
  if (from?.entry.token !== touched.source.token || to?.entry.token !== touched.destination.token)
    return false
  return isSameMetadata(carry(from.metadata, from.entry, destination.kind), to.metadata)
}
