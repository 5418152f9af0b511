/** CompleteMultipartUpload: the one step of an upload that changes an object. */
import { keyFromText } from '../../shared/key.ts'
import { receiveBytes } from '../s3-server/body.ts'
import { element, nodesOf, parseXml, textOf, wrap, xmlDocument } from '../s3-server/xml.ts'
import { etagIn } from './copy-object.ts'
import { isConditional, passedOn, withoutConditions } from './headers.ts'
import { abortAt, noSuchUpload, openUploadOf, renamed, uploadOf } from './multipart.ts'
import { heldToTags } from './put-object.ts'
import type { SideName } from './side.ts'
import type { Answer, Exchange, World } from './world.ts'
import {
  type Ask,
  askBoth,
  isNoError,
  type Outcomes,
  outcomeOf,
  tryAgain,
  unsent,
  writing,
} from './writing.ts'

export async function completeUpload(world: World, exchange: Exchange): Promise<Answer> {
  const { request } = exchange
  const document = await receiveBytes(exchange, { checksumOf: 'object' })
  const parts = nodesOf(parseXml(document, 'CompleteMultipartUpload'), 'Part')
  const before = uploadOf(world, exchange)
  if (before.ended !== null && before.answer !== null) return completed(before.answer)
  openUploadOf(world, exchange)
  const { key, id } = before
  const headers = passedOn(request.headers)
  for (const name of ['content-md5', 'content-type']) delete headers[name]
  const outcomes = await writing(world, [key], 'put', async (write): Promise<Outcomes> => {
    await write.begun
    await write.turn()
    // Another may have ended it while this one waited.
    const upload = world.uploads.find(id)
    if (!upload || upload.ended !== null) return { record: unsent, follower: unsent }
    const etags = world.uploads.parts(id)
    const ask: Ask = (side, isFirst, signal) => {
      const uploadId = upload[side.name]
      if (uploadId === null) return Promise.resolve(unsent)
      const body = documentFor(parts, side.name, etags)
      const asked = isFirst ? headers : withoutConditions(headers)
      return outcomeOf(
        side.ask({ method: 'POST', key, query: { uploadId }, headers: asked, body, signal }),
        isNoError,
      )
    }
    const how = { inTurn: isConditional(request.headers), ms: world.patience.long }
    return heldToTags(world, await askBoth(world, write, ask, how), etagIn)
  })
  const { record } = world.roles
  if (outcomes.record.response === null) {
    const now = world.uploads.find(id)
    if (now?.answer) return completed(now.answer)
    throw now && now.ended === null ? tryAgain() : noSuchUpload()
  }
  if (outcomes.record.fate !== 'done') return renamed(world, record, key, outcomes.record)
  const { follower } = world.roles
  const left = outcomes.follower.fate === 'done' ? null : before[follower.name]
  if (left !== null) void abortAt(world, follower, key, left)
  const answer = renamed(world, record, key, outcomes.record)
  await world.uploads.end(id, answer.body as string).catch(() => {})
  return answer
}

const completed = (body: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body,
})

/** The same parts, by this side's ETags. One that neither side was heard to give is the application's own business. */
function documentFor(
  parts: ReturnType<typeof nodesOf>,
  side: SideName,
  etags: ReturnType<World['uploads']['parts']>,
): Buffer {
  const inner = parts.map((each) => {
    const known = etags.get(Number(textOf(each, 'PartNumber')))
    const fields = Object.keys(each).map((name) => {
      const value = textOf(each, name)
      const bare = value?.replaceAll('"', '')
      const isKnown = name === 'ETag' && known && (bare === known.old || bare === known.new)
      return value === null ? '' : element(name, isKnown ? `"${known[side]}"` : keyFromText(value))
    })
    return wrap('Part', fields.join(''))
  })
  return Buffer.from(xmlDocument('CompleteMultipartUpload', inner.join('')), 'latin1')
}
