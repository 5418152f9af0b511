/** Buckets: create, find, delete, and their few settings. */
import { receiveBytes } from '../body.ts'
import { Bucket } from '../bucket.ts'
import { S3Error } from '../errors.ts'
import { bucketOf, type Exchange, isoDate, type Reply, xmlReply } from '../exchange.ts'
import { element, optional, parseXml, textOf, wrap, xmlDocument } from '../xml.ts'
import { discardUpload } from './multipart.ts'

export function listBuckets({ world }: Exchange): Reply {
  const buckets = [...world.buckets.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, created }) =>
      wrap('Bucket', element('Name', name) + element('CreationDate', isoDate(created))),
    )
  return xmlReply(
    xmlDocument(
      'ListAllMyBucketsResult',
      wrap('Owner', element('ID', 'dray') + element('DisplayName', 'dray')) +
        wrap('Buckets', buckets.join('')),
    ),
  )
}

export async function createBucket(exchange: Exchange): Promise<Reply> {
  const { request, world } = exchange
  const name = request.bucket!
  const body = await receiveBytes(exchange)
  const asked =
    body.length === 0 ? null : textOf(parseXml(body, 'CreateBucketConfiguration'), 'LocationConstraint')
  if ((asked ?? 'us-east-1') !== world.region)
    throw new S3Error(
      'IllegalLocationConstraintException',
      `The ${asked ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    )
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
    throw new S3Error('InvalidBucketName', undefined, { fields: { BucketName: name } })
  const headers = { location: `/${name}` }
  if (world.buckets.has(name)) {
    // A peculiarity of the oldest region.
    if (world.region === 'us-east-1') return { status: 200, headers }
    throw new S3Error('BucketAlreadyOwnedByYou', undefined, { fields: { BucketName: name } })
  }
  const lockable = request.headers.get('x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true'
  const bucket = new Bucket(name, world.now(), { lockable })
  bucket.changed = world.changed
  world.buckets.set(name, bucket)
  return { status: 200, headers }
}

export function headBucket(exchange: Exchange): Reply {
  bucketOf(exchange)
  return { status: 200, headers: { 'x-amz-bucket-region': exchange.world.region } }
}

export function deleteBucket(exchange: Exchange): Reply {
  const bucket = bucketOf(exchange)
  if (bucket.objects.size > 0)
    throw new S3Error('BucketNotEmpty', undefined, { fields: { BucketName: bucket.name } })
  for (const upload of bucket.uploads.values()) discardUpload(bucket, upload)
  exchange.world.buckets.delete(bucket.name)
  return { status: 204 }
}

export function getBucketLocation(exchange: Exchange): Reply {
  bucketOf(exchange)
  const { region } = exchange.world
  return xmlReply(xmlDocument('LocationConstraint', region === 'us-east-1' ? '' : region))
}

export function getBucketVersioning(exchange: Exchange): Reply {
  return xmlReply(xmlDocument('VersioningConfiguration', optional('Status', bucketOf(exchange).versioning)))
}

export async function putBucketVersioning(exchange: Exchange): Promise<Reply> {
  const bucket = bucketOf(exchange)
  const status = textOf(parseXml(await receiveBytes(exchange), 'VersioningConfiguration'), 'Status')
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML')
  if (bucket.lockable && status === 'Suspended')
    throw new S3Error(
      'InvalidBucketState',
      'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
    )
  bucket.versioning = status
  return { status: 200 }
}

export function getObjectLockConfiguration(exchange: Exchange): Reply {
  if (!bucketOf(exchange).lockable) throw new S3Error('ObjectLockConfigurationNotFoundError')
  return xmlReply(xmlDocument('ObjectLockConfiguration', element('ObjectLockEnabled', 'Enabled')))
}
