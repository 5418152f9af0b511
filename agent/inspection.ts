/** What a destination takes and forgets. */
import type { Key } from '../shared/key.ts'
import { hasUnderscore, namesOf, type Refusable } from './core/fidelity.ts'
import { differingProperties } from './core/same-properties.ts'
import type { Metadata, Storage } from './storage/storage.ts'

/**
 * Looks at the first object of each kind, as the destination shows it. Locks and ACLs are not looked at: whoever may write them
 * may not always see them, and stores that have none refuse them.
 */
export function inspection(destination: Storage) {
  const kinds = ['storage-class', 'encryption', 'tags', 'redirect', 'user-metadata'] as const
  const found = new Set<Refusable>()
  const forgotten = new Set<Refusable>()
  const kindsOf = ({ properties, user }: Metadata) => {
    const names = namesOf(properties ?? {})
    if (hasUnderscore(user)) names.add('user-metadata')
    return kinds.filter((name) => names.has(name))
  }

  async function look(
    key: Key,
    token: string,
    given: Metadata,
    names: readonly Refusable[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const head = await destination.head(key, signal)
      // Somebody else's by now: the next one will tell.
      if (head?.entry.token !== token) return
      // Who may not see tags is shown none of their number.
      const counted = { ...head.metadata.properties, tagCount: given.properties?.tags?.length ?? 0 }
      const asked = { ...head, metadata: { ...head.metadata, properties: counted } }
      const there = await destination.describe?.(asked, { tags: true, acl: false }, signal)
      const differs = differingProperties(given.properties, (there ?? head.metadata).properties)
      if (Object.keys(given.user).some((name) => head.metadata.user[name] === undefined))
        differs.push('user-metadata')
      for (const name of names) if (differs.includes(name)) forgotten.add(name)
    } catch (error) {
      if (signal.aborted) throw error
      // It cannot be seen, so it has to be believed.
    }
    for (const name of names) found.add(name)
  }

  /** The kinds of it that the destination has taken and not kept: those written beside the first one, too. */
  return async (key: Key, token: string, given: Metadata, signal: AbortSignal): Promise<Refusable[]> => {
    const all = kindsOf(given)
    const names = all.filter((name) => !found.has(name))
    if (names.length > 0) await look(key, token, given, names, signal)
    return all.filter((name) => forgotten.has(name))
  }
}
