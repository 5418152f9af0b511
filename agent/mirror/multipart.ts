/** Multipart uploads. Parts show nowhere until they are completed, so the one write that needs an intent is that. */
import { keyFromText } from '../../shared/key.ts'
import { receiveBytes } from '../s3-server/body.ts'
import { S3Error } from '../s3-server/errors.ts'
import { queryNumber } from '../s3-server/request.ts'
import { element, nodesOf, optional, parseXml, textOf, wrap, xmlDocument } from '../s3-server/xml.ts'
import { copyOnBoth, copySourceFor, copySourceOf, etagIn, withoutCopyConditions } from './copy-object.ts'
import { isConditional, passedOn, passedOnQuery, withoutConditions } from './headers.ts'
import { noteTags, sendBody } from './put-object.ts'
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
  tryAgain,
  unsent,
  type Write,
  writing,
} from './writing.ts'

const noSuchUpload = () => new S3Error('NoSuchUpload')

function uploadOf(world: World, exchange: Exchange): Upload {
  const upload = world.uploads.find(exchange.request.query.get('uploadId') ?? '')
  if (!upload || upload.key !== keyOf(exchange)) throw noSuchUpload()
  return upload
}

function openUploadOf(world: World, exchange: Exchange): Upload {
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
const abortAt = (world: World, side: Side, key: Upload['key'], uploadId: string): Promise<Outcome> =>
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
    const ask: Ask = (side, isFirst, signal) => {
      const uploadId = upload[side.name]
      if (uploadId === null) return Promise.resolve(unsent)
      const body = documentFor(parts, world.uploads.parts(id, side.name))
      const asked = isFirst ? headers : withoutConditions(headers)
      return outcomeOf(
        side.ask({ method: 'POST', key, query: { uploadId }, headers: asked, body, signal }),
        isNoError,
      )
    }
    return askBoth(world, write, ask, { inTurn: isConditional(request.headers), ms: world.patience.long })
  })
  const { record } = world.roles
  if (outcomes.record.response === null) {
    const now = world.uploads.find(id)
    if (now?.answer) return completed(now.answer)
    throw now && now.ended === null ? tryAgain() : noSuchUpload()
  }
  if (outcomes.record.fate !== 'done') return renamed(world, record, key, outcomes.record)
  noteTags(world, withEtags(outcomes))
  const answer = renamed(world, record, key, outcomes.record)
  await world.uploads.end(id, answer.body as string).catch(() => {})
  return answer
}

const completed = (body: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body,
})

/** ETags of a completed upload stand in the document. */
const withEtags = (outcomes: Outcomes): Outcomes => {
  const of = (outcome: Outcome): Outcome => {
    const etag = etagIn(outcome)
    const head = { get: () => etag ?? undefined }
    return outcome.response ? { ...outcome, response: { ...outcome.response, head } as never } : outcome
  }
  return { record: of(outcomes.record), follower: of(outcomes.follower) }
}

/** The same parts, by this side's ETags. */
function documentFor(parts: ReturnType<typeof nodesOf>, etags: ReadonlyMap<number, string>): Buffer {
  const inner = parts.map((each) => {
    const number = textOf(each, 'PartNumber') ?? ''
    const fields = Object.keys(each).map((name) => {
      const own = name === 'ETag' ? etags.get(Number(number)) : undefined
      const value = own === undefined ? textOf(each, name) : `"${own}"`
      return value === null ? '' : element(name, keyFromText(value))
    })
    return wrap('Part', fields.join(''))
  })
  return Buffer.from(xmlDocument('CompleteMultipartUpload', inner.join('')), 'latin1')
}

/** A document of a side's, with the names that the application knows. */
function renamed(world: World, side: Side, key: Upload['key'], outcome: Outcome, id?: string): Answer {
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

export async function listParts(world: World, exchange: Exchange): Promise<Answer> {
  const upload = openUploadOf(world, exchange)
  const { record } = world.roles
  const query = { ...passedOnQuery(exchange.request.query), uploadId: upload[record.name]! }
  const outcome = await outcomeOf(
    record.ask({ method: 'GET', key: upload.key, query, signal: exchange.signal }),
  )
  if (outcome.response === null) throw tryAgain()
  return renamed(world, record, upload.key, outcome, upload.id)
}

/** Those that were begun through the mirror: of others nobody here could do anything. */
export async function listUploads(world: World, { request }: Exchange): Promise<Answer> {
  const { query } = request
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const keyMarker = query.get('key-marker') ?? ''
  const idMarker = query.get('upload-id-marker') ?? ''
  const most = Math.min(1_000, queryNumber(request, 'max-uploads', 1_000, 1))
  const found = world.uploads.list(
    prefix,
    { key: keyMarker, id: idMarker === '' ? '\xff' : idMarker },
    most + 1,
  )
  const shown = found.slice(0, most)
  const last = found.length > most ? shown.at(-1) : undefined
  const folders = new Set<string>()
  const lines = shown.flatMap(({ key, id, begun }) => {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
    if (at >= 0) {
      folders.add(key.slice(0, at + delimiter.length))
      return []
    }
    return [
      wrap(
        'Upload',
        element('Key', key) +
          element('UploadId', id) +
          element('Initiated', new Date(begun).toISOString()) +
          element('StorageClass', 'STANDARD'),
      ),
    ]
  })
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: xmlDocument(
      'ListMultipartUploadsResult',
      element('Bucket', world.bucket) +
        element('KeyMarker', keyMarker) +
        element('UploadIdMarker', idMarker) +
        optional('NextKeyMarker', last?.key) +
        optional('NextUploadIdMarker', last?.id) +
        optional('Delimiter', delimiter) +
        element('Prefix', prefix) +
        element('MaxUploads', most) +
        element('IsTruncated', String(last !== undefined)) +
        lines.join('') +
        [...folders].map((folder) => wrap('CommonPrefixes', element('Prefix', folder))).join(''),
    ),
  }
}
