/**
 * A migration's filter, compiled: which keys belong to it, and where in the key space they can be, so that nothing else is
 * listed. Patterns match the text of a key; a key that is not UTF-8 (a file's name may be) is matched byte by byte, each
 * byte as the character of that number, so that only its ASCII part can be named by a pattern.
 */
import { DrayError } from '../../shared/error.ts'
import { type Key, keyFromText, keyToText } from '../../shared/key.ts'
import type { Filter } from '../../shared/policy.ts'
import { compareRanges, everything, prefixRange, type Range } from '../../shared/range.ts'
import { type Glob, parseGlob } from './glob.ts'

export interface CompiledFilter {
  matches(key: Key): boolean
  /** Where matches can be: sorted, disjoint, never empty; `[everything]` when open. */
  readonly ranges: Range[]
}

/** Throws `usage`, naming the pattern, where one is no glob. */
export function compileFilter(filter: Filter): CompiledFilter {
  const only = filter.only === null ? null : keyFromText(filter.only)
  const include = filter.include.map((glob) => compileGlob('include', glob))
  const exclude = filter.exclude.map((glob) => compileGlob('exclude', glob))
  const included = include.length === 0 ? null : anyOf(include)
  const excluded = exclude.length === 0 ? null : anyOf(exclude)

  return {
    matches(key) {
      if (only !== null && key !== only) return false
      if (included === null && excluded === null) return true
      const text = keyToText(key) ?? key
      return (included === null || included.test(text)) && !excluded?.test(text)
    },
    ranges: only === null ? rangesOf(include) : [{ after: prefixRange(only).after, through: only }],
  }
}

function compileGlob(option: 'include' | 'exclude', glob: string): Glob {
  try {
    return parseGlob(glob)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new DrayError('usage', `--${option}`, `The pattern ${JSON.stringify(glob)} is no glob: ${why}.`, {
      cause: error,
    })
  }
}

const anyOf = (globs: readonly Glob[]) =>
  new RegExp(`^(?:${globs.map((glob) => glob.pattern).join('|')})$`, 'su')

function rangesOf(include: readonly Glob[]): Range[] {
  if (include.length === 0 || include.some((glob) => glob.prefix === null)) return [everything]
  return joined(include.map((glob) => prefixRange(keyFromText(glob.prefix!))))
}

/** Sorted, with those joined that overlap or touch. */
function joined(ranges: Range[]): Range[] {
  const out: Range[] = []
  for (const range of ranges.sort(compareRanges)) {
    const last = out.at(-1)
    if (last === undefined || (last.through !== null && range.after !== null && range.after > last.through)) {
      out.push(range)
    } else if (last.through !== null && (range.through === null || range.through > last.through)) {
      out[out.length - 1] = { after: last.after, through: range.through }
    }
  }
  return out
}
