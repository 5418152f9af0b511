/** How a head says where its answer ends, and whether the connection may be used again after that. */
import type { Head } from './head.ts'
import { broken, malformed } from './wire-error.ts'

export interface Framing {
  /** `close`: nobody said, so that the body ends with the connection. */
  readonly ends: 'at-length' | 'in-chunks' | 'at-close'
  /** Bytes of the body; 0 unless `at-length`. */
  readonly length: number
  readonly keepAlive: boolean
}

/** Throws for a head that can be understood in two ways: somebody on the way may have understood the other. */
export function framingOf(head: Head, method: string): Framing {
  if (head.status === 101) throw malformed('another protocol, which nobody asked for')
  const encoding = head.get('transfer-encoding')
  const said = head.get('content-length')
  if (encoding !== undefined && said !== undefined) throw malformed('both a length and chunks')
  if (encoding !== undefined && (encoding.toLowerCase() !== 'chunked' || head.minor === 0)) {
    throw malformed('a transfer encoding other than chunked')
  }
  const length = said === undefined ? 0 : lengthOf(said)
  const keepAlive = keepsAlive(head)

  if (method === 'HEAD' || head.status === 304) return { ends: 'at-length', length: 0, keepAlive }
  if (head.status === 204) {
    // Some servers give it a body all the same; whatever comes after it is then no answer to the next request.
    return { ends: 'at-length', length: 0, keepAlive: keepAlive && encoding === undefined && length === 0 }
  }
  if (encoding !== undefined) return { ends: 'in-chunks', length: 0, keepAlive }
  if (said !== undefined) return { ends: 'at-length', length, keepAlive }
  return { ends: 'at-close', length: 0, keepAlive: false }
}

/**
 * Whether a body that nobody gave an end may end here. A refusal is understood without its last words; a success that may
 * have been cut off is none.
 */
export function endAtClose(status: number): void {
  if (status < 300) throw broken('the connection ended, and nobody had said how long the answer would be')
}

/** Several of them, equal ones too, are one too many. */
function lengthOf(said: string): number {
  const length = /^\d{1,16}$/.test(said) ? Number(said) : Number.NaN
  if (!Number.isSafeInteger(length)) throw malformed('a length that is none')
  return length
}

function keepsAlive(head: Head): boolean {
  const connection = head.get('connection')
  if (connection === undefined) return head.minor === 1
  const options = connection.toLowerCase().split(/[\t ]*,[\t ]*/)
  if (options.includes('close')) return false
  return head.minor === 1 || options.includes('keep-alive')
}
