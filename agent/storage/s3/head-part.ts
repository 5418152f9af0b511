/** What a store says of one part of an object, by a HEAD with `partNumber`. */
import type { Entry, PartHead } from '../storage.ts'
import { escaped } from './client.ts'
import type { HttpResponse } from './http.ts'
import { headOf } from './object-headers.ts'

/**
 * `entry` is the object that was asked for, by its token. Only `x-amz-mp-parts-count` shows that the store has answered for
 * the part: one that does not know the parameter answers for the object, as S3 does for an object that has no parts.
 */
export function partHeadOf(entry: Entry, response: HttpResponse): PartHead | string {
  const bytes = Number(response.headers['content-length'] ?? Number.NaN)
  if (!Number.isSafeInteger(bytes)) return 'an object without a length'
  const count = response.headers['x-amz-mp-parts-count']
  const parts = count !== undefined && /^[1-9][0-9]{0,4}$/.test(count) ? Number(count) : null
  const total = /\/(\d+)$/.exec(response.headers['content-range'] ?? '')
  const head = headOf(entry.key, response, total ? Number(total[1]) : parts === null ? bytes : entry.size)
  return typeof head === 'string' ? head : { head, bytes, parts }
}

export const partQuery = ({ version }: Entry, number: number): string =>
  `partNumber=${number}${version === undefined ? '' : `&versionId=${escaped(version)}`}`
