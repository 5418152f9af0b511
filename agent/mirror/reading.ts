/** GetObject, HeadObject and whatever else only looks. */
import type { Readable } from 'node:stream'
import type { HttpResponse } from '../storage/s3/http.ts'
import { handedBack, isConditional, passedOn, passedOnQuery } from './headers.ts'
import type { Side } from './side.ts'
import { type Answer, type Exchange, keyOf, type World } from './world.ts'
import { tryAgain } from './writing.ts'

/** Longest that the new side may take to begin its answer, where the old one has the same. */
const patienceMs = 5_000

/** Of an object: its body, its headers, its tags. */
export async function readObject(world: World, exchange: Exchange): Promise<Answer> {
  const { roles, journal } = world
  const { request } = exchange
  // ETags, dates, versions and parts that the application holds are those of the side of record.
  const isOwn =
    isConditional(request.headers) ||
    request.headers.has('if-range') ||
    ['versionId', 'partNumber'].some((name) => request.query.has(name))
  if (!roles.fallsBack || isOwn || journal.isUncertain(keyOf(exchange))) return readRecord(world, exchange)
  const response = await lookAtNew(world, exchange)
  if (response && response.status < 300) return handBack(world, world.new, response)
  response?.body.on('error', () => {}).resume()
  return handBack(world, world.old, await look(world.old, exchange))
}

/** Null where it is not there, or does not begin to answer in time: all that there is, is at the side of record. */
async function lookAtNew(world: World, exchange: Exchange): Promise<HttpResponse | null> {
  const { presence } = world.new
  if (!presence.mayBeAsked()) return null
  const giveUp = new AbortController()
  const abort = () => giveUp.abort()
  const timer = setTimeout(abort, patienceMs)
  exchange.signal.addEventListener('abort', abort, { once: true })
  try {
    const response = await look(world.new, { ...exchange, signal: giveUp.signal })
    presence.met()
    return response
  } catch {
    if (exchange.signal.aborted) presence.leftOpen()
    else presence.missed()
    return null
  } finally {
    clearTimeout(timer)
  }
}

/** Of the bucket, or what only the side of record can know. */
export async function readRecord(world: World, exchange: Exchange): Promise<Answer> {
  const { record } = world.roles
  return handBack(world, record, await look(record, exchange))
}

const look = (side: Side, { request, signal }: Exchange): Promise<HttpResponse> =>
  side
    .stream({
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      key: request.key,
      query: passedOnQuery(request.query),
      headers: passedOn(request.headers),
      signal,
    })
    .catch(() => {
      throw tryAgain()
    })

function handBack(world: World, side: Side, { status, head, body }: HttpResponse): Answer {
  const said = head.get('content-length')
  return {
    status,
    headers: handedBack(head, side === world.roles.record),
    body: body as Readable,
    length: said === undefined ? undefined : Number(said),
  }
}
