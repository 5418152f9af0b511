/** Puts a location's client together: what the AWS chain or its connection says of it, the way there, and the terms. */
import type { S3Location } from '../../../shared/location.ts'
import { type Access, resolveAccess, type SealedKeys } from './access.ts'
import { openS3Client, type S3Client } from './client.ts'
import type { Http, HttpOptions } from './http.ts'
import type { Lanes } from './lanes.ts'
import { proxyOf } from './proxy.ts'
import { resolveTarget } from './target.ts'
import { withTerms } from './terms.ts'
import { openWire } from './wire/wire.ts'

export interface OpenClientOptions {
  readonly connections: number
  readonly lanes?: Lanes | undefined
  readonly env?: NodeJS.ProcessEnv
  readonly sealed?: SealedKeys | undefined
}

/** Asks nothing of the store; credentials that cannot be had are an error. */
export async function openClient(
  location: S3Location,
  options: OpenClientOptions,
): Promise<{ access: Access; client: S3Client }> {
  const { bucket } = location
  const access = await resolveAccess(location, options.sealed)
  const retarget = (region: string) => resolveTarget(access, bucket, region)
  const [target] = await Promise.all([retarget(access.region), access.credentials()])
  const http = await openHttp(proxyOf(target.origin, options.env ?? {}), {
    connections: options.connections,
    lanes: options.lanes,
    authorities: access.authorities,
  })
  return { access, client: withTerms(openS3Client({ bucket, access, http, target, retarget }), location) }
}

/** A wire of this location's own, or the way through the proxy that the environment names for it. */
async function openHttp(proxy: string | null, options: HttpOptions): Promise<Http> {
  if (proxy === null) return openWire(options)
  const { openProxiedHttp } = await import('./proxied-http.ts')
  return openProxiedHttp(options, proxy)
}
