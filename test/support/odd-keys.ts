/** Keys that S3 takes and that somebody, somewhere, does not. */
import fc from 'fast-check'

/** What rises in one order as bytes and in another as UTF-16: U+FFFD before the astral plane only in bytes. */
const order = [
  '\u{ffff}',
  '\u{fffd}',
  '\u{10000}',
  '\u{1f600}',
  '\u{10ffff}',
  '\ue000',
  'é',
  'e\u0301',
  'ß',
  'ẞ',
]
const neighbours = ['a', 'a.', 'a/', 'a0', 'a/b', 'a/b/', 'a/b/c', 'a!', 'a-', 'a ', 'A', 'A/', 'A/b']
const dots = ['.', '..', './x', '../x', 'x/.', 'x/..', 'x/./y', 'x/../y', '...', 'x/.../y', '..x', 'x..']
const slashes = ['/', '//', '///', '/x', '//x', 'x/', 'x//', 'x//y', 'x///y', '/x/', ' /', '/ ']
const escapes = [
  '%',
  '%%',
  '%2F',
  '%2f',
  '%00',
  '%zz',
  'a%2Fb',
  '%25',
  '%2B',
  '+',
  'a+b',
  'a b',
  '%20',
  'a%20b',
  '&amp;',
  '&#10;',
]
const signs = [
  '?',
  '#',
  '&',
  '=',
  '?a=b',
  'a?list-type=2',
  'a#b',
  '"',
  "'",
  '<',
  '>',
  '<Key>',
  ']]>',
  '\\',
  'a\\b',
  '`',
  '$x',
  '{a,b}',
  '[a]',
  '*',
  '**',
  '!',
  '~',
  '^',
  '|',
  ';',
  ':',
  ',',
  '@',
  '(x)',
  '-',
  '--delete',
]
const blanks = [' ', '  ', ' a', 'a ', ' a ', '\u00a0', '\u2028', '\ufeff', '\ufeffa', '\u202e', '\u200b']
const control = [
  '\t',
  '\n',
  '\r',
  '\r\n',
  'a\nb',
  '\x01',
  '\x08',
  '\x0b',
  '\x1b[31m',
  '\x1f',
  '\x7f',
  '\x80',
  '\x9f',
  'tail\r',
  'tail\n',
]
const long = [
  'l'.repeat(1024),
  'é'.repeat(512),
  '\u{1f600}'.repeat(256),
  `${'s'.repeat(254)}/`.repeat(4).slice(0, 1020),
  `long/${'n'.repeat(255)}`,
  `long/${'n'.repeat(256)}`,
]
const cases = ['Case', 'case', 'CASE', 'cAse/x', 'Case/x']
const words = [
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'index.html',
  '.dray-part.x',
  'con',
  'aux.txt',
]

export const oddKeys: readonly string[] = [
  ...new Set([order, neighbours, dots, slashes, escapes, signs, blanks, control, long, cases, words].flat()),
]

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...oddKeys.filter((key) => key.length < 12)) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constant('/') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 100, maxLength: 300 }) },
)

/** At most 1,024 bytes with `room` before it; no NUL, which servers refuse. */
export function someKeys(seed: number, count: number, room = 0): string[] {
  const arbitrary = fc
    .array(piece, { minLength: 1, maxLength: 5 })
    .map((pieces) => pieces.join('').replaceAll('\0', '\x01'))
    .filter((key) => key !== '' && Buffer.byteLength(key) + room <= 1024)
  return [...new Set(fc.sample(arbitrary, { seed, numRuns: count }))]
}
