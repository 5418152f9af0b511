/**
 * A bucket's listing, page by page, one page ahead of its consumer. It is complete or an error: a page that is cut off,
 * that goes back, that repeats itself or that names no next one though it says there is, never reads as the end.
 */
import { DrayError } from '../../../shared/error.ts'
import { type Key, keyToText } from '../../../shared/key.ts'
import { isEmpty, type Range } from '../../../shared/range.ts'
import type { Entry } from '../storage.ts'
import { collect } from './body.ts'
import { escaped, type S3Client } from './client.ts'
import { malformed, refusalError } from './errors.ts'
import { readListing } from './listing-page.ts'
import type { ListingPage } from './listing-scan.ts'

/** A thousand entries of the longest keys and owners, escaped; a page beyond that is no page. */
const longestPage = 16 << 20
/** A store may give pages without a key (deleted versions lie between), but it must get somewhere. */
const mostEmptyPages = 1000
const longestKey = 1024

/** Keys come out relative to `prefix`. */
export async function* listObjects(
  client: S3Client,
  prefix: Key,
  range: Range,
  signal: AbortSignal,
): AsyncGenerator<Entry[]> {
  if (isEmpty(range)) return
  const place = client.where({ verb: 'LIST', key: prefix })
  // The consumer may leave early; the page that was asked for ahead of it must not go on without it.
  const leaving = new AbortController()
  const either = AbortSignal.any([signal, leaving.signal])
  const page = (query: string): Promise<ListingPage> => {
    const asked = askPage(client, prefix, query, either, readListing)
    asked.catch(() => {})
    return asked
  }
  const common = 'encoding-type=url&list-type=2'
  const within = prefix === '' ? '' : `&prefix=${escaped(prefix)}`
  const startAfter = range.after === null ? '' : acceptable(prefix + range.after)
  const start = startAfter === '' ? '' : `&start-after=${escaped(startAfter)}`

  try {
    let asking = page(common + within + start)
    let token: string | null = null
    let last: string | null = null
    let emptyPages = 0
    for (;;) {
      const { entries, next } = await asking
      if (entries.length > 0) emptyPages = 0
      else if (++emptyPages > mostEmptyPages) throw malformed(place, `${emptyPages} pages without an entry`)
      if (next !== null && next === token) throw malformed(place, 'the same page twice')

      const kept: Entry[] = []
      let past = false
      for (const entry of entries) {
        const whole: string = entry.key
        if (last !== null && whole <= last) throw outOfOrder(place.op, whole === last)
        if (whole < startAfter) throw malformed(place, 'keys from before those that were asked for')
        last = whole
        if (!whole.startsWith(prefix)) throw malformed(place, 'a key outside of the prefix')
        if (prefix !== '') entry.key = whole.slice(prefix.length) as Key
        if (range.through !== null && entry.key > range.through) {
          past = true
          break
        }
        if (range.after === null || entry.key > range.after) kept.push(entry)
      }
      token = past ? null : next
      // Parameters are signed in the order of their names, and `continuation-token` comes first.
      if (token !== null) asking = page(`continuation-token=${escaped(token)}&${common}${within}`)
      if (kept.length > 0) yield kept
      if (token === null) return
    }
  } finally {
    leaving.abort()
  }
}

/** The page as `read` gives it, which says by a string what is wrong with one. */
export async function askPage<Page extends object>(
  client: S3Client,
  prefix: Key,
  query: string,
  signal: AbortSignal,
  read: (bytes: Buffer) => Page | string,
): Promise<Page> {
  const request = { verb: 'LIST', method: 'GET', key: null, query, signal } as const
  const response = await client.send(request)
  const place = client.where({ verb: 'LIST', key: prefix })
  const bytes = await collect(response.body, longestPage).catch((error) => {
    throw error instanceof DrayError ? error : malformed(place, 'a page without end')
  })
  const page = read(bytes)
  if (typeof page !== 'string') return page
  // A captive portal or a wrong port answers everything with a page of its own.
  if (
    /^\s*<(?:!doctype html|html)/i.test(bytes.toString('latin1', 0, 200)) ||
    /^[^<]+$/.test(bytes.toString('latin1', 0, 200))
  ) {
    const { status } = response
    const nothing = { code: null, message: '', region: null, retryAfter: null, skewMs: null }
    throw refusalError(place, { status, ...nothing, foreign: true })
  }
  throw malformed(place, page)
}

export const outOfOrder = (op: string, repeated: boolean) =>
  repeated
    ? new DrayError('server-error', op, `The store listed a key twice (${op}).`, { retry: 'later' })
    : new DrayError('unordered', op, `The store does not list keys in the order of their bytes (${op}).`, {
        hint: 'Dray needs listings in that order; directory buckets, for one, do not give it.',
      })

/**
 * The longest start of `key` that S3 takes as `start-after`: text of at most 1,024 bytes. It is no greater than `key`, so
 * nothing is left out; what it lets in too many is filtered here.
 */
export function acceptable(key: string): string {
  let end = Math.min(key.length, longestKey)
  while (end > 0 && keyToText(key.slice(0, end) as Key) === null) end--
  return key.slice(0, end)
}
