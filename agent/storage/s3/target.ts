/**
 * Where a bucket is spoken to: the address, the path or host that names it, and what to sign for. AWS's own rules decide
 * (regions, partitions, FIPS, dual stack, access points), through the SDK.
 */
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { getEndpointFromInstructions } from '@smithy/middleware-endpoint'
import { DrayError } from '../../../shared/error.ts'
import type { Access } from './access.ts'

export interface Target {
  /** `https://host:port`; also what people are told. */
  readonly origin: string
  readonly host: string
  /** What stands before every key: `/bucket`, or nothing where the host names the bucket. */
  readonly path: string
  readonly region: string
  readonly service: string
}

export async function resolveTarget(access: Access, bucket: string, region: string): Promise<Target> {
  const op = `OPEN s3://${bucket}`
  const unsupported = (what: string) =>
    new DrayError('config', op, `Bucket "${bucket}" ${what}, which Dray does not speak yet.`)
  if (bucket.endsWith('--x-s3')) throw unsupported('is a directory bucket (S3 Express One Zone)')
  const client = new S3Client({
    region,
    // Any will do: nothing is sent by this client.
    credentials: { accessKeyId: '-', secretAccessKey: '-' },
    forcePathStyle: access.pathStyle,
    ignoreConfiguredEndpointUrls: true,
    ...(access.endpoint !== null && { endpoint: access.endpoint }),
  })
  let endpoint: Awaited<ReturnType<typeof getEndpointFromInstructions>>
  try {
    endpoint = await getEndpointFromInstructions({ Bucket: bucket }, ListObjectsV2Command, {
      ...client.config,
    })
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
    host: url.host,
    path: url.pathname.replace(/\/+$/, ''),
    region: scheme?.signingRegion ?? region,
    service: scheme?.signingName ?? 's3',
  }
}
