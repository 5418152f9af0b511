/**
 * The head of an answer: checked byte by byte when it comes, its headers looked up in its text when somebody asks.
 * Most of them nobody ever asks for, and an object of all of them costs more than everything else about a small answer.
 *
 * Strict: a status line of HTTP/1.0 or 1.1, lines that end in CR LF, names that are tokens directly before their colon,
 * values without control characters, no line that goes on in the next.
 */
import { isField, isToken, lowered } from './octets.ts'
import { malformed } from './wire-error.ts'

/** A store sends a dozen or two, and one for each entry of the user's metadata. */
const mostHeaders = 512

const zero = 0x30
const cr = 0x0d
const lf = 0x0a
const space = 0x20
const tab = 0x09
const colon = 0x3a

export class Head {
  readonly status: number
  /** HTTP/1.`minor`: 0 or 1. */
  readonly minor: number
  readonly #text: string
  /** Of each line in turn: start and end of its name, start and end of its value. */
  readonly #marks: number[]
  #object: Record<string, string> | null = null

  /** `text`: the bytes from the status line to the empty line that ends the head, both included. Throws `malformed`. */
  constructor(text: string) {
    this.#text = text
    this.#marks = []
    this.minor = text.charCodeAt(7) - zero
    this.status = digits(text, 9)
    const version = text.startsWith('HTTP/1.') && (this.minor === 0 || this.minor === 1)
    if (!version || text.charCodeAt(8) !== space || this.status < 100) throw malformed('no status line')
    const after = text.charCodeAt(12)
    if (after !== space && after !== cr) throw malformed('no status line')
    this.#scan(endOfField(text, 12) + 2)
  }

  #scan(start: number): void {
    const text = this.#text
    const marks = this.#marks
    const end = text.length - 2
    let at = start
    while (at < end) {
      const name = at
      while (isToken[text.charCodeAt(at)] === 1) at++
      if (at === name || text.charCodeAt(at) !== colon) throw malformed('a header without a name')
      const nameEnd = at++
      while (isBlank(text.charCodeAt(at))) at++
      const lineEnd = endOfField(text, at)
      let valueEnd = lineEnd
      while (valueEnd > at && isBlank(text.charCodeAt(valueEnd - 1))) valueEnd--
      marks.push(name, nameEnd, at, valueEnd)
      at = lineEnd + 2
    }
    if (at !== end) throw malformed('a head that does not end')
    if (marks.length > mostHeaders * 4) throw malformed('too many headers')
  }

  /** By lower-case name; several of one name joined by `, `. */
  get(name: string): string | undefined {
    const marks = this.#marks
    let found: string | undefined
    for (let i = 0; i < marks.length; i += 4) {
      if (marks[i + 1]! - marks[i]! !== name.length || !this.#isNamed(marks[i]!, name)) continue
      const value = this.#text.slice(marks[i + 2]!, marks[i + 3]!)
      found = found === undefined ? value : `${found}, ${value}`
    }
    return found
  }

  /** How many lines have this lower-case name. */
  count(name: string): number {
    const marks = this.#marks
    let found = 0
    for (let i = 0; i < marks.length; i += 4) {
      if (marks[i + 1]! - marks[i]! === name.length && this.#isNamed(marks[i]!, name)) found++
    }
    return found
  }

  /** Those whose name begins with `prefix` (lower-case; `x-amz-meta-`), by the rest of their names, lower-case. */
  under(prefix: string): Record<string, string> {
    const marks = this.#marks
    const found: Record<string, string> = {}
    for (let i = 0; i < marks.length; i += 4) {
      const start = marks[i]!
      if (marks[i + 1]! - start <= prefix.length || !this.#isNamed(start, prefix)) continue
      const name = this.#text.slice(start + prefix.length, marks[i + 1]!).toLowerCase()
      const value = this.#text.slice(marks[i + 2]!, marks[i + 3]!)
      add(found, name, value)
    }
    return found
  }

  /** All of them, by lower-case name. Made at the first call. */
  get object(): Readonly<Record<string, string>> {
    this.#object ??= this.under('')
    return this.#object
  }

  #isNamed(start: number, name: string): boolean {
    const text = this.#text
    for (let i = 0; i < name.length; i++) {
      if (lowered[text.charCodeAt(start + i)] !== name.charCodeAt(i)) return false
    }
    return true
  }
}

/** No name of a header reaches an object's prototype: `__proto__` is a token like any other. */
function add(into: Record<string, string>, name: string, value: string): void {
  if (name === '__proto__') {
    Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
  } else {
    const before = Object.hasOwn(into, name) ? into[name] : undefined
    into[name] = before === undefined ? value : `${before}, ${value}`
  }
}

const isBlank = (code: number) => code === space || code === tab

/** Where the line's CR LF begins. */
function endOfField(text: string, from: number): number {
  let at = from
  while (isField[text.charCodeAt(at)] === 1) at++
  if (text.charCodeAt(at) !== cr || text.charCodeAt(at + 1) !== lf)
    throw malformed('a control character in the head')
  return at
}

/** Three digits, or -1. */
function digits(text: string, at: number): number {
  let value = 0
  for (let i = at; i < at + 3; i++) {
    const digit = text.charCodeAt(i) - zero
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}
