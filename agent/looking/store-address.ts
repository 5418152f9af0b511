/** Which store a location is in. Options, environment and profile decide it together, as they do for the requests. */
import type { S3Location } from '../../shared/location.ts'
import type { SealedKeys } from '../storage/s3/access.ts'
import { identityOf } from '../storage/s3/store-identity.ts'

export interface StoreAddress {
  /** Null: AWS itself. */
  readonly endpoint: string | null
  /** Equal for two locations of one store. */
  readonly identity: string
}

export async function storeAddress(location: S3Location, sealed?: SealedKeys): Promise<StoreAddress> {
  // Who moves files does without the SDK's half second.
  const { resolveAccess } = await import('../storage/s3/access.ts')
  const { endpoint } = await resolveAccess(location, sealed)
  return { endpoint: endpoint?.replace(/\/+$/, '') ?? null, identity: identityOf(endpoint) }
}

/** Whether they are one bucket, by whatever names its store is called. */
export async function sameBucket(a: S3Location, b: S3Location, sealed?: SealedKeys): Promise<boolean> {
  if (a.bucket !== b.bucket) return false
  return (await storeAddress(a, sealed)).identity === (await storeAddress(b, sealed)).identity
}
