/**
 * A body in `aws-chunked` form, with its checksum behind it, for a store that takes that: the only way to give one the checksum of a stream, which is known
 * at its end. Chunks are all of one size, so that the length is known at the beginning.
 */
import { Feed } from './feed.ts'

const chunk = 64 * 1024
const line = (size: number) => `${size.toString(16)}\r\n`

/** `header`: `x-amz-checksum-…`; `digits`: of its value. */
export interface Trailer {
  readonly header: string
  readonly digits: number
}

/** Of the whole frame, for a body of `size` bytes. */
export function framedLength(size: number, { header, digits }: Trailer): number {
  const last = size % chunk
  const whole = Math.floor(size / chunk) * (line(chunk).length + chunk + 2)
  const rest = last === 0 ? 0 : line(last).length + last + 2
  return whole + rest + line(0).length + `${header}:`.length + digits + 4
}

export class FramedFeed extends Feed {
  readonly #header: string
  #pieces: Buffer[] = []
  #length = 0
  #isOver = false

  constructor({ header }: Trailer) {
    super()
    this.#header = header
  }

  override give(bytes: Buffer): Promise<void> | undefined {
    this.#pieces.push(bytes)
    this.#length += bytes.length
    if (this.#length < chunk) return
    const all = Buffer.concat(this.#pieces)
    const whole = all.length - (all.length % chunk)
    this.#keep(all.subarray(whole))
    const framed: Buffer[] = []
    for (let at = 0; at < whole; at += chunk) framed.push(...frame(all.subarray(at, at + chunk)))
    return super.give(Buffer.concat(framed))
  }

  override finish(checksum: string | null): void {
    if (this.#isOver) return
    this.#isOver = true
    const last = Buffer.concat(this.#pieces)
    this.#keep(Buffer.alloc(0))
    const end = Buffer.from(`${line(0)}${this.#header}:${checksum}\r\n\r\n`)
    void super.give(Buffer.concat([...(last.length > 0 ? frame(last) : []), end]))
    super.finish(null)
  }

  #keep(rest: Buffer): void {
    this.#pieces = rest.length > 0 ? [rest] : []
    this.#length = rest.length
  }
}

const frame = (bytes: Buffer): Buffer[] => [Buffer.from(line(bytes.length)), bytes, Buffer.from('\r\n')]
