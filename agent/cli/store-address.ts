/** Which store a location is in. Options, environment and profile decide it together, as they do for the requests. */
import type { S3Location } from '../../shared/location.ts'

export interface StoreAddress {
  /** Null: AWS itself. */
  readonly endpoint: string | null
  /** Equal for two locations of one store. */
  readonly identity: string
}

export async function storeAddress(location: S3Location): Promise<StoreAddress> {
  // Who moves files does without the SDK's half second.
  const { resolveAccess } = await import('../storage/s3/access.ts')
  const { endpoint } = await resolveAccess(location)
  return { endpoint: endpoint?.replace(/\/+$/, '') ?? null, identity: identityOf(endpoint) }
}

export function identityOf(endpoint: string | null): string {
  // Bucket names are unique in all of AWS, whatever the region and the way there.
  if (endpoint === null) return 'aws'
  const { protocol, hostname, port, pathname } = new URL(endpoint)
  if (/\.amazonaws\.com(\.cn)?$/.test(hostname)) return 'aws'
  // The names that one's own machine goes by.
  const host = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(hostname) ? 'localhost' : hostname
  return `${host}:${port || (protocol === 'https:' ? '443' : '80')}${pathname.replace(/\/+$/, '')}`
}
