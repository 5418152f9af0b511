/** CopyObject and UploadPartCopy: each side copies what it has itself; whether that is the same, the ETags say. */
import type { Key } from '../../shared/key.ts'
import { escapeKey } from '../../shared/key.ts'
import { S3Error } from '../s3-server/errors.ts'
import { parseKey } from '../s3-server/request.ts'
import { isConditional, passedOn, withoutConditions } from './headers.ts'
import type { Side } from './side.ts'
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
  writing,
} from './writing.ts'

export interface CopySource {
  readonly key: Key
  /** As it stands behind the key, with its `?`; empty where the newest is meant. */
  readonly version: string
}

export function copySourceOf(world: World, { request }: Exchange): CopySource {
  const text = request.headers.get('x-amz-copy-source') ?? ''
  const [path = '', ...rest] = text.split('?')
  const [, bucket, key] = /^\/?([^/]+)\/(.+)$/s.exec(path.replace(/^%2F/i, '/')) ?? []
  if (bucket === undefined || key === undefined)
    throw new S3Error(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  if (bucket !== world.bucket)
    throw new S3Error('NoSuchBucket', undefined, { fields: { BucketName: bucket } })
  return { key: parseKey(key), version: rest.length === 0 ? '' : `?${rest.join('?')}` }
}

export const copySourceFor = (side: Side, { key, version }: CopySource): string =>
  `/${side.bucket}/${escapeKey(side.whole(key))}${version}`

/**
 * Only the side of record is asked where the sides may differ in what is copied, or where it is a version, which have other names on the other side. What
 * the application sends no conditions for is copied by both at once.
 */
export async function copyOnBoth(
  world: World,
  { version, isUncertain }: CopySource & { isUncertain: boolean },
  write: Pick<Write, 'record' | 'follower'>,
  ask: Ask,
  inTurn: boolean,
): Promise<Outcomes> {
  if (version !== '' || isUncertain)
    return { record: await ask(write.record, true, world.signal), follower: unsent }
  return sameOrNot(await askBoth(world, write, ask, { inTurn, ms: world.patience.long }))
}

/** Copies of different things: what follows had another object there, or one of which it makes another ETag. */
function sameOrNot({ record, follower }: Outcomes): Outcomes {
  const isSame = etagIn(record) !== null && etagIn(record) === etagIn(follower)
  return {
    record,
    follower: follower.fate === 'done' && !isSame ? { ...follower, fate: 'refused' } : follower,
  }
}

export const etagIn = ({ response }: Outcome): string | null =>
  /<ETag>(?:&quot;|"|&#34;)?([^<&"]+)/.exec(response?.body.toString('latin1', 0, 4_096) ?? '')?.[1] ?? null

export async function copyObject(world: World, exchange: Exchange): Promise<Answer> {
  const key = keyOf(exchange)
  const source = copySourceOf(world, exchange)
  const headers = passedOn(exchange.request.headers)
  const hasConditions =
    isConditional(exchange.request.headers) ||
    Object.keys(headers).some((name) => name.startsWith('x-amz-copy-source-if-'))
  // Of its own intent nothing can be told later.
  const wasUncertain = world.journal.isUncertain(source.key)
  const outcomes = await writing(world, [key], 'put', async (write) => {
    await write.begun
    await write.turn(source.key)
    const ask = (side: Side, isFirst: boolean, signal: AbortSignal) =>
      outcomeOf(
        side.ask({
          method: 'PUT',
          key,
          headers: {
            ...(isFirst ? headers : withoutCopyConditions(headers)),
            'x-amz-copy-source': copySourceFor(side, source),
          },
          signal,
        }),
        isNoError,
      )
    const isUncertain = source.key === key ? wasUncertain : world.journal.isUncertain(source.key)
    return copyOnBoth(world, { ...source, isUncertain }, write, ask, hasConditions)
  })
  return answerOf(world, world.roles.record, outcomes.record)
}

export function withoutCopyConditions(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(withoutConditions(headers)).filter(([name]) => !name.startsWith('x-amz-copy-source-if-')),
  )
}
