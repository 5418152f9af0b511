/** What changes an object and not its bytes: tags, ACL, retention, legal hold, restoring. */
import { createHash } from 'node:crypto'
import { receiveBytes } from '../s3-server/body.ts'
import { passedOn, passedOnQuery } from './headers.ts'
import type { Side } from './side.ts'
import { type Answer, type Exchange, keyOf, type World } from './world.ts'
import { answerOf, askBoth, outcomeOf, unsent, writing } from './writing.ts'

export async function changeObject(world: World, exchange: Exchange): Promise<Answer> {
  const key = keyOf(exchange)
  const { request } = exchange
  const body = await receiveBytes(exchange)
  const headers = passedOn(request.headers)
  if (body.length > 0) headers['content-md5'] = createHash('md5').update(body).digest('base64')
  const query = passedOnQuery(request.query)
  const isOfVersion = request.query.has('versionId')
  const outcomes = await writing(world, [key], 'change', async (write) => {
    await write.begun
    await write.turn()
    const ask = (side: Side, _: boolean, signal: AbortSignal) =>
      outcomeOf(
        side.ask({
          method: request.method as 'PUT' | 'POST' | 'DELETE',
          key,
          query,
          headers,
          body: body.length === 0 ? null : body,
          signal,
        }),
      )
    // Versions have other names on the other side.
    if (isOfVersion) return { record: await ask(write.record, true, world.signal), follower: unsent }
    return askBoth(world, write, ask)
  })
  return answerOf(world, world.roles.record, outcomes.record)
}
