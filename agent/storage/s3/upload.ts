/**
 * Sends a body: an object or a part of one. The store gets the last byte only when the source has ended well and with the
 * length that was promised; a source that fails breaks the connection, so that nothing is stored.
 */
import type { Readable } from 'node:stream'
import type { Body, Written } from '../storage.ts'
import { collect, openBody, smallBody, TooLong, Withheld, wrongLength } from './body.ts'
import { patience, type S3Client, type S3Request } from './client.ts'
import { malformed } from './errors.ts'
import { faultError, interrupted } from './faults.ts'
import type { HttpResponse } from './http.ts'
import { unquoted } from './object-headers.ts'

export async function upload(
  client: S3Client,
  request: Pick<S3Request, 'verb' | 'key' | 'query'> & { headers: Record<string, string> },
  body: Body,
  signal: AbortSignal,
  seen?: (response: HttpResponse) => void,
): Promise<Written> {
  const place = client.where(request)
  const headers: Record<string, string> = { ...request.headers, 'content-length': String(body.size) }
  if (body.contentMd5 !== undefined) headers['content-md5'] = body.contentMd5

  const source = await openBody(body, place.op, signal)
  let sent: Buffer | Withheld | null = null
  try {
    sent =
      body.size <= smallBody
        ? await small(source, body.size, place.op, signal)
        : new Withheld(source, body.size, place.op)
    const response = await client.send({
      ...request,
      method: 'PUT',
      headers,
      body: sent,
      signal,
      patience: patience.write,
    })
    await collect(response.body, smallBody)
    if (response.sent < body.size) throw malformed(place, 'success before it had the whole body')
    const token = unquoted(response.headers.etag ?? '')
    if (!token) throw malformed(place, 'no ETag')
    seen?.(response)
    return { token, mtime: null }
  } catch (error) {
    if (signal.aborted) throw interrupted(place.op)
    const failure = sent instanceof Withheld ? sent.failure : null
    throw faultError(place, failure ?? error)
  } finally {
    source.destroy()
  }
}

async function small(source: Readable, size: number, op: string, signal: AbortSignal): Promise<Buffer> {
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
