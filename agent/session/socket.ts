/**
 * One WebSocket to the control plane, from the first byte to the last: authorised, parsed, and known to be alive. It is
 * used once; `line.ts` opens the next one.
 */
import WebSocket from 'ws'
import type { ZodType } from 'zod'
import { timeHeader } from '../../shared/identity/signature.ts'
import { maxMessageBytes, ping, pong } from '../../shared/protocol.ts'
import type { Signer } from '../identity/signer.ts'

/** Why a socket is no more. */
export type Ending =
  | { is: 'closed'; code: number; reason: string }
  /** The plane answered the upgrade with an HTTP status. `corrected`: it told its time, by which we go from now on. */
  | { is: 'refused'; status: number; corrected: boolean }
  | { is: 'unreachable'; message: string }
  /** It sent what this agent does not understand. */
  | { is: 'protocol'; message: string }
  /** It does not answer pings. */
  | { is: 'silent' }

export interface SocketOptions<In> {
  url: URL
  signer: Signer
  schema: ZodType<In>
  opened(): void
  received(message: In): void
  /** All that was sent up to `sentAt` (`performance.now()`) has arrived. */
  confirmed(sentAt: number): void
  /** Once, whatever the reason. */
  ended(why: Ending): void
}

export interface Socket {
  send(message: unknown): void
  /** Asks for a sign of life; ends the socket as `silent` where the last ones were never answered. */
  ping(): void
  /** Whether so much waits to be sent that nothing should be added that can be left out. */
  readonly congested: boolean
  close(): void
}

const openTimeoutMs = 10_000
const closeTimeoutMs = 1_000
/** Bytes in the socket's own buffer past which messages wait in ours. */
const highWater = 1024 * 1024
/** Counted in pings and not in time: a process that was asleep itself must not take the plane for dead. */
const pingsUnanswered = 2

export function openSocket<In>(options: SocketOptions<In>): Socket {
  /** Null until it is signed for. */
  let ws: WebSocket | null = null
  const waiting: string[] = []
  /** When each unanswered ping was sent, oldest first. */
  const pings: number[] = []
  let failure: Ending | null = null
  let isOver = false

  function end(why: Ending): void {
    if (isOver) return
    isOver = true
    waiting.length = 0
    ws?.terminate()
    options.ended(failure ?? why)
  }

  function pump(): void {
    while (waiting.length > 0 && ws?.readyState === WebSocket.OPEN && ws.bufferedAmount < highWater)
      ws.send(waiting.shift()!, pump)
  }

  function take(text: string): void {
    if (text === pong) {
      const sentAt = pings.shift()
      if (sentAt !== undefined) options.confirmed(sentAt)
      return
    }
    const message = parse(options.schema, text)
    if (message.ok) {
      options.received(message.value)
      return
    }
    failure = { is: 'protocol', message: message.why }
    ws?.close(1008, 'protocol')
    end(failure)
  }

  function open(headers: Record<string, string>): void {
    if (isOver) return
    ws = new WebSocket(options.url, {
      headers,
      handshakeTimeout: openTimeoutMs,
      maxPayload: 2 * maxMessageBytes,
      perMessageDeflate: false,
    })
    ws.on('open', () => {
      if (!isOver) options.opened()
    })
    ws.on('message', (data, binary) => {
      if (!isOver) take(binary ? '' : data.toString())
    })
    ws.on('unexpected-response', (_request, response) => {
      response.resume()
      const corrected = options.signer.hear(response.headers[timeHeader]?.toString())
      end({ is: 'refused', status: response.statusCode ?? 0, corrected })
    })
    ws.on('error', (error) => {
      failure ??= {
        is: 'unreachable',
        message: error.message || String((error as { code?: unknown }).code ?? ''),
      }
    })
    ws.on('close', (code, reason) => end({ is: 'closed', code, reason: reason.toString() }))
  }

  options.signer.headers('GET', options.url).then(open, (error: unknown) => {
    end({ is: 'unreachable', message: error instanceof Error ? error.message : String(error) })
  })

  return {
    send(message) {
      if (isOver) return
      waiting.push(JSON.stringify(message))
      pump()
    },
    ping() {
      if (pings.length >= pingsUnanswered) return end({ is: 'silent' })
      pings.push(performance.now())
      waiting.push(ping)
      pump()
    },
    get congested() {
      return waiting.length > 0
    },
    close() {
      if (isOver) return
      if (ws === null) {
        isOver = true
        return
      }
      ws.close(1000)
      setTimeout(() => ws?.terminate(), closeTimeoutMs).unref()
    },
  }
}

function parse<In>(schema: ZodType<In>, text: string): { ok: true; value: In } | { ok: false; why: string } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { ok: false, why: 'a message that is no JSON text' }
  }
  const result = schema.safeParse(json)
  if (result.success) return { ok: true, value: result.data }
  const issue = result.error.issues[0]
  return { ok: false, why: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}` }
}
