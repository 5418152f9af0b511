/**
 * All parts are there: which final ETag must come out of them, and how it is known that they are the source's bytes. Parts
 * that nobody hashed on their way are hashed here, by reading the source again, only where the ETags do not prove them.
 */
import { type Boundaries, partsIn, sameBoundaries } from '../shared/boundaries.ts'
import type { Evidence } from '../shared/counts.ts'
import { drain } from './body.ts'
import type { CopyJob } from './copy-job.ts'
import { multipartEtag, wholeDigest } from './part-digest.ts'
import { agrees, eachPiece, lengthOf, type Piece, type SendPart, type Sent } from './part-sending.ts'
import { walkParts } from './source-parts.ts'
import type { Storage } from './storage/storage.ts'

export interface Agreement {
  /** The ETag of an upload of these parts, where the destination makes ETags as S3 does; null: the store copied them, and tells none. */
  readonly token: string | null
  readonly evidence: Evidence
}
/** The source's parts begin elsewhere. */
export interface CutElsewhere {
  readonly elsewhere: Boundaries
}

/** How often in a row a source's ETag did not follow from its parts: from the second time on they are hashed on their way. */
const surprises = new WeakMap<Storage, number>()
const mostSurprises = 2

/** Whether the source's ETag should come out of an upload in the source's parts, so that hashing them would be in vain. */
export function willTell({ deps: { source, destination } }: CopyJob, asSource: boolean): boolean {
  const areDigests = source.tokens === 'md5' && destination.tokens === 'md5'
  return asSource && areDigests && (surprises.get(source) ?? 0) < mostSurprises
}

export interface Parts {
  readonly boundaries: Boundaries
  readonly asSource: boolean
  readonly mayWalk: boolean
  readonly pieces: readonly Piece[]
  /** By part number; parts that are sent again take their places. */
  readonly sent: Map<number, Sent>
  /** The store itself copied them, and is believed where its ETags are no digests. */
  readonly byStore: boolean
  /** Sends a part and hashes it. */
  readonly resend: SendPart
}

/** Throws `bad-digest` where a part cannot be made to be the source's. */
export async function agree(job: CopyJob, parts: Parts): Promise<Agreement | CutElsewhere> {
  const { pieces, sent, asSource } = parts
  const { token } = job.entry
  const { source } = job.deps
  if (asSource && follows(parts) === token) {
    surprises.delete(source)
    return { token, evidence: 'etag' }
  }
  if (asSource && parts.mayWalk && willTell(job, asSource)) {
    const walked = await walkParts(job, partsIn(parts.boundaries))
    if (walked !== null && !sameBoundaries(walked, parts.boundaries)) return { elsewhere: walked }
  }
  if (parts.byStore) return { token: null, evidence: 'store-verified' }
  const unhashed = pieces.filter(({ number }) => sent.get(number)!.md5 === null)
  await eachPiece(job, unhashed, async (piece, signal) => {
    const { part } = sent.get(piece.number)!
    let hashed: Sent = { part, md5: await hashPart(job, piece, signal) }
    if (!agrees(hashed)) {
      job.count(-lengthOf(piece))
      hashed = await parts.resend(piece, signal)
    }
    sent.set(piece.number, hashed)
  })
  if (asSource && follows(parts) === token) return { token, evidence: 'etag' }
  if (asSource) surprises.set(source, (surprises.get(source) ?? 0) + 1)
  const md5s = pieces.map(({ number }) => Buffer.from(sent.get(number)!.md5!, 'hex'))
  return { token: multipartEtag(md5s), evidence: 'hashed' }
}

/** The ETag that S3 makes of the parts' ETags; null where they are not what S3 makes. */
function follows({ pieces, sent }: Parts): string | null {
  const tokens = pieces.map(({ number }) => sent.get(number)!.part.token)
  if (!tokens.every((token) => /^[0-9a-f]{32}$/.test(token))) return null
  return multipartEtag(tokens.map((token) => Buffer.from(token, 'hex')))
}

/** The MD5 of a part as the source gives it now. */
export async function hashPart(job: CopyJob, piece: Piece, signal: AbortSignal): Promise<string> {
  const { body } = await job.read(piece.range, signal)
  const digest = wholeDigest()
  const gauge = { size: lengthOf(piece), op: job.op, digest, failed: (error: Error) => void job.note(error) }
  await drain(body, gauge, signal)
  return digest.etag()
}
