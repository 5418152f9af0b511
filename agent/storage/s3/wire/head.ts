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
  /** Where each header's line begins, and where the last one ends. */
  readonly #lines: number[]
  #object: Record<string, string> | null = null

  /** `text`: the bytes from the status line to the empty line that ends the head, both included. Throws `malformed`. */
  constructor(text: string) {
    this.#text = text
    this.#lines = []
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
    const end = text.length - 2
    let at = start
    while (at < end) {
      this.#lines.push(at)
      const name = at
      while (isToken[text.charCodeAt(at)] === 1) at++
      if (at === name || text.charCodeAt(at) !== colon) throw malformed('a header without a name')
      at = endOfField(text, at + 1) + 2
    }
    if (at !== end) throw malformed('a head that does not end')
    if (this.#lines.length > mostHeaders) throw malformed('too many headers')
    this.#lines.push(end)
  }

  /** By lower-case name; several of one name joined by `, `. */
  get(name: string): string | undefined {
    const lines = this.#lines
    let found: string | undefined
    for (let i = 0; i < lines.length - 1; i++) {
      const end = lines[i]! + name.length
      if (this.#text.charCodeAt(end) !== colon || !this.#isNamed(lines[i]!, name)) continue
      const value = this.#value(end, lines[i + 1]!)
      found = found === undefined ? value : `${found}, ${value}`
    }
    return found
  }

  /** Those whose name begins with `prefix` (lower-case; `x-amz-meta-`), by the rest of their names, lower-case. */
  under(prefix: string): Record<string, string> {
    const lines = this.#lines
    const found: Record<string, string> = {}
    for (let i = 0; i < lines.length - 1; i++) {
      const start = lines[i]!
      if (!this.#isNamed(start, prefix)) continue
      const end = this.#text.indexOf(':', start)
      const name = this.#text.slice(start + prefix.length, end).toLowerCase()
      if (name !== '') add(found, name, this.#value(end, lines[i + 1]!))
    }
    return found
  }

  /** All of them, by lower-case name. Made at the first call. */
  get object(): Readonly<Record<string, string>> {
    this.#object ??= this.under('')
    return this.#object
  }

  /** Between the colon and the next line, without the blanks around it. */
  #value(colonAt: number, next: number): string {
    let start = colonAt + 1
    let end = next - 2
    while (isBlank(this.#text.charCodeAt(start)) && start < end) start++
    while (end > start && isBlank(this.#text.charCodeAt(end - 1))) end--
    return this.#text.slice(start, end)
  }

  /** Whether the name at `start` begins with this one. */
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
