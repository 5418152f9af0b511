/**
 * A request's body, in every form that SigV4 has, verified as it streams: chunk signatures, the payload hash, the length,
 * Content-MD5 and x-amz-checksum-*. Nothing is stored before all of them hold.
 */
import { createHash, type Hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ChunkDecoder } from './aws-chunked.ts'
import {
  type ChecksumName,
  checkForm,
  createDigest,
  headerOf,
  type Promised,
  promisedChecksum,
  promisedMd5,
} from './checksums.ts'
import { S3Error } from './errors.ts'
import type { S3Request } from './request.ts'
import type { Authentication } from './sigv4.ts'
import { createBody, type StoredBody } from './stored-body.ts'

export interface Incoming {
  readonly message: IncomingMessage
  readonly request: S3Request
  readonly authentication: Authentication
  /** Says 100 Continue where the client waits for it. */
  begin(): void
}

export interface Received {
  readonly body: StoredBody
  /** Hex. */
  readonly md5: string
  readonly checksum: { readonly name: ChecksumName; readonly value: string } | null
}

/** The length of what will be stored. */
export function declaredLength({ request, authentication }: Incoming): number {
  const streaming = authentication.payload.startsWith('STREAMING-')
  const text = request.headers.get(streaming ? 'x-amz-decoded-content-length' : 'content-length')
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new S3Error('MissingContentLength')
  return Number(text)
}

/** Stores the body, at most `most` bytes of it. */
export async function receiveBody(incoming: Incoming, dir: string | null, most: number): Promise<Received> {
  const size = declaredLength(incoming)
  if (size > most)
    throw new S3Error('EntityTooLarge', undefined, {
      fields: { ProposedSize: String(size), MaxSizeAllowed: String(most) },
    })
  const promised = promisedChecksum(incoming.request)
  const writer = createBody(size, dir)
  const md5 = createHash('md5')
  try {
    const checksum = await verify(incoming, size, md5, promised, (bytes) => writer.write(bytes))
    return { body: await writer.finish(), md5: md5.digest('hex'), checksum }
  } catch (error) {
    await writer.abandon()
    throw error
  }
}

/**
 * A small body (a document), whole. `checksumOf: 'object'` where x-amz-checksum-* speaks of the object and not of this
 * document (CompleteMultipartUpload).
 */
export async function receiveBytes(
  incoming: Incoming,
  {
    most = 2 * 1024 * 1024,
    checksumOf = 'document',
  }: { most?: number; checksumOf?: 'document' | 'object' } = {},
): Promise<Buffer> {
  const chunked = incoming.request.headers.has('transfer-encoding')
  const size = chunked ? null : Number(incoming.request.headers.get('content-length') ?? 0)
  const pieces: Buffer[] = []
  let length = 0
  const promised = checksumOf === 'document' ? promisedChecksum(incoming.request) : null
  await verify(incoming, size, createHash('md5'), promised, (bytes) => {
    length += bytes.length
    if (length > most) throw new S3Error('MalformedXML')
    pieces.push(bytes)
  })
  return Buffer.concat(pieces)
}

/**
 * Gives every piece of a body of `size` bytes (null: whatever comes) to `write`, the next when that has settled; throws at its end where
 * anything that was promised of it does not hold. `md5`: hashed with all of it; null where nobody needs it.
 */
export async function verify(
  incoming: Incoming,
  size: number | null,
  md5: Hash | null,
  promised: Promised | null,
  write: (bytes: Buffer) => void | Promise<void>,
): Promise<Received['checksum']> {
  const { request, authentication } = incoming
  const wantedMd5 = promisedMd5(request)
  const digest = promised && createDigest(promised.name)
  const decoder = authentication.payload.startsWith('STREAMING-') ? new ChunkDecoder(authentication) : null
  const sha256 = decoder || authentication.payload === 'UNSIGNED-PAYLOAD' ? null : createHash('sha256')
  let length = 0
  const accept = (bytes: Buffer) => {
    length += bytes.length
    if (size !== null && length > size) throw new S3Error('IncompleteBody')
    md5?.update(bytes)
    digest?.update(bytes)
    sha256?.update(bytes)
    return write(bytes)
  }
  incoming.begin()
  await pump(incoming.message, (bytes) => {
    if (decoder === null) return accept(bytes)
    let last = undefined as void | Promise<void>
    for (const piece of decoder.decode(bytes)) last = accept(piece)
    return last
  })

  decoder?.finish()
  if (size !== null && length !== size) throw new S3Error('IncompleteBody')
  const computedSha256 = sha256?.digest('hex')
  if (computedSha256 !== undefined && computedSha256 !== authentication.payload)
    throw new S3Error('XAmzContentSHA256Mismatch', undefined, {
      fields: {
        ClientComputedContentSHA256: authentication.payload,
        S3ComputedContentSHA256: computedSha256,
      },
    })
  if (wantedMd5 !== null && md5) {
    const computed = md5.copy().digest('hex')
    if (computed !== wantedMd5)
      throw new S3Error('BadDigest', undefined, {
        fields: { ExpectedDigest: wantedMd5, CalculatedDigest: computed },
      })
  }
  if (promised === null || digest === null) return null
  const value = promised.value ?? decoder?.trailers.get(headerOf(promised.name))
  if (value === undefined)
    throw new S3Error('InvalidRequest', `The trailer ${headerOf(promised.name)} was promised and not sent`)
  checkForm(promised.name, value)
  if (digest.digest().toString('base64') !== value)
    throw new S3Error(
      'BadDigest',
      `The ${promised.name} you specified did not match the calculated checksum.`,
    )
  return { name: promised.name, value }
}

/** Feeds every piece to `take`, one at a time. Rejects where the client goes away before the end. */
function pump(message: IncomingMessage, take: (bytes: Buffer) => void | Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    if (message.destroyed && !message.readableEnded) return reject(new S3Error('IncompleteBody'))
    let busy: Promise<void> | null = null
    const settle = (end: () => void) => {
      message.removeAllListeners('data')
      message.off('end', onEnd)
      message.off('close', onClose)
      message.off('error', onClose)
      message.resume()
      end()
    }
    const fail = (error: unknown) => settle(() => reject(error))
    const onClose = () => fail(new S3Error('IncompleteBody', 'The client went away'))
    const onEnd = () => {
      message.off('close', onClose) // follows at once, whether the last piece is taken or not
      if (busy) busy.then(() => settle(resolve), fail)
      else settle(resolve)
    }
    message.on('data', (bytes: Buffer) => {
      try {
        const pending = take(bytes)
        if (!pending) return
        message.pause()
        busy = pending
        pending.then(() => {
          busy = null
          message.resume()
        }, fail)
      } catch (error) {
        fail(error)
      }
    })
    message.on('end', onEnd)
    message.on('close', onClose)
    message.on('error', onClose)
  })
}
