/** A migration's mapping, compiled: what the source's keys become at the destination. */
import { DrayError } from '../../shared/error.ts'
import { displayKey, type Key, keyFromText } from '../../shared/key.ts'
import { groupsOf, type Mapping } from '../../shared/mapping.ts'
import { parseTemplate, type TemplatePart } from '../../shared/template.ts'
import { compileTemplate, subjectOf } from './expand.ts'
import { eachInTime } from './time-limit.ts'

/** A key; or why there is none; or null where the key is left out. */
export type Place = Key | { readonly why: string } | null

export interface KeyMap {
  /** In the order of `keys`. Throws `usage` where the pattern takes too long. */
  places(keys: readonly Key[]): Place[]
  /** Where the mapping is nothing but another beginning, so that keys keep their order; what does not begin with `from` is left out. */
  readonly shift: { readonly from: Key; readonly to: Key } | null
}

/** The longest key that crosses to the control plane (shared/protocol.ts). */
const longest = 4_096

/** Throws `usage` where the pattern or the template is wrong. */
export function compileMapping(mapping: Mapping): KeyMap {
  const { unmatched } = mapping
  const left = (key: Key): Place =>
    unmatched === 'keep' ? key : unmatched === 'skip' ? null : { why: 'The mapping does not match it.' }

  if (mapping.kind === 'prefix') {
    const [from, to] = [keyFromText(mapping.from), keyFromText(mapping.to)]
    return {
      places: (keys) =>
        keys.map((key) => (key.startsWith(from) ? valid((to + key.slice(from.length)) as Key) : left(key))),
      shift: from === '' || unmatched === 'skip' ? { from, to } : null,
    }
  }

  const { pattern, parts } = compiled(mapping)
  const expand = compileTemplate(parts)
  if (pattern === null) {
    return { places: (keys) => keys.map((key) => valid(expand(subjectOf(key), {}))), shift: shiftOf(parts) }
  }
  return {
    places(keys) {
      const places: Place[] = []
      const slow = eachInTime(keys.length, (i) => {
        const subject = subjectOf(keys[i]!)
        const match = pattern.exec(subject.text)
        places[i] = match ? valid(expand(subject, match.groups ?? {})) : left(keys[i]!)
      })
      if (slow !== null) throw tooSlow(keys[slow]!)
      return places
    },
    shift: null,
  }
}

function compiled({ pattern, to }: Mapping & { kind: 'template' }): {
  pattern: RegExp | null
  parts: TemplatePart[]
} {
  try {
    const parts = parseTemplate(to, groupsOf(pattern))
    return { parts, pattern: pattern === null ? null : new RegExp(`^(?:${pattern})$`, 'su') }
  } catch (cause) {
    throw new DrayError('usage', 'map keys', `The mapping is wrong: ${(cause as Error).message}.`, { cause })
  }
}

/** `text{key}` is a new beginning, however it was written. */
function shiftOf(parts: readonly TemplatePart[]): KeyMap['shift'] {
  const last = parts.at(-1)
  if (typeof last !== 'object' || last.name !== 'key' || last.steps.length > 0 || parts.length > 2)
    return null
  const [first] = parts
  if (parts.length === 2 && typeof first !== 'string') return null
  return { from: '' as Key, to: keyFromText(typeof first === 'string' ? first : '') }
}

/** As a key at the destination. */
export function valid(key: Key): Place {
  if (key === '') return { why: 'The mapping makes an empty key of it.' }
  return key.length <= longest ? key : { why: `The mapping makes a key of ${key.length} bytes of it.` }
}

function tooSlow(key: Key): DrayError {
  return new DrayError('usage', 'map keys', `The pattern takes more than a second on ${displayKey(key)}.`, {
    hint: 'It tries too many ways to match it. Write it so that nothing can be matched in two ways: a+ and not (a+)+.',
  })
}
