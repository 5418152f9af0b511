/**
 * An object whose content is equal on both sides, while its source was written after it was copied: other metadata, perhaps.
 * Both sides are asked, once; the row that is left in the baseline says that it was done.
 */
import type { Decision } from '../core/decide.ts'
import { isSameMetadata } from '../core/same-metadata.ts'
import { differingProperties } from '../core/same-properties.ts'
import type { Pass } from './pass.ts'

export type Touched = Extract<Decision, { is: 'touched' }>

/** In metadata and properties too, as far as they are carried. False as well where either side is no longer what was listed. */
export async function isSameBesides(
  { source, destination, fidelity, options }: Pass,
  touched: Touched,
  signal: AbortSignal,
): Promise<boolean> {
  const { key } = touched.source
  const [from, to] = await Promise.all([source.head(key, signal), destination.head(key, signal)])
  if (from?.entry.token !== touched.source.token || to?.entry.token !== touched.destination.token)
    return false
  const wanted = await fidelity.carry(from, signal)
  const asked = { tags: options.fidelity.tags === 'keep', acl: options.fidelity.acl === 'keep' }
  const found = (await destination.describe?.(to, asked, signal)) ?? to.metadata
  // What it loses was told when it was copied.
  fidelity.lossesOf(key)
  return (
    isSameMetadata(wanted, found) && differingProperties(wanted.properties, found.properties).length === 0
  )
}
