/** Writes a reply to the wire, and lets it go wrong where a test asked for that. */
import type { ServerResponse } from 'node:http'
import type { Reply } from './exchange.ts'
import type { Fault } from './faults.ts'

export async function sendReply(response: ServerResponse, honest: Reply, head: boolean, fault: Fault | null) {
  if (fault === 'drop-answer') return void response.socket?.resetAndDestroy()
  const reply =
    typeof fault === 'object' && fault && 'document' in fault && typeof honest.body === 'string'
      ? { ...honest, body: fault.document(honest.body) }
      : honest
  const length = bodyLength(reply)
  // Null bodies have no length to speak of: 204 and 304 must not have one.
  if (length !== null || (reply.status !== 204 && reply.status !== 304))
    response.setHeader('content-length', length ?? 0)
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  response.statusCode = reply.status
  const { body } = reply
  if (head || length === null || length === 0 || body === undefined) return void response.end()
  if (
    typeof fault === 'object' &&
    fault !== null &&
    ('truncateAfter' in fault || 'stallAfter' in fault || 'corruptAt' in fault)
  )
    return sendBadly(response, reply, fault)
  const bytes = typeof body === 'string' ? body : body.stored.read(body.first, body.last)
  // latin1, and never utf8: Node writes the headers, which are bytes, with the encoding of the body's first string.
  if (typeof bytes === 'string') return void response.end(bytes, 'latin1')
  for await (const chunk of bytes) {
    if (response.destroyed) return
    if (!response.write(chunk)) await drained(response)
  }
  response.end()
}

function bodyLength({ body }: Reply): number | null {
  if (body === undefined) return null
  return typeof body === 'string' ? body.length : body.last - body.first + 1
}

/** Until there is room again, or nobody to send to. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

type BadBody = Extract<Fault, { truncateAfter: number } | { stallAfter: number } | { corruptAt: number }>

async function sendBadly(response: ServerResponse, { body }: Reply, fault: BadBody): Promise<void> {
  const bytes = typeof body === 'string' ? body : body!.stored.read(body!.first, body!.last)
  const chunks = typeof bytes === 'string' ? [Buffer.from(bytes, 'latin1')] : bytes
  const end = 'truncateAfter' in fault ? fault.truncateAfter : 'stallAfter' in fault ? fault.stallAfter : null
  let at = 0
  for await (const chunk of chunks) {
    if (response.destroyed) return
    const piece = Buffer.from(end === null ? chunk : chunk.subarray(0, end - at))
    if ('corruptAt' in fault && fault.corruptAt >= at && fault.corruptAt < at + piece.length)
      piece[fault.corruptAt - at]! ^= 1
    at += piece.length
    await new Promise<void>((resolve) => response.write(piece, () => resolve()))
    if (at === end) break
  }
  if (end === null) response.end()
  // A reset could overtake the bytes; an end cannot.
  else if ('truncateAfter' in fault) response.socket?.destroySoon()
}
