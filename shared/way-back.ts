/**
 * Whether a migration can be followed back, from its destination to its source: its objects need keys there that they came from. A
 * constant beginning can be taken away again; what a template or a list of keys made cannot.
 */
import type { Arrangement } from './mapping.ts'
import type { Policy } from './policy.ts'
import { parseTemplate } from './template.ts'

/** Texts: keys that begin with `from` at the source begin with `to` at the destination. */
export interface Shift {
  readonly from: string
  readonly to: string
}

/** `shift: null`: keys are the same on both sides. `why`: a sentence. */
export type WayBack = { readonly shift: Shift | null } | { readonly why: string }

export function wayBack({ mapping, manifest }: Arrangement, policy: Pick<Policy, 'versions'> = {}): WayBack {
  if (manifest)
    return {
      why: 'It is about the keys of a list, which says nothing of keys that are new at the destination.',
    }
  if (policy.versions === 'all')
    return {
      why: 'It moves all versions, and versions are only ever added: what was added on either side cannot be told apart.',
    }
  if (!mapping) return { shift: null }
  if (mapping.kind === 'prefix') {
    const { from, to, unmatched } = mapping
    if (from !== '' && unmatched === 'keep')
      return {
        why: 'Its mapping keeps the keys that it does not match, so that a key does not say what it was at the source.',
      }
    return { shift: { from, to } }
  }
  const to = mapping.pattern === null ? beginningOf(mapping.to) : null
  if (to !== null) return { shift: { from: '', to } }
  return {
    why: 'Its mapping makes keys by a pattern or a template, and a key of the destination does not say what it was at the source.',
  }
}

/** Of a template that is nothing but `text{key}`. */
function beginningOf(template: string): string | null {
  const parts = parseTemplate(template, [])
  const last = parts.at(-1)
  if (typeof last !== 'object' || last.name !== 'key' || last.steps.length > 0 || parts.length > 2)
    return null
  const [first] = parts
  if (parts.length === 1) return ''
  return typeof first === 'string' ? first : null
}
