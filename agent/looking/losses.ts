/**
 * What a destination cannot hold of the objects of its source, as far as it can be known before a pass: by its kind, and by
 * questions that change nothing. Where nothing may be lost, some of the source's objects are looked at too.
 */
import { DrayError } from '../../shared/error.ts'
import type { FidelityPolicy, Property } from '../../shared/fidelity.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import { everything } from '../../shared/range.ts'
import { carried, type Refusable } from '../core/fidelity.ts'
import type { Holdings } from '../storage/properties.ts'
import type { Entry, Storage } from '../storage/storage.ts'

/** Objects that are looked at, the first of the listing, where the pass is not to begin if one would lose something. */
const looked = 16

export interface LossesDeps {
  open(location: Location): Promise<Storage>
  signal: AbortSignal
}

/** Warnings, one sentence each. Throws `unsupported-property` where the policy is to lose nothing and something would be. */
export async function lossesOf(
  source: Location,
  destination: Location,
  policy: FidelityPolicy,
  deps: LossesDeps,
): Promise<string[]> {
  // A file has nothing that a bucket could not hold.
  if (source.kind === 'file') return []
  const to = formatLocation(destination)
  if (destination.kind === 'file') {
    await refuseLosses(source, destination, policy, new Set(), deps)
    return [
      `${to} is a directory: content types and other headers, user metadata, tags, redirects and locks of objects are not kept there; what is left out is counted`,
    ]
  }
  const [has, holds] = await Promise.all([ask(source, deps), ask(destination, deps)])
  const refused = new Set<Refusable>()
  if (holds?.tags === false) refused.add('tags')
  if (holds?.objectLock === false) refused.add('object-lock')
  await refuseLosses(source, destination, policy, refused, deps)
  const warnings: string[] = []
  if (policy.tags === 'keep' && holds?.tags === false && has?.tags !== false)
    warnings.push(`${to} holds no tags: those of objects are left out and counted`)
  if (has?.objectLock === true && policy.objectLock === 'drop')
    warnings.push(
      `retention and legal holds of ${formatLocation(source)} are left out and counted; --object-lock keep puts them on the copies, too`,
    )
  if (has?.objectLock === true && policy.objectLock === 'keep' && holds?.objectLock === false)
    warnings.push(`${to} has no Object Lock: retention and legal holds of objects are left out and counted`)
  return warnings
}

/** Null where there is nothing to ask, or no answer: then the first object that needs it will tell. */
async function ask(location: Location, deps: LossesDeps): Promise<Holdings | null> {
  const storage = await deps.open(location)
  try {
    return (await storage.holds?.(deps.signal)) ?? null
  } catch (error) {
    if (deps.signal.aborted) throw error
    return null
  } finally {
    await storage.close()
  }
}

async function refuseLosses(
  source: Location,
  destination: Location,
  policy: FidelityPolicy,
  refused: ReadonlySet<Refusable>,
  deps: LossesDeps,
): Promise<void> {
  if (policy.onLoss !== 'stop') return
  const storage = await deps.open(source)
  try {
    const lost = new Set<Property>()
    const lookAt = async ({ key }: Entry) => {
      const head = await storage.head(key, deps.signal)
      if (!head) return
      const metadata =
        (await storage.describe?.(head, { tags: true, acl: false }, deps.signal)) ?? head.metadata
      for (const name of carried(metadata, head.entry, destination.kind, policy, refused).lost) lost.add(name)
    }
    for await (const page of storage.list(everything, { signal: deps.signal })) {
      await Promise.all(page.slice(0, looked).map(lookAt))
      if (page.length > 0) break
    }
    if (lost.size === 0) return
    const names = [...lost].map((name) => name.replace('-', ' ')).join(', ')
    throw new DrayError(
      'unsupported-property',
      'look',
      `${formatLocation(destination)} cannot hold what objects of ${formatLocation(source)} have: ${names}`,
      { hint: 'Nothing was copied. With --on-loss go-on it is left out and counted.' },
    )
  } finally {
    await storage.close()
  }
}
