/**
 * What can go wrong on the wire. The codes are those that undici and Node give the same things, so that faults.ts tells
 * their meaning whichever client is behind.
 */
const codes = {
  /** The connection ended, or did what no sound one does, before the answer was whole. */
  broken: 'UND_ERR_SOCKET',
  /** No connection within its time, TLS included. */
  'no-connection': 'UND_ERR_CONNECT_TIMEOUT',
  /** No head of an answer within the request's patience. */
  'no-head': 'UND_ERR_HEADERS_TIMEOUT',
  /** Silence, or less than the floor of progress, in the middle of a body. */
  stalled: 'UND_ERR_BODY_TIMEOUT',
  /** Bytes that are no HTTP/1.1, or more of it than this client knows. */
  malformed: 'HPE_INVALID_RESPONSE',
  'head-too-long': 'UND_ERR_HEADERS_OVERFLOW',
  'body-too-long': 'UND_ERR_RES_EXCEEDED_MAX_SIZE',
  /** A body to be sent that ended early, or went on. */
  'wrong-length': 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  /** The wire was closed while the request was under way. */
  closed: 'UND_ERR_DESTROYED',
  /** What cannot be said in a request. */
  unsayable: 'UND_ERR_INVALID_ARG',
} as const

export type WireFault = keyof typeof codes

export class WireError extends Error {
  readonly fault: WireFault
  readonly code: string

  constructor(fault: WireFault, message: string) {
    super(message)
    this.name = 'WireError'
    this.fault = fault
    this.code = codes[fault]
  }
}

export const malformed = (message: string) => new WireError('malformed', message)
export const broken = (message: string) => new WireError('broken', message)
