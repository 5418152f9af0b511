/** GetObject and HeadObject: whole, a range, or a part of a multipart object. */
import { checksumHeaders } from '../checksums.ts'
import { checkRead } from '../conditions.ts'
import { checkCustomerKey, customerKeyHeaders } from '../customer-key.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, objectOf, type Reply, versionHeader } from '../exchange.ts'
import type { ObjectVersion } from '../object-version.ts'
import type { S3Request } from '../request.ts'
import { checkReadable, restoreHeader } from './restore-object.ts'

interface Slice {
  readonly first: number
  /** `first - 1` where there are no bytes. */
  readonly last: number
  readonly status: 200 | 206
  readonly partsCount?: number
}

export function getObject(exchange: Exchange): Reply {
  const { request } = exchange
  const version = objectOf(exchange)
  checkCustomerKey(request, version)
  checkRead(request, version)
  if (request.method === 'GET') checkReadable(exchange.world, version)
  const slice = partSlice(request, version) ?? rangeSlice(request, version.size)
  const { first, last, status, partsCount } = slice
  const whole = last - first + 1 === version.size
  const headers: Record<string, string> = {
    ...version.headers,
    'accept-ranges': 'bytes',
    etag: `"${version.etag}"`,
    'last-modified': new Date(version.modified).toUTCString(),
    ...versionHeader(bucketOf(exchange), version),
    ...(status === 206 ? { 'content-range': `bytes ${first}-${last}/${version.size}` } : {}),
    ...(partsCount ? { 'x-amz-mp-parts-count': String(partsCount) } : {}),
    ...(whole && request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
      ? checksumHeaders(version.extra?.checksum)
      : {}),
    ...(version.extra?.tags ? { 'x-amz-tagging-count': String(version.extra.tags.length) } : {}),
    ...lockHeaders(version),
    ...restoreHeader(exchange.world, version),
    ...customerKeyHeaders(version.extra?.customerKey),
    ...overrides(request),
  }
  return { status, headers, body: { stored: version.body!, first, last } }
}

function partSlice(request: S3Request, version: ObjectVersion): Slice | null {
  const text = request.query.get('partNumber')
  if (text === undefined) return null
  if (request.headers.has('range'))
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter')
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > 10_000)
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive')
  const parts = version.extra?.parts
  const index = parts ? number - 1 : 0
  const part = parts ? parts[index] : number === 1 ? { size: version.size } : undefined
  if (!part) throw new S3Error('InvalidPartNumber')
  let first = 0
  for (let i = 0; i < index; i++) first += parts![i]!.size
  // An empty object has no bytes that a Content-Range could name.
  const slice = { first, last: first + part.size - 1, status: version.size === 0 ? 200 : 206 } as const
  return parts ? { ...slice, partsCount: parts.length } : slice
}

/** A header that is no single byte range is as good as none. */
function rangeSlice(request: S3Request, size: number): Slice {
  const range = request.headers.get('range')
  const whole = { first: 0, last: size - 1, status: 200 } as const
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range?.trim() ?? '')
  if (!found || (found[1] === '' && found[2] === '')) return whole
  const [from, to] = [found[1], found[2]]
  if (from !== '' && to !== '' && Number(to) < Number(from)) return whole
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (first >= size || (from === '' && Number(to) === 0))
    throw new S3Error('InvalidRange', undefined, {
      fields: { RangeRequested: range!, ActualObjectSize: String(size) },
      headers: { 'content-range': `bytes */${size}` },
    })
  return { first, last, status: 206 }
}

function lockHeaders({ extra }: ObjectVersion): Record<string, string> {
  if (!extra?.lock) return {}
  const { mode, until, legalHold } = extra.lock
  return {
    ...(mode === null
      ? {}
      : {
          'x-amz-object-lock-mode': mode,
          'x-amz-object-lock-retain-until-date': new Date(until).toISOString(),
        }),
    ...(legalHold ? { 'x-amz-object-lock-legal-hold': 'ON' } : {}),
  }
}

const overridable = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
]

function overrides(request: S3Request): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of overridable) {
    const value = request.query.get(`response-${name}`)
    if (value !== undefined) headers[name] = value
  }
  return headers
}
