/** Whether an object at the destination is, besides its bytes and headers, what it is to be. Pure. */
import type { Properties } from '../storage/properties.ts'
import { namesOf, type Refusable } from './fidelity.ts'

/**
 * The properties of `wanted` that `found` has not, or has otherwise. `wanted`: as it would be carried there
 * (`Fidelity.carry`); `found`: as the destination has it, where it matters with its tags and ACL (`Storage.describe`). What is
 * found and not wanted counts for tags alone: other things are the destination's own doing (its default class or encryption).
 */
export function differingProperties(
  wanted: Properties | undefined,
  found: Properties | undefined,
): Refusable[] {
  const differs: Refusable[] = []
  const [want, have] = [wanted ?? {}, found ?? {}]
  for (const name of namesOf(want)) {
    if (!isHeld[name]?.(want, have)) differs.push(name)
  }
  if (!want.tags && (have.tagCount ?? 0) > 0) differs.push('tags')
  return differs
}

const isHeld: Partial<Record<Refusable, (want: Properties, have: Properties) => boolean>> = {
  'storage-class': (want, have) => want.storageClass === have.storageClass,
  // Without a key's name, any that the bucket chose will do.
  encryption: ({ encryption: want }, { encryption: have }) =>
    want?.algorithm === have?.algorithm && (want?.key === undefined || want.key === have?.key),
  'object-lock': (want, have) =>
    want.legalHold === have.legalHold &&
    want.retention?.mode === have.retention?.mode &&
    timeOf(want.retention?.until) === timeOf(have.retention?.until),
  tags: (want, have) =>
    have.tags === undefined
      ? want.tags?.length === (have.tagCount ?? 0)
      : lines(want.tags, ({ name, value }) => [name, value]) ===
        lines(have.tags, ({ name, value }) => [name, value]),
  acl: (want, have) =>
    have.acl === undefined ||
    lines(want.acl?.grants, ({ permission, who }) => [permission, who]) ===
      lines(have.acl.grants, ({ permission, who }) => [permission, who]),
  redirect: (want, have) => want.redirect === have.redirect,
  // Stores choose their own.
  checksum: () => true,
}

/** Stores write one moment in several ways. */
const timeOf = (until: string | undefined) => (until === undefined ? null : Date.parse(until))

const lines = <T>(of: readonly T[] | undefined, words: (each: T) => string[]): string =>
  JSON.stringify((of ?? []).map((each) => JSON.stringify(words(each))).sort())
