/** DeleteObject and DeleteObjects. A delete is remembered with its intent, before it is made. */
import { createHash } from 'node:crypto'
import { type Key, keyFromText } from '../../shared/key.ts'
import { verdict } from '../core/mirror-verdict.ts'
import { receiveBytes } from '../s3-server/body.ts'
import { S3Error } from '../s3-server/errors.ts'
import { element, nodesOf, optional, parseXml, textOf, wrap, xmlDocument } from '../s3-server/xml.ts'
import { childrenOf, type Element, parseXml as readXml, textOf as said } from '../storage/s3/xml.ts'
import { isConditional, passedOn, passedOnQuery, withoutConditions } from './headers.ts'
import type { Side } from './side.ts'
import { type Answer, type Exchange, keyOf, type World } from './world.ts'
import {
  answerOf,
  askBoth,
  type Outcome,
  type Outcomes,
  outcomeOf,
  tryAgain,
  unsent,
  type VerdictOf,
  type Write,
  writing,
} from './writing.ts'

export async function deleteObject(world: World, exchange: Exchange): Promise<Answer> {
  const key = keyOf(exchange)
  const { request } = exchange
  const query = passedOnQuery(request.query)
  const headers = passedOn(request.headers)
  // Versions have other names on the other side: what is left there is found by repair.
  const isOfVersion = request.query.has('versionId')
  const outcomes = await writing(world, [key], isOfVersion ? 'change' : 'delete', async (write) => {
    await write.begun
    await write.turn()
    const ask = (side: Side, isFirst: boolean, signal: AbortSignal) => {
      const asked = isFirst ? headers : withoutConditions(headers)
      return outcomeOf(side.ask({ method: 'DELETE', key, query, headers: asked, signal })).then(goneIsDone)
    }
    if (isOfVersion) return { record: await ask(write.record, true, world.signal), follower: unsent }
    return askBoth(world, write, ask, { inTurn: isConditional(request.headers) })
  })
  return answerOf(world, world.roles.record, outcomes.record)
}

/** Some stores say that there was nothing. */
const goneIsDone = (outcome: Outcome): Outcome =>
  outcome.response?.status === 404 && !/NoSuchBucket/.test(outcome.response.body.toString('latin1', 0, 1_000))
    ? { ...outcome, fate: 'done' }
    : outcome

interface Asked {
  readonly key: Key
  readonly version: string | null
}

interface Told extends Outcomes {
  /** By key: what each side said of it. Null: the whole request failed there. */
  readonly of: { readonly record: Map<Key, Element> | null; readonly follower: Map<Key, Element> | null }
}

const mostKeys = 1_000

export async function deleteObjects(world: World, exchange: Exchange): Promise<Answer> {
  const document = parseXml(await receiveBytes(exchange), 'Delete')
  const isQuiet = textOf(document, 'Quiet') === 'true'
  const asked = nodesOf(document, 'Object').map((node): Asked => {
    const key = keyFromText(textOf(node, 'Key') ?? '')
    if (key === '' || key.length > 1024) throw new S3Error('MalformedXML')
    return { key, version: textOf(node, 'VersionId') }
  })
  if (asked.length === 0 || asked.length > mostKeys) throw new S3Error('MalformedXML')
  const keys = [...new Set(asked.map(({ key }) => key))]
  const versions = new Set(asked.filter(({ version }) => version !== null).map(({ key }) => key))
  const { 'content-md5': _, 'content-type': __, ...headers } = passedOn(exchange.request.headers)
  for (const name of Object.keys(headers)) if (name.startsWith('x-amz-checksum')) delete headers[name]

  const act = async (write: Write): Promise<Told> => {
    await write.begun
    await write.turn()
    const of: { record: Map<Key, Element> | null; follower: Map<Key, Element> | null } = {
      record: null,
      follower: null,
    }
    const ask = async (side: Side, isFirst: boolean, signal: AbortSignal): Promise<Outcome> => {
      const which = isFirst ? asked : asked.filter(({ key }) => !versions.has(key))
      if (which.length === 0) return unsent
      const body = documentFor(side, which)
      const asking = side.ask({
        method: 'POST',
        key: null,
        query: { delete: '' },
        headers: { ...headers, 'content-type': 'application/xml', 'content-md5': md5(body) },
        body,
        signal,
      })
      const outcome = await outcomeOf(asking)
      of[isFirst ? 'record' : 'follower'] = outcome.fate === 'done' ? toldBy(side, outcome) : null
      return outcome
    }
    return { ...(await askBoth(world, write, ask)), of }
  }
  const { record, of } = await writing(world, keys, 'delete', act, verdictsOf)
  if (record.fate !== 'done') return answerOf(world, world.roles.record, record)
  if (of.record === null) throw tryAgain()
  const said = asked.flatMap(({ key }) => {
    const found = of.record!.get(key)
    return found === undefined || (isQuiet && found.name === 'Deleted') ? [] : [echo(key, found)]
  })
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: xmlDocument('DeleteResult', said.join('')),
  }
}

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('base64')

function documentFor(side: Side, which: readonly Asked[]): Buffer {
  const objects = which.map(({ key, version }) =>
    wrap('Object', element('Key', side.whole(key)) + optional('VersionId', version)),
  )
  return Buffer.from(xmlDocument('Delete', objects.join('')), 'latin1')
}

/** Null where it makes no sense. */
function toldBy(side: Side, { response }: Outcome): Map<Key, Element> | null {
  const root = readXml(response!.body)
  if (root?.name !== 'DeleteResult') return null
  const found = new Map<Key, Element>()
  for (const name of ['Deleted', 'Error'])
    for (const each of childrenOf(root, name)) {
      const whole = keyFromText(said(each, 'Key') ?? '')
      if (whole.startsWith(side.prefix)) found.set(whole.slice(side.prefix.length) as Key, each)
    }
  return found
}

function verdictsOf({ record, follower, of }: Told): VerdictOf {
  const fateOf = (outcome: Outcome, told: Map<Key, Element> | null, key: Key) => {
    if (outcome.fate !== 'done') return outcome.fate
    const found = told?.get(key)
    if (!found) return 'unknown'
    return found.name === 'Deleted' || said(found, 'Code') === 'NoSuchKey' ? 'done' : 'refused'
  }
  return (key) => verdict(fateOf(record, of.record, key), fateOf(follower, of.follower, key))
}

/** As the side of record said it, with the application's own key. */
function echo(key: Key, found: Element): string {
  const fields = ['VersionId', 'DeleteMarker', 'DeleteMarkerVersionId', 'Code', 'Message'].map((name) => {
    const value = said(found, name)
    return value ? element(name, keyFromText(value)) : ''
  })
  return wrap(found.name, element('Key', key) + fields.join(''))
}
