/**
 * All versions and delete markers of a bucket, a key at a time. S3 lists the newest of a key first; a chain is the other
 * way round, and is given when it is whole. Complete or an error, as list.ts is: each key once, rising, its newest version
 * first and marked as that, and no page that goes back, repeats itself or ends in silence.
 */
import { DrayError } from '../../../shared/error.ts'
import type { Key } from '../../../shared/key.ts'
import { isEmpty, type Range } from '../../../shared/range.ts'
import { type Chain, mostVersions, type Version } from '../versions.ts'
import { collect } from './body.ts'
import { escaped, type S3Client } from './client.ts'
import { malformed, type Where } from './errors.ts'
import { acceptable } from './list.ts'
import { type ListedVersion, readVersionPage, type VersionCursor, type VersionPage } from './version-page.ts'

const longestPage = 16 << 20
const mostEmptyPages = 1000

/** Keys come out relative to `prefix`. `most`: versions of one key that are held. */
export async function* listVersions(
  client: S3Client,
  prefix: Key,
  range: Range,
  signal: AbortSignal,
  most = mostVersions,
): AsyncGenerator<Chain[]> {
  if (isEmpty(range)) return
  const place = client.where({ verb: 'LIST-VERSIONS', key: prefix })
  const start = range.after === null ? '' : acceptable(prefix + range.after)
  const chains = new ChainBuilder(place, most)
  let cursor: VersionCursor | null = null
  let emptyPages = 0
  for (;;) {
    const from = cursor ?? (start === '' ? null : { key: start, version: null })
    const page: VersionPage = await askPage(client, place, prefix, from, signal)
    if (page.listed.length > 0) emptyPages = 0
    else if (++emptyPages > mostEmptyPages) throw malformed(place, `${emptyPages} pages without a version`)

    const done: Chain[] = []
    let isPast = false
    for (const each of page.listed) {
      const whole = each.version.key
      if (whole < start) throw malformed(place, 'keys from before those that were asked for')
      if (!whole.startsWith(prefix)) throw malformed(place, 'a key outside of the prefix')
      const key = whole.slice(prefix.length) as Key
      if (range.through !== null && key > range.through) {
        isPast = true
        break
      }
      // What S3 cannot be asked to start behind is listed too many, and left out here.
      if (range.after !== null && key <= range.after) continue
      const finished = chains.add({ ...each, version: { ...each.version, key } })
      if (finished) done.push(finished)
    }
    const next: VersionCursor | null = isPast ? null : page.next
    if (next !== null && cursor !== null) mustAdvance(place, cursor, next)
    if (next === null && chains.key !== null) done.push(chains.take())
    if (done.length > 0) yield done
    if (next === null) return
    cursor = next
  }
}

/** The key whose versions are coming in. */
class ChainBuilder {
  /** Null where none has begun. */
  key: Key | null = null
  readonly #place: Where
  readonly #most: number
  #versions: Version[] = []
  #last: string | null = null
  #count = 0

  constructor(place: Where, most: number) {
    this.#place = place
    this.#most = most
  }

  /** The chain before, where this version begins the next. */
  add({ version, isLatest }: ListedVersion): Chain | null {
    const { key } = version
    if (this.key !== null && key < this.key) throw outOfOrder(this.#place)
    const isFirst = key !== this.key
    // Else the order is not what we take it for, or a part of the key was left out.
    if (isFirst !== isLatest) throw malformed(this.#place, 'versions that do not begin with the latest')
    if (version.version === this.#last && !isFirst) throw malformed(this.#place, 'a version twice')
    const finished = isFirst && this.key !== null ? this.take() : null
    this.key = key
    this.#last = version.version
    this.#count++
    if (this.#count <= this.#most) this.#versions.push(version)
    return finished
  }

  /** The chain as it has come, which must be all of it. */
  take(): Chain {
    const versions = this.#count > this.#most ? this.#versions.slice(0, 1) : this.#versions.reverse()
    const chain = { key: this.key!, versions, count: this.#count }
    this.key = null
    this.#versions = []
    this.#count = 0
    return chain
  }
}

function mustAdvance(place: Where, from: VersionCursor, to: VersionCursor): void {
  if (from.key === to.key && from.version === to.version) throw malformed(place, 'the same page twice')
  if (to.key < from.key) throw outOfOrder(place)
}

async function askPage(
  client: S3Client,
  place: Where,
  prefix: Key,
  cursor: { key: string; version: string | null } | null,
  signal: AbortSignal,
): Promise<VersionPage> {
  const query = [
    'encoding-type=url',
    ...(cursor === null ? [] : [`key-marker=${escaped(cursor.key)}`]),
    ...(prefix === '' ? [] : [`prefix=${escaped(prefix)}`]),
    ...(cursor?.version ? [`version-id-marker=${escaped(cursor.version)}`] : []),
    'versions=',
  ].join('&')
  const request = { verb: 'LIST-VERSIONS', method: 'GET', key: null, query, signal } as const
  const response = await client.send(request)
  const bytes = await collect(response.body, longestPage).catch((error) => {
    throw error instanceof DrayError ? error : malformed(place, 'a page without end')
  })
  const page = readVersionPage(bytes)
  if (typeof page === 'string') throw malformed(place, page)
  return page
}

const outOfOrder = ({ op }: Where) =>
  new DrayError('unordered', op, `The store does not list versions in the order of their keys (${op}).`, {
    hint: 'Versions can be moved from and to stores that list them in order of keys, newest first.',
  })
