/** GetObject, HeadObject and whatever else only looks. */
import type { Readable } from 'node:stream'
import type { HttpResponse } from '../storage/s3/http.ts'
import { handedBack, isConditional, passedOn, passedOnQuery } from './headers.ts'
import type { Side } from './side.ts'
import { type Answer, type Exchange, keyOf, type World } from './world.ts'
import { tryAgain } from './writing.ts'

/** Of an object: its body, its headers, its tags. */
export async function readObject(world: World, exchange: Exchange): Promise<Answer> {
  const { roles, journal } = world
  const { request } = exchange
  // ETags, dates and versions that the application holds are those of the side of record.
  const isOwn =
    isConditional(request.headers) || request.query.has('versionId') || request.headers.has('if-range')
  if (!roles.fallsBack || isOwn || journal.isUncertain(keyOf(exchange))) return readRecord(world, exchange)
  const response = await look(world.new, exchange).catch(() => null)
  if (response && response.status < 300) return handBack(world, world.new, response)
  response?.body.on('error', () => {}).resume()
  return handBack(world, world.old, await look(world.old, exchange))
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
