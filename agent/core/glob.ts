/**
 * One glob as a regular expression over the text of a key. A key is no path: it may hold `//`, `.` and `..` segments and
 * line breaks, all of which a pattern must see, or an object that an operator excluded would be moved after all. Path
 * matchers skip such segments by design, which is why this is our own; see shared/policy.ts for what operators are told.
 *
 *   *      any characters but `/`, or none          **     any characters at all, or none; `a/**` is what is in folder
 *   ?      one character but `/`                           `a`, and `a/**\/b` is `a/b` too
 *   [a-z]  one of these, never `/`; `[!a-z]` or     {a,b}  one of these, which may be globs, and nest; without a comma,
 *          `[^a-z]` one that is none of these              braces stand for themselves
 *   \x     x itself                                 else   itself: `( ) | + ^ $ . ! @` have no meaning here
 */

export interface Glob {
  /** To be matched from the first character to the last, with the flags `s` and `u`. */
  readonly pattern: string
  /** What every match begins with; null where a match can be at any depth. */
  readonly prefix: string | null
}

/** Throws a `SyntaxError` that says what is wrong. */
export function parseGlob(glob: string): Glob {
  // `folder/`: everything in folders of that name. A slash at the end does not anchor, one before it does.
  const body = glob.endsWith('/') ? `${glob}**` : glob
  const anchored = body.startsWith('/') ? body.slice(1) : body
  const atAnyDepth = !glob.slice(0, -1).includes('/')
  const reader = { glob: anchored, at: 0, literal: '', isLiteral: true }
  const pattern = sequence(reader, false)
  return atAnyDepth ? { pattern: `(?:.*/)?${pattern}`, prefix: null } : { pattern, prefix: reader.literal }
}

interface Reader {
  readonly glob: string
  at: number
  /** What was read until the first thing that is no literal. */
  literal: string
  isLiteral: boolean
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&')

/** Up to the end, or in braces up to the `,` or `}` that ends this alternative. */
function sequence(reader: Reader, inBraces: boolean): string {
  const { glob } = reader
  let out = ''
  while (reader.at < glob.length) {
    const character = String.fromCodePoint(glob.codePointAt(reader.at)!)
    if (inBraces && (character === ',' || character === '}')) return out
    if (character === '*') {
      out += stars(reader)
    } else if (character === '?') {
      reader.at++
      reader.isLiteral = false
      out += '[^/]'
    } else if (character === '[') {
      out += set(reader)
    } else if (character === '{') {
      out += hasAlternatives(glob, reader.at) ? alternatives(reader) : plainBraces(reader)
    } else {
      out += literal(reader, character)
    }
  }
  return out
}

function literal(reader: Reader, first: string): string {
  let character = first
  if (character === '\\') {
    reader.at++
    if (reader.at === reader.glob.length)
      throw new SyntaxError('it ends in "\\", which must stand before a character')
    character = String.fromCodePoint(reader.glob.codePointAt(reader.at)!)
  }
  reader.at += character.length
  if (reader.isLiteral) reader.literal += character
  return escaped(character)
}

function stars(reader: Reader): string {
  const { glob } = reader
  const begin = reader.at
  while (glob[reader.at] === '*') reader.at++
  reader.isLiteral = false
  if (reader.at - begin === 1) return '[^/]*'
  const opensSegment = begin === 0 || glob[begin - 1] === '/'
  if (!opensSegment || glob[reader.at] !== '/') return '.*'
  while (glob.startsWith('/**/', reader.at)) reader.at += 3 // `**/**/` is `**/`, and cheaper
  reader.at++
  return '(?:.*/)?'
}

function set(reader: Reader): string {
  const { glob } = reader
  const begin = reader.at
  let at = begin + 1
  const negated = glob[at] === '!' || glob[at] === '^'
  if (negated) at++
  const members: string[] = []
  // Right after the bracket, `]` is a member.
  for (let first = true; first || glob[at] !== ']'; first = false) {
    if (at >= glob.length)
      throw new SyntaxError(`"[" at ${begin + 1} is never closed; write "\\[" for the character itself`)
    if (glob.startsWith('[:', at)) throw new SyntaxError('classes such as "[:alpha:]" have no meaning here')
    if (glob[at] === '\\') at++
    const character = glob.codePointAt(at)
    if (character === undefined) throw new SyntaxError(`"[" at ${begin + 1} is never closed`)
    members.push(String.fromCodePoint(character))
    at += members.at(-1)!.length
  }
  reader.at = at + 1
  reader.isLiteral = false
  return `(?!/)[${negated ? '^' : ''}${ranges(members, glob.slice(begin, reader.at))}]`
}

function ranges(members: string[], shown: string): string {
  const code = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`
  let out = ''
  for (let i = 0; i < members.length; i++) {
    const [from, dash, to] = members.slice(i, i + 3)
    if (dash !== '-' || to === undefined) {
      out += code(from!)
      continue
    }
    if (from!.codePointAt(0)! > to.codePointAt(0)!)
      throw new SyntaxError(`${shown} has a range that runs backwards`)
    out += `${code(from!)}-${code(to)}`
    i += 2
  }
  return out
}

function alternatives(reader: Reader): string {
  reader.isLiteral = false
  const found: string[] = []
  do {
    reader.at++ // past `{` or `,`
    found.push(sequence(reader, true))
  } while (reader.glob[reader.at] === ',')
  reader.at++
  return `(?:${found.join('|')})`
}

function plainBraces(reader: Reader): string {
  const open = literal(reader, '{')
  const inside = sequence(reader, true)
  return open + inside + literal(reader, '}')
}

/** Whether the brace at `begin` holds a comma of its own before it closes. Throws where it never closes. */
function hasAlternatives(glob: string, begin: number): boolean {
  let depth = 0
  let comma = false
  for (let at = begin; at < glob.length; at++) {
    const character = glob[at]
    if (character === '\\') at++
    else if (character === '[') at = endOfSet(glob, at)
    else if (character === '{') depth++
    else if (character === ',' && depth === 1) comma = true
    else if (character === '}' && --depth === 0) return comma
  }
  throw new SyntaxError(`"{" at ${begin + 1} is never closed; write "\\{" for the character itself`)
}

function endOfSet(glob: string, begin: number): number {
  let at = begin + (glob[begin + 1] === '!' || glob[begin + 1] === '^' ? 2 : 1)
  if (glob[at] === ']') at++
  while (at < glob.length && glob[at] !== ']') at += glob[at] === '\\' ? 2 : 1
  return at
}
