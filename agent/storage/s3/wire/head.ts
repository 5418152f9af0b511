/**
 * The head of an answer: checked byte by byte when it comes, its headers looked up in its text when somebody asks.
 * Most of them nobody ever asks for, and an object of all of them costs more than everything else about a small answer.
 *
 * Strict: a status line of HTTP/1.0 or 1.1, lines that end in CR LF, names that are tokens directly before their colon,
 * values without control characters, no line that goes on in the next.
 */
import { nameIn } from './names.ts'
import { isField, isToken } from './octets.ts'
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
  /** Of each header, lower-case, in their order. */
  readonly names: readonly string[]
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
    this.names = this.#scan(endOfField(text, 12) + 2)
  }

  #scan(start: number): string[] {
    const text = this.#text
    const names: string[] = []
    const end = text.length - 2
    let at = start
    while (at < end) {
      this.#lines.push(at)
      const name = at
      while (isToken[text.charCodeAt(at)] === 1) at++
      if (at === name || text.charCodeAt(at) !== colon) throw malformed('a header without a name')
      names.push(nameIn(text, name, at))
      at = endOfField(text, at + 1) + 2
    }
    if (at !== end) throw malformed('a head that does not end')
    if (names.length > mostHeaders) throw malformed('too many headers')
    this.#lines.push(end)
    return names
  }

  /** By lower-case name; several of one name joined by `, `. */
  get(name: string): string | undefined {
    const { names } = this
    let found: string | undefined
    for (let i = 0; i < names.length; i++) {
      if (names[i] !== name) continue
      const value = this.valueAt(i)
      found = found === undefined ? value : `${found}, ${value}`
    }
    return found
  }

  /** Of the header at this place among `names`, without the blanks around it. */
  valueAt(place: number): string {
    let start = this.#lines[place]! + this.names[place]!.length + 1
    let end = this.#lines[place + 1]! - 2
    while (isBlank(this.#text.charCodeAt(start)) && start < end) start++
    while (end > start && isBlank(this.#text.charCodeAt(end - 1))) end--
    return this.#text.slice(start, end)
  }

  /** All of them, by lower-case name. Made at the first call. */
  get object(): Readonly<Record<string, string>> {
    if (this.#object === null) {
      this.#object = {}
      for (let i = 0; i < this.names.length; i++) addHeader(this.#object, this.names[i]!, this.valueAt(i))
    }
    return this.#object
  }
}

/** Several of one name are joined. No name of a header reaches an object's prototype: `__proto__` is a token like any other. */
export function addHeader(into: Record<string, string>, name: string, value: string): void {
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
