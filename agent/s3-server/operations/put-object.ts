/** PutObject: the body is verified as it streams in, and put in place in one step at the end. */
import { aclOf } from '../acl.ts'
import { receiveBody } from '../body.ts'
import { checksumHeaders } from '../checksums.ts'
import { checkWrite } from '../conditions.ts'
import { customerKeyHeaders, customerKeyOf } from '../customer-key.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, keyOf, type Reply, versionHeader } from '../exchange.ts'
import { etagOf, extraOf, lockOf, objectHeaders, tagsOf } from '../object-headers.ts'

/** 5 GiB: of a single PUT, a part and a copy. */
export const maxBody = 5 * 1024 ** 3

export async function putObject(exchange: Exchange): Promise<Reply> {
  const { request, world } = exchange
  const headers = objectHeaders(request)
  const tags = tagsOf(request)
  const customerKey = customerKeyOf(request)
  const acl = aclOf(request, bucketOf(exchange).enforcesOwner)
  const lock = lockOf(request, bucketOf(exchange).lockable)
  if (lock && !request.headers.has('content-md5') && !hasChecksum(request.headers))
    throw new S3Error(
      'InvalidRequest',
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    )
  const received = await receiveBody(exchange, world.dir, maxBody)
  const checksum = received.checksum && ({ ...received.checksum, type: 'FULL_OBJECT' } as const)
  try {
    const bucket = bucketOf(exchange) // asked again: the body may have taken a while
    checkWrite(request, bucket, keyOf(exchange))
    const version = bucket.put(keyOf(exchange), {
      etag: etagOf(world, headers, received.md5, customerKey),
      body: received.body,
      headers,
      modified: world.now(),
      extra: extraOf({ tags, checksum, lock, acl, customerKey }),
    })
    return {
      status: 200,
      headers: {
        etag: `"${version.etag}"`,
        ...versionHeader(bucket, version),
        ...checksumHeaders(checksum),
        ...encryptionHeaders(headers),
        ...customerKeyHeaders(customerKey),
      },
    }
  } catch (error) {
    received.body.discard()
    throw error
  }
}

const hasChecksum = (headers: ReadonlyMap<string, string>): boolean =>
  headers.has('x-amz-trailer') || [...headers.keys()].some((name) => name.startsWith('x-amz-checksum-'))

export function encryptionHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('x-amz-server-side-encryption')),
  )
}
