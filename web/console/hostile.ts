/**
 * Keys and messages come from stores, and from whoever may write to them: they are shown, never obeyed. What cannot be seen, or turns the
 * direction of its text, is written out as `\u{202e}`; what is long is cut in the middle.
 */

/** Controls, formats (bidirectional ones, zero widths, tags), separators of lines, lone surrogates, spaces that look like others or like nothing. */
const odd =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u115f\u1160\u3164\uffa0]+/gu

const escaped = (text: string) =>
  Array.from(text, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`).join('')

export interface Piece {
  readonly text: string
  /** Written out: not what the text holds, but the name of it. */
  readonly isOdd: boolean
}

/** In their order. A space at either end is odd, too: nobody would see it. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = []
  const add = (text: string, isOdd: boolean) => {
    if (text !== '') pieces.push({ text, isOdd })
  }
  const inner = text.trim()
  const from = inner === '' ? text.length : text.indexOf(inner)
  add(escaped(text.slice(0, from)), true)
  let at = 0
  for (const match of inner.matchAll(odd)) {
    add(inner.slice(at, match.index), false)
    add(escaped(match[0]), true)
    at = match.index + match[0].length
  }
  add(inner.slice(at), false)
  add(escaped(text.slice(from + inner.length)), true)
  return pieces
}

/** Two thirds of `most` UTF-16 units from the beginning, and the rest of them from the end; null where all of it fits. */
export function cut(text: string, most: number): readonly [head: string, tail: string] | null {
  if (text.length <= most) return null
  const head = Math.floor((most * 2) / 3)
  const whole = (at: number) => (/[\udc00-\udfff]/.test(text.charAt(at)) ? at - 1 : at)
  return [text.slice(0, whole(head)), text.slice(whole(text.length - (most - head)))]
}

/** As one plain text: for titles, labels and what is announced. */
export function plain(text: string, most = 120): string {
  const say = (part: string) =>
    piecesOf(part)
      .map((piece) => piece.text)
      .join('')
  const ends = cut(text, most)
  return ends ? `${say(ends[0])}…${say(ends[1])}` : say(text)
}
