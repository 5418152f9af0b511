/** PutObject: to both sides as it comes, and in place on both, or on none, once all that was promised of the body holds. */
import { createHash } from 'node:crypto'
import { declaredLength, verify } from '../s3-server/body.ts'
import { headerOf, promisedChecksum } from '../s3-server/checksums.ts'
import { S3Error } from '../s3-server/errors.ts'
import { Feed, giveAll } from './feed.ts'
import { isConditional, passedOn, withoutConditions } from './headers.ts'
import type { Side } from './side.ts'
import { type Answer, type Exchange, keyOf, type World } from './world.ts'
import { answerOf, type Outcome, type Outcomes, outcomeOf, unsent, type Write, writing } from './writing.ts'

/** Of one request, by S3's rule (bytes). */
const mostBytes = 5 * 1024 ** 3
/** Up to this a body is in memory before it goes anywhere. */
const smallBody = 256 * 1024

export async function putObject(world: World, exchange: Exchange): Promise<Answer> {
  const key = keyOf(exchange)
  const outcomes = await writing(world, [key], 'put', (write) =>
    sendBody(world, exchange, write, () => ({ key, query: {} })),
  )
  noteTags(world, outcomes)
  return answerOf(world, world.roles.record, outcomes.record)
}

/** Where the sides call equal bytes by other ETags, an application must see those of one side alone. */
export function noteTags({ roles }: World, { record, follower }: Outcomes): void {
  const [a, b] = [record, follower].map(({ response }) => response?.head.get('etag'))
  if (record.fate === 'done' && follower.fate === 'done' && a !== undefined && b !== undefined && a !== b)
    roles.stayOnOld('the two sides give the same bytes other ETags')
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
  const send = (side: Side, asked: Record<string, string>): Promise<Outcome> => {
    const place = to(side)
    if (!place) return Promise.resolve(unsent)
    return outcomeOf(side.ask({ method: 'PUT', ...place, headers: asked, body, signal: world.signal }))
  }
  if (condition) {
    const record = await send(write.record, headers)
    if (record.fate !== 'done') return { record, follower: unsent }
    return { record, follower: await send(write.follower, withoutConditions(headers)) }
  }
  const [record, follower] = await Promise.all([send(write.record, headers), send(write.follower, headers)])
  return { record, follower }
}

class Refused extends Error {}

async function sendStream(job: Sending): Promise<Outcomes> {
  const { world, exchange, write, to, size, promised, headers, condition } = job
  await write.begun
  // Most clients tell checksums behind a body that is a stream, and that is too late for a header.
  if (promised && promised.value === null) delete headers['x-amz-checksum-type']
  const begin = (side: Side, asked: Record<string, string>) => {
    const place = to(side)
    if (!place) return null
    const feed = new Feed()
    const outcome = outcomeOf(
      side.ask({ method: 'PUT', ...place, headers: asked, body: feed, signal: world.signal }),
    )
    return { feed, outcome }
  }
  const record = begin(write.record, headers)!
  const follower = begin(write.follower, withoutConditions(headers))
  const feeds = follower ? [record.feed, follower.feed] : [record.feed]
  let early: Outcome | null = null
  const refused = record.outcome.then((outcome) => {
    early = outcome
    throw new Refused()
  })
  refused.catch(() => {})
  try {
    await verify(exchange, size, md5For(job), promised, (bytes) => {
      if (early) throw new Refused()
      const room = giveAll(feeds, bytes)
      return room && Promise.race([room, refused])
    })
    await write.turn()
    if (early) throw new Refused()
  } catch (error) {
    for (const feed of feeds) feed.break()
    await Promise.all([record.outcome, follower?.outcome])
    // It never had the last bytes, whatever it said.
    if (error instanceof Refused) return { record: asRefusal(await record.outcome), follower: unsent }
    throw error
  }
  // One that broke off before now never had the last bytes.
  const wasCut = follower?.feed.destroyed ?? true
  record.feed.finish()
  if (!condition) follower?.feed.finish()
  const first = await record.outcome
  if (condition && first.fate !== 'done') follower?.feed.break()
  else follower?.feed.finish()
  const second = (await follower?.outcome) ?? unsent
  return { record: first, follower: wasCut || (condition && first.fate !== 'done') ? unsent : second }
}

/** Success before it had the body is none. */
const asRefusal = ({ fate, response }: Outcome): Outcome =>
  fate === 'done' ? unsent : { fate: 'refused', response }
