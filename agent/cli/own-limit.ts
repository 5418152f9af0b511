/** What `--limit` and `--requests` mean at an endpoint. */
import type { LimitValues } from '../../shared/limit.ts'
import type { Request } from './request.ts'

/**
 * Undefined where nothing was asked for. Both sides may be directories, which are one endpoint: what is read there counts, and what is
 * written; a person means what is copied. Requests are a store's.
 */
export function ownLimit({
  bandwidth,
  requests,
}: Request['limit']): ((endpoint: string) => LimitValues | null) | undefined {
  if (bandwidth === null && requests === null) return undefined
  const ofFiles = bandwidth === null ? null : { bandwidth: 2 * bandwidth, requests: null, concurrency: null }
  const ofStore = { bandwidth, requests, concurrency: null }
  return (endpoint) => (endpoint.startsWith('file:') ? ofFiles : ofStore)
}
