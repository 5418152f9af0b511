/**
 * ListObjects and ListObjectsV2. Where reads fall back, both sides are listed and merged: a key that both have is shown as the new side has it;
 * where the sides may differ in it, as the side of record has it, or not at all. A token is the last name that was shown, so a
 * listing goes on where the roles change in its middle.
 */
import { type Key, keyFromText } from '../../shared/key.ts'
import { S3Error } from '../s3-server/errors.ts'
import { encodingOf } from '../s3-server/operations/list-objects.ts'
import { queryNumber } from '../s3-server/request.ts'
import { element, optional, wrap, xmlDocument } from '../s3-server/xml.ts'
import type { Element } from '../storage/s3/xml.ts'
import { type ListedItem, ListingRefused, SideListing, type SideWalk } from './side-listing.ts'
import type { Answer, Exchange, World } from './world.ts'

const mostKeys = 1_000
/** Longest that the new side may take for its part of a page. */
const patienceMs = 15_000

export async function listObjects(world: World, exchange: Exchange): Promise<Answer> {
  const { request } = exchange
  const { query } = request
  const isSecond = query.get('list-type') === '2'
  const token = query.get('continuation-token')
  const startAfter = query.get(isSecond ? 'start-after' : 'marker') ?? ''
  const after = isSecond && token !== undefined ? parseToken(token) : startAfter
  const maxKeys = Math.min(mostKeys, queryNumber(request, 'max-keys', mostKeys))
  const prefix = query.get('prefix') ?? ''
  const delimiter = query.get('delimiter') ?? ''
  const encode = encodingOf(request)
  const owner = isSecond ? query.get('fetch-owner') === 'true' : true
  const walk: SideWalk = {
    prefix,
    delimiter,
    after,
    most: Math.min(mostKeys, maxKeys + 1),
    owner,
    signal: exchange.signal,
  }

  let page: Page
  try {
    page = await pageOf(world, walk, maxKeys)
  } catch (error) {
    if (error instanceof ListingRefused) return error.answer
    throw error
  }
  const { items, more } = page
  const last = items.at(-1)?.name ?? ''
  const next = more && items.length > 0 ? last : null
  const markers = isSecond
    ? [
        optional('StartAfter', startAfter && encode(startAfter)),
        optional('ContinuationToken', token),
        next === null ? '' : element('NextContinuationToken', makeToken(next)),
        element('KeyCount', items.length),
      ]
    : [
        element('Marker', encode(startAfter)),
        // As on AWS: without a delimiter, the last key is the next marker.
        optional('NextMarker', delimiter !== '' && next !== null ? encode(next) : null),
      ]
  const contents = items.flatMap(({ name, contents }) =>
    contents ? [wrap('Contents', element('Key', encode(name)) + restOf(contents))] : [],
  )
  const prefixes = items.flatMap(({ name, contents }) =>
    contents ? [] : [wrap('CommonPrefixes', element('Prefix', encode(name)))],
  )
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: xmlDocument(
      'ListBucketResult',
      element('Name', world.bucket) +
        element('Prefix', encode(prefix)) +
        markers.join('') +
        element('MaxKeys', maxKeys) +
        optional('Delimiter', encode(delimiter)) +
        optional('EncodingType', query.get('encoding-type')) +
        element('IsTruncated', String(next !== null)) +
        contents.join('') +
        prefixes.join(''),
    ),
  }
}

interface Page {
  readonly items: ListedItem[]
  readonly more: boolean
}

async function pageOf(world: World, walk: SideWalk, most: number): Promise<Page> {
  if (most === 0) return { items: [], more: false }
  const { roles } = world
  if (!roles.fallsBack) return pageOfOne(new SideListing(roles.record, walk), most)
  const { presence } = world.new
  if (!presence.mayBeAsked()) return pageOfOne(new SideListing(world.old, walk), most)
  const patience = AbortSignal.any([walk.signal, AbortSignal.timeout(patienceMs)])
  const fresh = new SideListing(world.new, { ...walk, signal: patience })
  try {
    const page = await merged(world, new SideListing(world.old, walk), fresh, walk, most)
    presence.met()
    return page
  } catch (error) {
    presence.leftOpen()
    // All that there is, is at the side of record.
    if (!(error instanceof ListingRefused || error instanceof S3Error)) throw error
    return pageOfOne(new SideListing(world.old, walk), most)
  }
}

async function pageOfOne(listing: SideListing, most: number): Promise<Page> {
  const items: ListedItem[] = []
  for (;;) {
    if (items.length === most) return { items, more: listing.mayHaveMore }
    const item = await listing.head()
    if (item === null) return { items, more: false }
    items.push(item)
    listing.skip()
  }
}

async function merged(
  world: World,
  old: SideListing,
  fresh: SideListing,
  walk: SideWalk,
  most: number,
): Promise<Page> {
  const items: ListedItem[] = []
  for (;;) {
    if (items.length === most) return { items, more: old.mayHaveMore || fresh.mayHaveMore }
    const [a, b] = await Promise.all([old.head(), fresh.head()])
    if (a === null && b === null) return { items, more: false }
    const name = b === null || (a !== null && a.name <= b.name) ? a!.name : b.name
    const ofOld = a?.name === name ? a : null
    const ofNew = b?.name === name ? b : null
    if (ofOld) old.skip()
    if (ofNew) fresh.skip()
    const shown = await which(world, walk, ofOld, ofNew)
    if (shown) items.push(shown)
  }
}

async function which(
  world: World,
  walk: SideWalk,
  ofOld: ListedItem | null,
  ofNew: ListedItem | null,
): Promise<ListedItem | null> {
  if (!ofNew) return ofOld
  if (ofNew.contents) return world.journal.isUncertain(ofNew.name) ? ofOld : ofNew
  if (ofOld) return ofOld
  return (await hasLiving(world, walk, ofNew.name)) ? ofNew : null
}

/** Whether a folder that the new side alone has holds anything but what was deleted. */
async function hasLiving(world: World, { signal }: SideWalk, prefix: Key): Promise<boolean> {
  const listing = new SideListing(world.new, {
    prefix,
    delimiter: '',
    after: '',
    most: mostKeys,
    owner: false,
    signal,
  })
  for (;;) {
    const item = await listing.head()
    if (item === null) return false
    if (!world.journal.isUncertain(item.name)) return true
    listing.skip()
  }
}

/** All of an object's line but its key. */
function restOf(contents: Element): string {
  return contents.children
    .map((child) => (typeof child === 'string' || child.name === 'Key' ? '' : again(child)))
    .join('')
}

function again({ name, children }: Element): string {
  const elements = children.filter((child) => typeof child !== 'string')
  if (elements.length > 0) return wrap(name, elements.map(again).join(''))
  return element(name, keyFromText(children.join('')))
}

const makeToken = (last: string): string => `d${Buffer.from(last, 'latin1').toString('base64url')}`

function parseToken(token: string): string {
  const last = Buffer.from(token.slice(1), 'base64url').toString('latin1')
  if (makeToken(last) === token) return last
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect', {
    fields: { ArgumentName: 'continuation-token' },
  })
}
