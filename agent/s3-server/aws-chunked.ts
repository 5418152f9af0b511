/**
 * The `aws-chunked` body: `size[;chunk-signature=…]CRLF data CRLF … 0 CRLF trailers CRLF`. Signatures form a chain that
 * begins at the request's own; a chunk is handed on as it arrives, and the request fails at the chunk that is wrong.
 */
import { createHash } from 'node:crypto'
import { S3Error } from './errors.ts'
import { type Authentication, hmac, sha256 } from './sigv4.ts'

const emptyHash = sha256('')
const smallestChunk = 8192

type State =
  | { at: 'size' }
  | { at: 'data'; left: number }
  | { at: 'data-end' }
  | { at: 'trailers' }
  | { at: 'end' }

export class ChunkDecoder {
  readonly trailers = new Map<string, string>()
  #state: State = { at: 'size' }
  #line = ''
  #signature: string
  #chunkSignature = ''
  #chunkHash = createHash('sha256')
  #lastSize = smallestChunk
  #trailerSignature: string | null = null
  readonly #authentication: Authentication
  readonly #signed: boolean
  readonly #trailing: boolean

  constructor(authentication: Authentication) {
    this.#authentication = authentication
    this.#signature = authentication.signature
    this.#signed = !authentication.payload.startsWith('STREAMING-UNSIGNED')
    this.#trailing = authentication.payload.endsWith('-TRAILER')
  }

  /** The object's own bytes out of `bytes`, in order. */
  *decode(bytes: Buffer): Generator<Buffer> {
    let at = 0
    while (at < bytes.length) {
      if (this.#state.at === 'end') throw new S3Error('IncompleteBody', 'Bytes follow the last chunk')
      if (this.#state.at === 'data') {
        const piece = bytes.subarray(at, at + this.#state.left)
        at += piece.length
        if (this.#signed) this.#chunkHash.update(piece)
        this.#state = { at: 'data', left: this.#state.left - piece.length }
        if (this.#state.left === 0) this.#state = { at: 'data-end' }
        yield piece
        continue
      }
      const end = bytes.indexOf(10, at)
      this.#line += bytes.toString('latin1', at, end < 0 ? bytes.length : end + 1)
      if (this.#line.length > 16_384) throw new S3Error('IncompleteBody', 'A chunk header is too long')
      if (end < 0) return
      at = end + 1
      const line = this.#line
      this.#line = ''
      if (!line.endsWith('\r\n')) throw new S3Error('IncompleteBody', 'A chunk header ends without CRLF')
      this.#takeLine(line.slice(0, -2))
    }
  }

  /** At the end of the request's body. */
  finish(): void {
    if (this.#state.at !== 'end')
      throw new S3Error('IncompleteBody', 'The request body terminated unexpectedly')
  }

  #takeLine(line: string): void {
    switch (this.#state.at) {
      case 'size':
        this.#takeSize(line)
        return
      case 'data-end':
        if (line !== '') throw new S3Error('IncompleteBody', 'A chunk is longer than its size')
        this.#checkChunk()
        this.#state = { at: 'size' }
        return
      default:
        this.#takeTrailer(line)
    }
  }

  #takeSize(line: string): void {
    const found = /^([0-9a-fA-F]{1,12})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line)
    if (!found || (this.#signed && found[2] === undefined))
      throw new S3Error('IncompleteBody', 'A chunk header is malformed')
    const size = Number.parseInt(found[1]!, 16)
    this.#chunkSignature = found[2] ?? ''
    if (size === 0) {
      this.#checkChunk()
      this.#state = { at: 'trailers' }
      return
    }
    if (this.#lastSize < smallestChunk)
      throw new S3Error('InvalidChunkSizeError', undefined, {
        fields: { BadChunkSize: String(this.#lastSize) },
      })
    this.#lastSize = size
    this.#state = { at: 'data', left: size }
  }

  #checkChunk(): void {
    if (!this.#signed) return
    const { date, scope, signingKey } = this.#authentication
    const hash = this.#chunkHash.digest('hex')
    this.#chunkHash = createHash('sha256')
    const text = ['AWS4-HMAC-SHA256-PAYLOAD', date, scope, this.#signature, emptyHash, hash].join('\n')
    const expected = hmac(signingKey, text).toString('hex')
    if (expected !== this.#chunkSignature)
      throw new S3Error('SignatureDoesNotMatch', undefined, { fields: { StringToSign: text } })
    this.#signature = expected
  }

  #takeTrailer(line: string): void {
    if (line === '') {
      this.#checkTrailers()
      this.#state = { at: 'end' }
      return
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (colon < 1 || !this.#trailing || this.trailers.size > 10)
      throw new S3Error('InvalidRequest', 'The request contained trailing data that was not well-formed')
    if (name === 'x-amz-trailer-signature') this.#trailerSignature = value
    else this.trailers.set(name, value)
  }

  #checkTrailers(): void {
    if (!this.#signed || !this.#trailing) return
    const { date, scope, signingKey } = this.#authentication
    const lines = [...this.trailers].map(([name, value]) => `${name}:${value}\n`).join('')
    const text = ['AWS4-HMAC-SHA256-TRAILER', date, scope, this.#signature, sha256(lines)].join('\n')
    if (hmac(signingKey, text).toString('hex') !== this.#trailerSignature)
      throw new S3Error('SignatureDoesNotMatch', undefined, { fields: { StringToSign: text } })
  }
}
