/** Which of an object's properties a store may mean that refused it: in which order to do without them. Pure. */
import type { Refusable } from './fidelity.ts'

/** In what servers say, their error's code included. */
const words: readonly [Refusable, RegExp][] = [
  ['storage-class', /storage.?class/i],
  ['object-lock', /lock|retention|retain|legal/i],
  ['encryption', /encrypt|kms|\bsse/i],
  ['tags', /tag(s|ging|\b)/i],
  ['acl', /\bacl|access.?control|grant/i],
  ['redirect', /redirect/i],
  ['checksum', /checksum/i],
]

/**
 * Each alone, that which the server's words suggest first, and in the end all of them. A word is only a hint: what counts is
 * whether the store takes the object without.
 */
export function suspects(names: ReadonlySet<Refusable>, message: string): ReadonlySet<Refusable>[] {
  const meant = words.filter(([name, word]) => names.has(name) && word.test(message)).map(([name]) => name)
  const order = [...new Set([...meant, ...names])]
  const alone = order.map((name) => new Set([name]))
  return names.size > 1 ? [...alone, names] : alone
}
