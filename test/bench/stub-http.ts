/**
 * HTTP/1.1 on bare sockets, for a server that must cost less than the clients that are measured against it: keep-alive, bodies of known
 * length, one request at a time per connection. It parses what well-behaved clients send and nothing else.
 */
import type { Socket } from 'node:net'

export interface Asked {
  readonly method: string
  /** As it was sent, without the query. */
  readonly path: string
  readonly query: string
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  /** Bytes of its body. */
  readonly length: number
}

export interface Answer {
  readonly status: number
  /** Whole lines, each with its line end. */
  readonly headers: string
  /** What `content-length` says. */
  readonly length: number
  /** Nothing for a HEAD. */
  readonly body?: Buffer | Iterable<Buffer>
}

export interface Handling {
  /** A piece of the body, valid during the call. */
  take?: ((piece: Buffer) => void) | undefined
  /** Once the body is complete. */
  answer(): Answer
}

const headEnd = Buffer.from('\r\n\r\n')
const none = Buffer.alloc(0)
/** Bytes up to which head and body leave in one write. */
const joined = 64 * 1024

/** Answers the requests of one connection, each `delay` milliseconds late. */
export function serveConnection(socket: Socket, handle: (asked: Asked) => Handling, delay = 0): void {
  let unread: Buffer = none
  let current: Handling | null = null
  /** Bytes of the current body that are still to come. */
  let left = 0
  let answering = false

  function proceed(): void {
    while (!answering) {
      if (current === null) {
        const end = unread.indexOf(headEnd)
        if (end < 0) return
        const asked = parseHead(unread.toString('latin1', 0, end))
        unread = unread.subarray(end + headEnd.length)
        left = asked.length
        current = handle(asked)
        if (asked.headers.has('expect')) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      }
      if (left > 0) {
        const piece = unread.subarray(0, left)
        unread = unread.subarray(piece.length)
        left -= piece.length
        if (piece.length > 0) current.take?.(piece)
        if (left > 0) return
      }
      const answer = current.answer()
      current = null
      if (delay === 0) send(answer)
      else {
        answering = true
        setTimeout(() => {
          answering = false
          send(answer)
          proceed()
        }, delay)
      }
    }
  }

  function send({ status, headers, length, body }: Answer): void {
    const head = `HTTP/1.1 ${status} ${status < 300 ? 'OK' : 'No'}\r\n${headers}content-length: ${length}\r\n\r\n`
    if (!Buffer.isBuffer(body) || body.length > joined) {
      socket.write(head, 'latin1')
      if (Buffer.isBuffer(body)) socket.write(body)
      else if (body !== undefined) stream(body)
      return
    }
    const whole = Buffer.allocUnsafe(head.length + body.length)
    whole.write(head, 'latin1')
    whole.set(body, head.length)
    socket.write(whole)
  }

  function stream(body: Iterable<Buffer>): void {
    const pieces = body[Symbol.iterator]()
    answering = true
    const pump = () => {
      for (;;) {
        const next = pieces.next()
        if (next.done) {
          answering = false
          return proceed()
        }
        if (!socket.write(next.value)) return void socket.once('drain', pump)
      }
    }
    pump()
  }

  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes: Buffer) => {
    unread = unread.length === 0 ? bytes : Buffer.concat([unread, bytes])
    proceed()
  })
}

function parseHead(head: string): Asked {
  const [first, ...lines] = head.split('\r\n')
  const [method, target] = first!.split(' ') as [string, string]
  const mark = target.indexOf('?')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers,
    length: Number(headers.get('content-length') ?? 0),
  }
}
