/** PutObject: to both sides as it comes, and in place on both, or on none, once all that was promised of the body holds. */
import { createHash } from 'node:crypto'
import { declaredLength, verify } from '../s3-server/body.ts'
import { digitsOf, headerOf, promisedChecksum } from '../s3-server/checksums.ts'
import { S3Error } from '../s3-server/errors.ts'
import { Feed, giveBoth } from './feed.ts'
import { FramedFeed, framedLength, type Trailer } from './framed-feed.ts'
import { isConditional, passedOn, withoutConditions } from './headers.ts'
import type { Side } from './side.ts'
import { type Answer, type Exchange, keyOf, type World } from './world.ts'
import {
  answerOf,
  askBoth,
  type Outcome,
  type Outcomes,
  outcomeOf,
  patienceFor,
  tellPresence,
  unsent,
  type Write,
  writing,
} from './writing.ts'

/** Of one request, by S3's rule (bytes). */
const mostBytes = 5 * 1024 ** 3
/** Up to this a body is in memory before it goes anywhere. */
const smallBody = 256 * 1024

export async function putObject(world: World, exchange: Exchange): Promise<Answer> {
  const key = keyOf(exchange)
  const outcomes = await writing(world, [key], 'put', async (write) => {
    const sent = await sendBody(world, exchange, write, () => ({ key, query: {} }))
    return heldToTags(world, sent, etagOf)
  })
  return answerOf(world, world.roles.record, outcomes.record)
}

export const etagOf = ({ response }: Outcome): string | null =>
  response?.head.get('etag')?.replaceAll('"', '') ?? null

/**
 * Two stores that call the same bytes by two ETags may be of two kinds, or one of them has other bytes: the first such key is copied, to be sure. From then
 * on the application sees the ETags of the side of record alone.
 */
export function heldToTags(
  { roles }: World,
  outcomes: Outcomes,
  etagOf: (outcome: Outcome) => string | null,
): Outcomes {
  const { record, follower } = outcomes
  const [a, b] = [etagOf(record), etagOf(follower)]
  if (record.fate !== 'done' || follower.fate !== 'done' || a === null || b === null || a === b)
    return outcomes
  return roles.notedUnlike('the two sides give the same bytes other ETags')
    ? outcomes
    : { record, follower: { ...follower, fate: 'refused' } }
}

/** The body of an object or a part. `to`: what it is called there. */
export async function sendBody(
  world: World,
  exchange: Exchange,
  write: Write,
  to: (side: Side) => { key: ReturnType<typeof keyOf>; query: Record<string, string> } | null,
): Promise<Outcomes> {
  const { request } = exchange
  const size = declaredLength(exchange)
  if (size > mostBytes)
    throw new S3Error('EntityTooLarge', undefined, {
      fields: { ProposedSize: String(size), MaxSizeAllowed: String(mostBytes) },
    })
  const promised = promisedChecksum(request)
  const headers: Record<string, string> = { ...passedOn(request.headers), 'content-length': String(size) }
  const condition = isConditional(request.headers)
  const job: Sending = { world, exchange, write, to, size, promised, headers, condition }
  return size <= smallBody ? sendWhole(job) : sendStream(job)
}

interface Sending {
  readonly world: World
  readonly exchange: Exchange
  readonly write: Write
  readonly to: Parameters<typeof sendBody>[3]
  readonly size: number
  readonly promised: ReturnType<typeof promisedChecksum>
  readonly headers: Record<string, string>
  /** Whether the side of record has to be asked first. */
  readonly condition: boolean
}

const md5For = ({ exchange }: Sending) =>
  exchange.request.headers.has('content-md5') ? createHash('md5') : null

async function sendWhole(job: Sending): Promise<Outcomes> {
  const { world, exchange, write, to, size, promised, headers, condition } = job
  const pieces: Buffer[] = []
  const checksum = await verify(exchange, size, md5For(job), promised, (bytes) => {
    pieces.push(bytes)
  })
  const body = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  if (checksum) headers[headerOf(checksum.name)] = checksum.value
  await write.begun
  await write.turn()
  const ask = (side: Side, isFirst: boolean, signal: AbortSignal): Promise<Outcome> => {
    const place = to(side)
    if (!place) return Promise.resolve(unsent)
    const asked = isFirst ? headers : withoutConditions(headers)
    return outcomeOf(side.ask({ method: 'PUT', ...place, headers: asked, body, signal }))
  }
  return askBoth(world, write, ask, { inTurn: condition })
}

class Refused extends Error {}

async function sendStream(job: Sending): Promise<Outcomes> {
  const { world, exchange, write, to, size, promised, headers, condition } = job
  await write.begun
  const begin = (side: Side, asked: Record<string, string>, signal: AbortSignal) => {
    const place = to(side)
    if (!place) return null
    const trailer = trailerFor(job, side)
    const feed = trailer ? new FramedFeed(trailer) : new Feed()
    const framed = trailer ? { ...asked, ...framing(asked, size, trailer) } : asked
    const outcome = outcomeOf(side.ask({ method: 'PUT', ...place, headers: framed, body: feed, signal }))
    return { feed, outcome }
  }
  const record = begin(write.record, headers, world.signal)!
  const patience = patienceFor(record.outcome, world.patience.usual, world.signal)
  const isThere = write.follower.presence.mayBeAsked()
  const follower = isThere ? begin(write.follower, withoutConditions(headers), patience.signal) : null
  if (isThere && !follower) write.follower.presence.leftOpen()
  let early: Outcome | null = null
  const refused = record.outcome.then((outcome) => {
    early = outcome
    throw new Refused()
  })
  refused.catch(() => {})
  let checksum: string | null = null
  try {
    const verified = await verify(exchange, size, md5For(job), promised, (bytes) => {
      if (early) throw new Refused()
      const room = giveBoth(record.feed, follower?.feed ?? null, bytes, world.patience.usual)
      return room && Promise.race([room, refused])
    })
    checksum = verified?.value ?? null
    await write.turn()
    if (early) throw new Refused()
  } catch (error) {
    record.feed.break()
    follower?.feed.break()
    await Promise.all([record.outcome, follower?.outcome])
    patience.end()
    // Nothing was heard of how it fares.
    write.follower.presence.leftOpen()
    // It never had the last bytes, whatever it said.
    if (error instanceof Refused) return { record: asRefusal(await record.outcome), follower: unsent }
    throw error
  }
  // One that broke off before now never had the last bytes.
  const wasCut = follower === null || follower.feed.destroyed
  record.feed.finish(checksum)
  if (!condition) follower?.feed.finish(checksum)
  const first = await record.outcome
  if (condition && first.fate !== 'done') follower?.feed.break()
  else follower?.feed.finish(checksum)
  const second = (await follower?.outcome) ?? unsent
  patience.end()
  if (follower) tellPresence(write.follower, second)
  return { record: first, follower: wasCut || (condition && first.fate !== 'done') ? unsent : second }
}

/**
 * Most clients tell the checksum of a stream behind it, too late for a header. Where a store does not take trailers, it is verified here and not
 * stored there.
 */
function trailerFor({ world, promised }: Sending, side: Side): Trailer | null {
  if (promised === null || promised.value !== null || !world.trailers[side.name]) return null
  return { header: headerOf(promised.name), digits: digitsOf(promised.name) }
}

const framing = (asked: Record<string, string>, size: number, trailer: Trailer) => ({
  'content-encoding': ['aws-chunked', asked['content-encoding']].filter(Boolean).join(','),
  'content-length': String(framedLength(size, trailer)),
  'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  'x-amz-decoded-content-length': String(size),
  'x-amz-trailer': trailer.header,
})

/** Success before it had the body is none. */
const asRefusal = ({ fate, response }: Outcome): Outcome =>
  fate === 'done' ? unsent : { fate: 'refused', response }
