/** What can be known of a source before a pass: that it can be listed and read, what of it is archived, and its clock. */
import type { Finding } from '../../shared/finding.ts'
import { displayKey } from '../../shared/key.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import type { PassOptions } from '../../shared/policy.ts'
import { isArchiveClass } from '../core/archive-class.ts'
import type { CompiledFilter } from '../core/filter.ts'
import { compareClocks, type Seen } from '../storage/s3/try-connection.ts'
import type { Entry, Storage } from '../storage/storage.ts'
import { found, obstacle } from './findings.ts'

const first = 1_000

export async function lookAtSource(
  storage: Storage,
  location: Location,
  filter: CompiledFilter,
  options: PassOptions,
  seen: Seen,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { listed, taken } = await firstOf(storage, filter, signal)
  const objects = taken.filter(({ kind, refused }) => kind === 'object' && !refused)
  const where = { kind: 'read', side: 'source' } as const
  const findings = [
    await readable(storage, location, listed, objects, signal).catch((e) => obstacle(where, e)),
  ]
  if (location.kind === 's3') findings.push(archived(objects, options))
  if (seen.skewMs !== null) findings.push(clock('source', seen.skewMs))
  return findings
}

/** What the filter takes of the first 1,000 keys where it can take any. */
async function firstOf(
  storage: Storage,
  { matches, ranges }: CompiledFilter,
  signal: AbortSignal,
): Promise<{ listed: number; taken: Entry[] }> {
  const taken: Entry[] = []
  let listed = 0
  for (const range of ranges) {
    for await (const page of storage.list(range, { signal })) {
      listed += page.length
      taken.push(...page.filter(({ key }) => matches(key)))
      if (listed >= first) return { listed, taken }
    }
  }
  return { listed, taken }
}

async function readable(
  storage: Storage,
  location: Location,
  listed: number,
  objects: readonly Entry[],
  signal: AbortSignal,
): Promise<Finding> {
  const where = { kind: 'read', side: 'source' } as const
  const name = formatLocation(location)
  const one = objects.find(({ storageClass }) => !isArchiveClass(storageClass))
  if (!one) {
    if (objects.length > 0) {
      const message = `${name} can be listed; what was found first is archived, so nothing was read.`
      return found(where, 'unknown', message)
    }
    if (listed >= first) {
      const message = `${name} can be listed; the filter takes nothing of its first ${listed} keys, so nothing was read.`
      return found(where, 'warns', message, { hint: 'Scan it to see what the filter takes.' })
    }
    const what = listed === 0 ? 'nothing is there' : 'nothing is there that the filter takes'
    const hint = listed === 0 ? 'Check the prefix and the filter.' : 'Check the filter.'
    return found(where, 'warns', `${name} can be listed, and ${what}.`, { hint })
  }
  const { key, token, size } = one
  const range = size > 0 ? { range: { first: 0, last: 0 } } : {}
  const reading = await storage.read(key, { token, signal, ...range })
  reading?.body.destroy()
  if (!reading) return found(where, 'unknown', `${displayKey(key)} was gone when it was to be read.`)
  return found(where, 'good', `${name} can be listed and read: ${displayKey(key)} was.`)
}

function archived(objects: readonly Entry[], { archived, restoreDays }: PassOptions): Finding {
  const where = { kind: 'archived', side: 'source' } as const
  const some = objects.filter(({ storageClass }) => isArchiveClass(storageClass)).length
  const of = `of the first ${objects.length} objects`
  if (some === 0) return found(where, 'good', `None ${of} is archived.`)
  const is = some === 1 ? 'is' : 'are'
  const what = {
    fail: `${some} ${of} ${is} archived, and cannot be copied before they are restored: each fails.`,
    skip: `${some} ${of} ${is} archived, and left out.`,
    restore: `${some} ${of} ${is} archived: each is restored for ${restoreDays} days, which the store charges for, and waited for.`,
  }[archived]
  const hint = archived === 'fail' ? 'Let them be restored, or left out (--archived restore, skip).' : null
  return found(where, 'warns', what, { code: 'archived', hint })
}

export function clock(side: 'source' | 'destination', skewMs: number): Finding {
  const where = { kind: 'clock', side } as const
  try {
    return found(where, 'good', compareClocks(skewMs) || 'The clocks of the agent and of the store agree.')
  } catch (thrown) {
    return obstacle(where, thrown, 'warns')
  }
}
