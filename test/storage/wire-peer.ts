/** The other side of a wire: a server that hears requests as bytes, and says what a test wants it to, byte for byte. */
import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { afterEach } from 'vitest'
import type { HttpRequest } from '../../agent/storage/s3/http.ts'
import { openWire, type Wire, type WireOptions } from '../../agent/storage/s3/wire/wire.ts'
import { noSignal } from './contract.ts'

/** One request, from when its head has come. */
export interface Asked {
  /** `GET /path`. */
  readonly line: string
  readonly head: string
  readonly socket: Socket
  /** Which connection it came on, counted from 0. */
  readonly connection: number
  readonly length: number
  /** Of the body, so far. */
  received: number
  readonly body: Buffer
  /** The body has come whole. */
  readonly whole: Promise<void>
  answer(status: string, body?: string | Buffer, more?: string): void
}

const nothing: Buffer = Buffer.alloc(0)

/** Key and certificate of `localhost` and its address. */
export const pem = readFileSync(new URL('../support/localhost.pem', import.meta.url))

export class Peer extends EventEmitter {
  readonly origin: string
  readonly asked: Asked[] = []
  readonly sockets = new Set<Socket>()
  connections = 0
  /** Called with each request when its head has come. */
  respond: (asked: Asked) => void = (asked) => void asked.whole.then(() => asked.answer('200 OK'))
  readonly #server: Server

  constructor(server: Server, secure: boolean, host = '127.0.0.1') {
    super()
    this.#server = server
    this.origin = `${secure ? 'https' : 'http'}://${host}:${(server.address() as AddressInfo).port}`
  }

  accept(socket: Socket): void {
    const connection = this.connections++
    this.sockets.add(socket)
    this.emit('connection', socket)
    socket
      .on('error', () => {})
      .on('close', () => {
        this.sockets.delete(socket)
        this.emit('closed', connection)
      })
    let pending = nothing
    let current: { asked: Asked; chunks: Buffer[]; whole: () => void } | null = null
    socket.on('data', (chunk: Buffer) => {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      for (;;) {
        if (current === null) {
          const end = pending.indexOf('\r\n\r\n')
          if (end < 0) return
          const head = pending.toString('latin1', 0, end)
          pending = pending.subarray(end + 4)
          current = this.#begin(head, socket, connection)
        }
        const { asked, chunks, whole } = current
        const chunk = pending.subarray(0, asked.length - asked.received)
        if (chunk.length > 0) chunks.push(chunk)
        asked.received += chunk.length
        pending = pending.subarray(chunk.length)
        if (asked.received < asked.length) return
        current = null
        whole()
      }
    })
  }

  #begin(head: string, socket: Socket, connection: number) {
    const done = Promise.withResolvers<void>()
    const chunks: Buffer[] = []
    const asked: Asked = {
      line: head.slice(0, head.indexOf(' HTTP/1.1\r\n')),
      head,
      socket,
      connection,
      received: 0,
      get body() {
        return Buffer.concat(chunks)
      },
      length: Number(/^content-length: (\d+)$/m.exec(head.replaceAll('\r', ''))?.[1] ?? 0),
      whole: done.promise,
      answer: (status, body = '', more = '') => {
        const bytes = Buffer.from(body as string, 'latin1')
        socket.write(`HTTP/1.1 ${status}\r\ncontent-length: ${bytes.length}\r\n${more}\r\n`, 'latin1')
        if (bytes.length > 0) socket.write(bytes)
      },
    }
    this.asked.push(asked)
    this.emit('asked', asked)
    this.respond(asked)
    return { asked, chunks, whole: done.resolve }
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.#server.close()
  }
}

const toClose: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const each of toClose.splice(0)) await each.close()
})

export async function openPeer(secure?: TlsOptions, host = '127.0.0.1'): Promise<Peer> {
  let peer: Peer | null = null
  const accept = (socket: Socket) => peer!.accept(socket)
  const server = secure ? createTlsServer(secure, accept) : createServer({ noDelay: true }, accept)
  server.on('tlsClientError', () => {})
  server.listen(0, host)
  await once(server, 'listening')
  peer = new Peer(server, secure !== undefined, host.includes(':') ? `[${host}]` : host)
  toClose.push(peer)
  return peer
}

export function testWire(options: Partial<WireOptions> = {}): Wire {
  const wire = openWire({ connections: 4, ...options })
  toClose.push(wire)
  return wire
}

export type Some = Partial<HttpRequest>

export function requestTo({ origin }: { origin: string }, more: Some = {}): HttpRequest {
  return {
    origin,
    method: 'GET',
    path: '/',
    headers: {},
    body: null,
    signal: noSignal,
    patience: 10_000,
    fault: (error) => error as Error,
    ...more,
  }
}

/** One that is pumped where it can be. */
export const putTo = (peer: Peer, body: Readable, length: number) =>
  requestTo(peer, { method: 'PUT', headers: { 'content-length': String(length) }, body })

/** A server to read from and one to write to, and a wire to each. */
export async function openPair(secureSource: boolean, secureSink: boolean) {
  const open = (secure: boolean) => openPeer(secure ? { key: pem, cert: pem } : undefined)
  const [source, sink] = [await open(secureSource), await open(secureSink)]
  return { source, sink, from: testWire({ authorities: pem }), to: testWire({ authorities: pem }) }
}

/** What a promise fails with. */
export const faultOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing',
    (error: { fault?: string; code?: string; message: string }) => error.fault ?? error.code ?? error.message,
  )
