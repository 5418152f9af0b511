/**
 * Sends a body: an object or a part of one. The store gets the last byte only when the source has ended well and with the
 * length that was promised; a source that fails breaks the connection, so that nothing is stored. Who carries the requests
 * sees to that (wire/sender.ts, wire/pump.ts), and takes a body that comes from another store's socket straight to its own.
 */
import type { Readable } from 'node:stream'
import type { Body, Written } from '../storage.ts'
import { collect, openBody, smallBody, TooLong, wrongLength } from './body.ts'
import { patience, type S3Client, type S3Request } from './client.ts'
import { malformed } from './errors.ts'
import { faultError, interrupted } from './faults.ts'
import type { WholeResponse } from './http.ts'
import { unquoted } from './object-headers.ts'

/** `headers` become the request's own. */
export function upload(
  client: S3Client,
  request: Pick<S3Request, 'verb' | 'key' | 'query' | 'once'> & { headers: Record<string, string> },
  body: Body,
  signal: AbortSignal,
  seen?: (response: WholeResponse) => void,
): Promise<Written> {
  const { verb, key, query = '', headers, once = false } = request
  headers['content-length'] = String(body.size)
  if (body.contentMd5 !== undefined) headers['content-md5'] = body.contentMd5
  const asked = { verb, method: 'PUT', key, query, headers, once, signal, patience: patience.write } as const
  return body.bytes === undefined
    ? open(client, asked, body, seen)
    : send(client, { ...asked, body: body.bytes }, body.size, seen)
}

type Seen = ((response: WholeResponse) => void) | undefined

async function send(client: S3Client, request: S3Request, size: number, seen: Seen): Promise<Written> {
  const response = await client.whole(request, longestAnswer)
  if (response.sent < size) throw malformed(client.where(request), 'success before it had the whole body')
  const token = unquoted(response.head.get('etag') ?? '')
  if (!token) throw malformed(client.where(request), 'no ETag')
  seen?.(response)
  return { token, mtime: null }
}

async function open(client: S3Client, request: S3Request, body: Body, seen: Seen): Promise<Written> {
  const { signal } = request
  const { op } = client.where(request)
  const source = await openBody(body, op, signal)
  try {
    // What passes through a stream of its own anyway is gathered where it is small: one write to the socket.
    const gathers = body.size <= smallBody && !('through' in source)
    const sent = gathers ? await gathered(source, body.size, op, signal) : source
    return await send(client, { ...request, body: sent }, body.size, seen)
  } catch (error) {
    if (signal.aborted) throw interrupted(op)
    throw faultError(client.where(request), error)
  } finally {
    source.destroy()
  }
}

/** Of a success. */
const longestAnswer = 64 * 1024

async function gathered(source: Readable, size: number, op: string, signal: AbortSignal): Promise<Buffer> {
  const stop = () => source.destroy(interrupted(op))
  signal.addEventListener('abort', stop, { once: true })
  try {
    const bytes = await collect(source, size).catch((error) => {
      throw error instanceof TooLong ? wrongLength(op, size, size + 1) : error
    })
    if (bytes.length !== size) throw wrongLength(op, size, bytes.length)
    return bytes
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
