/**
 * Chunked bodies (RFC 9112, 7.1), read as they come: any cut between two bytes gives the same result. Extensions and
 * trailers are let through under bounds and say nothing to us.
 *
 *   size → [extension] → size-lf → data → data-cr → data-lf → size … ; size 0 → trailer lines → over
 */
import { isField, isToken } from './octets.ts'
import { malformed } from './wire-error.ts'

/** 2^52 and a bit: the most hexadecimal digits whose number is exact. */
const mostDigits = 13
const mostExtension = 4 * 1024
const mostTrailer = 16 * 1024

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | Trailer | 'over'
/** At a line's start, in its name, in its value, at its LF, at the LF of the empty line that ends it all. */
type Trailer = 'line' | 'name' | 'value' | 'line-lf' | 'last-lf'

const cr = 0x0d
const lf = 0x0a

export class Chunks {
  #state: State = 'size'
  #digits = 0
  #left = 0
  /** Bytes of this chunk's extension or of the trailer. */
  #extra = 0

  get over(): boolean {
    return this.#state === 'over'
  }

  /** Takes `bytes` from `from` on, gives `data` what of it is body, and returns where it stopped: `to`, or the answer's end. */
  feed(bytes: Uint8Array, from: number, to: number, data: (from: number, to: number) => void): number {
    let at = from
    while (at < to && this.#state !== 'over') {
      if (this.#state === 'data') {
        const end = Math.min(at + this.#left, to)
        this.#left -= end - at
        if (this.#left === 0) this.#state = 'data-cr'
        data(at, end)
        at = end
      } else {
        this.#state = this.#step(this.#state, bytes[at]!)
        at++
      }
    }
    return at
  }

  #step(state: Exclude<State, 'data' | 'over'>, byte: number): State {
    switch (state) {
      case 'size':
        return this.#size(byte)
      case 'extension':
        this.#count(mostExtension)
        if (byte === cr) return 'size-lf'
        return isField[byte] === 1 ? state : surprise()
      case 'size-lf':
        if (byte !== lf || this.#digits === 0) return surprise()
        this.#digits = 0
        this.#extra = 0
        return this.#left === 0 ? 'line' : 'data'
      case 'data-cr':
        return byte === cr ? 'data-lf' : surprise()
      case 'data-lf':
        return byte === lf ? 'size' : surprise()
      case 'line':
        if (byte === cr) return 'last-lf'
        this.#count(mostTrailer)
        return isToken[byte] === 1 ? 'name' : surprise()
      case 'name':
        this.#count(mostTrailer)
        if (byte === 0x3a) return 'value'
        return isToken[byte] === 1 ? state : surprise()
      case 'value':
        this.#count(mostTrailer)
        if (byte === cr) return 'line-lf'
        return isField[byte] === 1 ? state : surprise()
      case 'line-lf':
        return byte === lf ? 'line' : surprise()
      case 'last-lf':
        return byte === lf ? 'over' : surprise()
      default:
        return state satisfies never
    }
  }

  #size(byte: number): State {
    const digit = hexDigit(byte)
    if (digit >= 0) {
      if (++this.#digits > mostDigits) return surprise()
      this.#left = this.#left * 16 + digit
      return 'size'
    }
    if (this.#digits === 0) return surprise()
    if (byte === cr) return 'size-lf'
    return byte === 0x3b ? 'extension' : surprise()
  }

  #count(most: number): void {
    if (++this.#extra > most) throw malformed('a chunk with more words than bytes')
  }
}

function surprise(): never {
  throw malformed('a body that is not in chunks')
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const small = byte | 0x20
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1
}
