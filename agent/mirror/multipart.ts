/** Multipart uploads. Parts show nowhere until they are completed (complete-upload.ts), so that alone is a write with an intent. */
import { S3Error } from '../s3-server/errors.ts'
import { queryNumber } from '../s3-server/request.ts'
import { element, xmlDocument } from '../s3-server/xml.ts'
import { copyOnBoth, copySourceFor, copySourceOf, etagIn, withoutCopyConditions } from './copy-object.ts'
import { passedOn } from './headers.ts'
import { sendBody } from './put-object.ts'
import type { Side } from './side.ts'
import type { Upload } from './uploads.ts'
import { type Answer, type Exchange, keyOf, type World } from './world.ts'
import {
  type Ask,
  answerOf,
  askBoth,
  isNoError,
  type Outcome,
  type Outcomes,
  outcomeOf,
  unsent,
  type Write,
} from './writing.ts'

export const noSuchUpload = () => new S3Error('NoSuchUpload')

export function uploadOf(world: World, exchange: Exchange): Upload {
  const upload = world.uploads.find(exchange.request.query.get('uploadId') ?? '')
  if (!upload || upload.key !== keyOf(exchange)) throw noSuchUpload()
  return upload
}

export function openUploadOf(world: World, exchange: Exchange): Upload {
  const upload = uploadOf(world, exchange)
  if (upload.ended !== null || upload[world.roles.record.name] === null) throw noSuchUpload()
  return upload
}

const uploadIdIn = ({ response }: Outcome): string | null =>
  /<UploadId>([^<]+)<\/UploadId>/.exec(response?.body.toString('latin1') ?? '')?.[1] ?? null

export async function createUpload(world: World, exchange: Exchange): Promise<Answer> {
  const key = keyOf(exchange)
  const headers = passedOn(exchange.request.headers)
  exchange.begin()
  exchange.message.resume()
  const leave = await world.roles.enter()
  try {
    const { record, follower } = world.roles
    const ask = (side: Side, _: boolean, signal: AbortSignal) =>
      outcomeOf(side.ask({ method: 'POST', key, query: { uploads: '' }, headers, signal }))
    const { record: first, follower: second } = await askBoth(world, { record, follower }, ask)
    const ids = { [record.name]: uploadIdIn(first), [follower.name]: uploadIdIn(second) } as Record<
      'old' | 'new',
      string | null
    >
    if (first.fate !== 'done' || ids[record.name] === null) {
      if (ids[follower.name] !== null) void abortAt(world, follower, key, ids[follower.name]!)
      return answerOf(world, record, first.fate === 'done' ? { ...first, fate: 'unknown' } : first)
    }
    const id = await world.uploads.add(key, ids)
    const { headers: given } = answerOf(world, record, first) as { headers: Record<string, string> }
    return {
      status: 200,
      headers: { ...given, 'content-type': 'application/xml' },
      body: xmlDocument(
        'InitiateMultipartUploadResult',
        element('Bucket', world.bucket) + element('Key', key) + element('UploadId', id),
      ),
    }
  } finally {
    leave()
  }
}

/** What is left of it there costs money and is never seen. */
export const abortAt = (world: World, side: Side, key: Upload['key'], uploadId: string): Promise<Outcome> =>
  outcomeOf(side.ask({ method: 'DELETE', key, query: { uploadId }, signal: world.signal }))

/** A part, one at a time of each number. */
async function part(
  world: World,
  upload: Upload,
  number: number,
  act: (write: Write) => Promise<Outcomes>,
  etagOf: (outcome: Outcome) => string | null,
): Promise<Outcome> {
  const leave = await world.roles.enter()
  let release = () => {}
  try {
    const { record, follower } = world.roles
    const turn = async () => {
      release = await world.locks.take([`${upload.id}/${number}`])
    }
    const outcomes = await act({ record, follower, begun: Promise.resolve(), turn })
    const etags = {
      [record.name]: etagOf(outcomes.record),
      [follower.name]: etagOf(outcomes.follower),
    } as Record<'old' | 'new', string | null>
    if (outcomes.record.fate !== 'done') return outcomes.record
    if (outcomes.follower.fate === 'done' && etags.old !== null && etags.new !== null)
      world.uploads.notePart(upload.id, number, { old: etags.old, new: etags.new })
    else {
      const left = await world.uploads.leave(upload.id, follower.name)
      if (left !== null) void abortAt(world, follower, upload.key, left)
    }
    return outcomes.record
  } finally {
    release()
    leave()
  }
}

const partNumber = (exchange: Exchange): number => queryNumber(exchange.request, 'partNumber', 0, 1)

export async function uploadPart(world: World, exchange: Exchange): Promise<Answer> {
  const upload = openUploadOf(world, exchange)
  const number = partNumber(exchange)
  const to = (side: Side) => {
    const uploadId = upload[side.name]
    return uploadId === null ? null : { key: upload.key, query: { partNumber: String(number), uploadId } }
  }
  const record = await part(
    world,
    upload,
    number,
    (write) => sendBody(world, exchange, write, to),
    ({ response }) => response?.head.get('etag')?.replaceAll('"', '') ?? null,
  )
  return answerOf(world, world.roles.record, record)
}

export async function uploadPartCopy(world: World, exchange: Exchange): Promise<Answer> {
  const upload = openUploadOf(world, exchange)
  const number = partNumber(exchange)
  const source = copySourceOf(world, exchange)
  const headers = passedOn(exchange.request.headers)
  exchange.begin()
  exchange.message.resume()
  const act = async (write: Write): Promise<Outcomes> => {
    await write.turn()
    const release = await world.locks.take([source.key])
    const ask: Ask = (side, isFirst, signal) => {
      const uploadId = upload[side.name]
      if (uploadId === null) return Promise.resolve(unsent)
      const asked = isFirst ? headers : withoutCopyConditions(headers)
      return outcomeOf(
        side.ask({
          method: 'PUT',
          key: upload.key,
          query: { partNumber: String(number), uploadId },
          headers: { ...asked, 'x-amz-copy-source': copySourceFor(side, source) },
          signal,
        }),
        isNoError,
      )
    }
    try {
      const isUncertain = world.journal.isUncertain(source.key)
      return await copyOnBoth(world, { ...source, isUncertain }, write, ask, false)
    } finally {
      release()
    }
  }
  return answerOf(world, world.roles.record, await part(world, upload, number, act, etagIn))
}

/** A document of a side's, with the names that the application knows. */
export function renamed(world: World, side: Side, key: Upload['key'], outcome: Outcome, id?: string): Answer {
  const answer = answerOf(world, side, outcome)
  const names: Record<string, string> = {
    Bucket: world.bucket,
    Key: key,
    Location: `/${world.bucket}/${key}`,
  }
  if (id !== undefined) names.UploadId = id
  let text = outcome.response!.body.toString('latin1').trimStart()
  for (const name of Object.keys(names))
    text = text.replace(new RegExp(`<${name}>[^<]*</${name}>`), () => element(name, names[name]!))
  return { ...answer, body: text }
}

export async function abortUpload(world: World, exchange: Exchange): Promise<Answer> {
  const upload = openUploadOf(world, exchange)
  const leave = await world.roles.enter()
  try {
    const { record, follower } = world.roles
    const ask = (side: Side) =>
      upload[side.name] === null
        ? Promise.resolve(unsent)
        : abortAt(world, side, upload.key, upload[side.name]!)
    const [first] = await Promise.all([ask(record), ask(follower)])
    if (first.fate === 'done' || first.response?.status === 404) await world.uploads.end(upload.id, null)
    return answerOf(world, record, first)
  } finally {
    leave()
  }
}
