/** What comes in by socket, parsed once; what does not parse is a reason to close. */
import type * as z from 'zod'
import { parseJson } from '../shared/json.ts'
import {
  agentMessageSchema,
  closeCodes,
  fleetAgentMessageSchema,
  maxMessageBytes,
  protocolVersion,
} from '../shared/protocol.ts'

export type Parsed<T> = { readonly message: T } | Refused

export interface Refused {
  readonly code: number
  readonly reason: string
  /** It is of another version of Dray, which is to be another one before it comes back. */
  readonly outdated?: true
}

const encoder = new TextEncoder()
/** UTF-8 takes between one and three bytes a code unit. */
const isTooBig = (raw: string) =>
  raw.length > maxMessageBytes ||
  (raw.length > maxMessageBytes / 3 && encoder.encode(raw).length > maxMessageBytes)

const refuse = (code: number, reason: string): Refused => ({ code, reason })

function parse<T extends { t: string }>(raw: string | ArrayBuffer, schema: z.ZodType<T>): Parsed<T> {
  if (typeof raw !== 'string') return refuse(closeCodes.protocol, 'messages are text')
  if (isTooBig(raw)) return refuse(closeCodes.tooBig, `messages have ${maxMessageBytes} bytes at most`)
  let document: unknown
  try {
    document = parseJson(raw)
  } catch (error) {
    return refuse(closeCodes.protocol, (error as SyntaxError).message)
  }
  // Before the rest, which another version may have changed.
  const { t, protocol } = (document ?? {}) as { t?: unknown; protocol?: unknown }
  if (t === 'hello' && protocol !== protocolVersion) {
    const isNewer = typeof protocol === 'number' && protocol > protocolVersion
    const remedy = isNewer ? 'upgrade the control plane' : 'upgrade the agent'
    const reason = `protocol ${said(protocol)} is not spoken here, ${protocolVersion} is: ${remedy}`
    return { ...refuse(closeCodes.protocol, reason), outdated: true }
  }
  const result = schema.safeParse(document)
  if (result.success) return { message: result.data }
  const issue = result.error.issues[0]
  return refuse(closeCodes.protocol, `${said(t)}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

/** Not everything that JSON can say becomes text: `{"toString":1}` throws. */
const said = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? `${value}`.slice(0, 40) : `(${typeof value})`

export const parseAgentMessage = (raw: string | ArrayBuffer) => parse(raw, agentMessageSchema)
export const parseFleetMessage = (raw: string | ArrayBuffer) => parse(raw, fleetAgentMessageSchema)

/** What a close frame has room for, in bytes. */
const maxReason = 123

/** Closes, where it is not closed yet. A reason that is too long is cut. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  const bytes = new Uint8Array(maxReason)
  const { written } = encoder.encodeInto(reason, bytes)
  try {
    socket.close(code, new TextDecoder().decode(bytes.subarray(0, written)))
  } catch {
    // It is gone already.
  }
}

/** Codes that a peer reports but nobody may send: no status, abnormal, TLS. */
export const closeAnswer = (code: number) => (code === 1005 || code === 1006 || code === 1015 ? 1000 : code)
