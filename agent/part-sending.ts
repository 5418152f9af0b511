/** Sends parts of an object, some at a time, by whatever way a part goes: as a body through this agent, or copied by the store. */
import { type Boundaries, sizesOf } from '../shared/boundaries.ts'
import { DrayError } from '../shared/error.ts'
import type { CopyJob } from './copy-job.ts'
import { etagKind } from './core/etag.ts'
import { restarting, wholeDigest } from './part-digest.ts'
import type { ByteRange, Multipart, Part } from './storage/storage.ts'

/** Which bytes of the object part `number` is. */
export interface Piece {
  readonly number: number
  readonly range: ByteRange
}

export interface Sent {
  readonly part: Part
  /** Of the bytes as they were read from the source, hex; null where nobody hashed them. */
  readonly md5: string | null
}

/** Sends one part, the second time in place of the first. */
export type SendPart = (piece: Piece, signal: AbortSignal) => Promise<Sent>

/** Of one object, where nobody admits more. Each holds a few socket buffers, never a part. */
const partsAtOnce = 4

/** In their order. */
export function piecesOf(boundaries: Boundaries): Piece[] {
  let first = 0
  return sizesOf(boundaries).map((size, index) => {
    const range = { first, last: first + size - 1 }
    first += size
    return { number: index + 1, range }
  })
}

export const lengthOf = ({ range }: Piece): number => range.last - range.first + 1

/**
 * As a body, each opening of which reads the source anew. With `hashing`, what the store says of the part is held against what was
 * read: once unequal is the wire's doing, and mended by sending it again; twice is a store whose tokens are no MD5s.
 */
export function byBody(job: CopyJob, multipart: Multipart, upload: string, hashing: boolean): SendPart {
  let tokensAreMd5s = true
  const send = async (piece: Piece, signal: AbortSignal): Promise<Sent> => {
    const digest = hashing ? restarting(wholeDigest) : null
    const begin = digest?.begin ?? (() => ({}))
    const body = job.body({ size: lengthOf(piece), range: piece.range, begin })
    const part = await multipart.part(job.entry.key, upload, piece.number, body, signal)
    return { part, md5: digest?.etag() ?? null }
  }
  return async (piece, signal) => {
    const sent = await send(piece, signal)
    if (!tokensAreMd5s || agrees(sent)) return sent
    job.count(-lengthOf(piece))
    const again = await send(piece, signal)
    if (!agrees(again)) tokensAreMd5s = false
    return again
  }
}

/** Tokens of another form than an MD5's say nothing. */
export const agrees = ({ part, md5 }: Sent): boolean =>
  md5 === null || part.token === md5 || etagKind(part.token).kind !== 'md5'

/**
 * In the order of `pieces`: one at a time in the object's own slot, and as many more as `job.deps.admit` lets in; it is
 * never waited for, so that objects which have slots cannot keep each other from getting on. The first failure ends the
 * others, and is thrown when they have ended.
 */
export async function eachPiece<T>(
  job: CopyJob,
  pieces: readonly Piece[],
  act: (piece: Piece, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  const done: T[] = new Array(pieces.length)
  const stop = new AbortController()
  const signal = AbortSignal.any([job.signal, stop.signal])
  const allBegun = new AbortController()
  let failure: { error: unknown } | null = null
  let next = 0
  const one = async () => {
    const index = next++
    if (next >= pieces.length) allBegun.abort()
    done[index] = await act(pieces[index]!, signal)
  }
  const isLeft = () => next < pieces.length && !signal.aborted
  const worker = async () => {
    while (isLeft()) await one()
  }
  const guarded = (work: () => Promise<void>) =>
    work().catch((error: unknown) => {
      failure ??= { error }
      stop.abort()
    })
  const { admit } = job.deps
  const others = new Set<Promise<void>>()
  const recruit = async (enter: NonNullable<typeof admit>) => {
    const waiting = AbortSignal.any([signal, allBegun.signal])
    while (isLeft()) {
      const leave = await enter(lengthOf(pieces[next]!), waiting).catch(() => null)
      if (leave === null) return
      if (!isLeft()) return leave()
      const other = guarded(one).finally(() => {
        leave()
        others.delete(other)
      })
      others.add(other)
    }
  }
  const own = Math.min(admit ? 1 : partsAtOnce, pieces.length)
  const crew = Array.from({ length: own }, () => guarded(worker))
  if (admit) crew.push(recruit(admit))
  await Promise.all(crew)
  await Promise.all(others)
  if (failure !== null) throw (failure as { error: unknown }).error
  if (signal.aborted) throw new DrayError('interrupted', job.op, 'It was interrupted.', { retry: 'later' })
  return done
}
