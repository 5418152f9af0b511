/**
 * JSON from outside. An object that names a member twice is refused: of the two, readers take either, so what one of them checked may not be
 * what another one does.
 */

const [quote, backslash, colon] = [0x22, 0x5c, 0x3a]

/** Throws a SyntaxError that says what is wrong, in words of its own: the text may hold what no log is to show. */
export function parseJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new SyntaxError('not JSON')
  }
  // Every member has one colon, and those in strings are skipped: fewer members than colons, and one replaced another.
  if (membersOf(value) !== colonsIn(text)) throw new SyntaxError('JSON that names a member twice')
  return value
}

/** Of all objects in it, without recursion: nesting has no bound but the text's length. */
function membersOf(value: unknown): number {
  let members = 0
  const open = [value]
  while (open.length > 0) {
    const one = open.pop()
    if (typeof one !== 'object' || one === null) continue
    const values: unknown[] = Array.isArray(one) ? one : Object.values(one)
    if (!Array.isArray(one)) members += values.length
    for (const inner of values) if (typeof inner === 'object') open.push(inner)
  }
  return members
}

/** Outside of strings. `text` is JSON. */
function colonsIn(text: string): number {
  let colons = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === colon) colons++
    else if (code === quote) i = endOfString(text, i)
  }
  return colons
}

/** Where the string that begins at `start` has its closing quote: one with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text.charCodeAt(before - 1) === backslash) before--
    if ((end - before) % 2 === 0) return end
  }
}
