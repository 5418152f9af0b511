/**
 * Where a bucket is spoken to: the address, the path or host that names it, and what to sign for. AWS's own rules decide
 * (regions, partitions, FIPS, dual stack, access points), through the SDK.
 */
import { createRequire } from 'node:module'
import { DrayError } from '../../../shared/error.ts'
import type { Access } from './access.ts'
import { awsSdk } from './aws-sdk.ts'

type Rules = typeof import('@smithy/middleware-endpoint')
const rules = () => createRequire(import.meta.url)('@smithy/middleware-endpoint') as Rules

export interface Target {
  /** `https://host:port`; also what people are told. */
  readonly origin: string
  /** By whose limit it counts (shared/limit.ts): the origin, without the name of a bucket. */
  readonly endpoint: string
  readonly host: string
  /** What stands before every key: `/bucket`, or nothing where the host names the bucket. */
  readonly path: string
  readonly region: string
  readonly service: string
}

/** `bucket`: empty for the store itself, of which there is nothing to ask but its buckets. */
export async function resolveTarget(access: Access, bucket: string, region: string): Promise<Target> {
  const op = `OPEN s3://${bucket}`
  const unsupported = (what: string) =>
    new DrayError('config', op, `Bucket "${bucket}" ${what}, which Dray does not speak yet.`)
  if (bucket.endsWith('--x-s3')) throw unsupported('is a directory bucket (S3 Express One Zone)')
  if (access.plain && access.endpoint !== null && !bucket.includes(':')) {
    const { origin, host, pathname } = new URL(access.endpoint)
    const path = `${pathname.replace(/\/+$/, '')}/${bucket}`.replace(/\/$/, '')
    return { origin, endpoint: origin, host, path, region, service: 's3' }
  }
  const { ListBucketsCommand, ListObjectsV2Command, S3Client } = awsSdk()
  const { getEndpointFromInstructions } = rules()
  const client = new S3Client({
    region,
    // Any will do: nothing is sent by this client.
    credentials: { accessKeyId: '-', secretAccessKey: '-' },
    forcePathStyle: access.pathStyle,
    ignoreConfiguredEndpointUrls: true,
    ...(access.endpoint !== null && { endpoint: access.endpoint }),
  })
  let endpoint: Awaited<ReturnType<Rules['getEndpointFromInstructions']>>
  try {
    endpoint =
      bucket === ''
        ? await getEndpointFromInstructions({}, ListBucketsCommand, { ...client.config })
        : await getEndpointFromInstructions({ Bucket: bucket }, ListObjectsV2Command, { ...client.config })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DrayError(
      'config',
      op,
      `Bucket "${bucket}" in region "${region}" cannot be addressed: ${why}`,
      {
        hint: 'Check the bucket’s name, the region and the endpoint.',
        cause,
      },
    )
  }
  const [scheme] = (endpoint.properties?.authSchemes ?? []) as {
    name: string
    signingName?: string
    signingRegion?: string
  }[]
  if (scheme?.name === 'sigv4a') throw unsupported('is a multi-region access point')
  const { url } = endpoint
  return {
    origin: url.origin,
    endpoint: endpointOf(access, url, bucket, region),
    host: url.host,
    path: url.pathname.replace(/\/+$/, ''),
    region: scheme?.signingRegion ?? region,
    service: scheme?.signingName ?? 's3',
  }
}

/** AWS has one for a region, whatever the way to a bucket there. */
function endpointOf({ endpoint }: Access, url: URL, bucket: string, region: string): string {
  if (endpoint !== null) return new URL(endpoint).origin
  if (url.host.startsWith(`${bucket}.`)) return `https://${url.host.slice(bucket.length + 1)}`
  return url.host.startsWith('s3') ? url.origin : `https://s3.${region}.amazonaws.com`
}
