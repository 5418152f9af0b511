/** Writes an answer to the application's connection. */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Answer } from './world.ts'

/** Rejects where a body breaks off; then the connection is broken off too, so that nobody takes it for whole. */
export async function sendBack(response: ServerResponse, answer: Answer, isHead: boolean): Promise<void> {
  const { status, headers = {}, body = null } = answer
  response.statusCode = status
  for (const name in headers) response.setHeader(name, headers[name]!)
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  const length = bytes instanceof Readable ? answer.length : (answer.length ?? bytes?.length ?? 0)
  // 204 and 304 have no body, and no length to speak of.
  const isNull = status === 204 || status === 304
  if (length !== undefined && !isNull) response.setHeader('content-length', length)
  if (isHead || isNull || bytes === null || length === 0) {
    if (bytes instanceof Readable) bytes.on('error', () => {}).resume()
    response.end()
  } else if (bytes instanceof Readable) await pipeline(bytes, response)
  else response.end(bytes)
}
