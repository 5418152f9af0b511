/** Which of S3's operations a request asks for: by method, by what it is about, and by the query's sub-resource. */
import { S3Error } from './errors.ts'
import type { S3Request } from './request.ts'

type Rule = readonly [method: string, subresource: string, name: string]

const serviceRules = [['GET', '', 'ListBuckets']] as const satisfies readonly Rule[]

const bucketRules = [
  ['GET', 'location', 'GetBucketLocation'],
  ['GET', 'versioning', 'GetBucketVersioning'],
  ['GET', 'versions', 'ListObjectVersions'],
  ['GET', 'uploads', 'ListMultipartUploads'],
  ['GET', 'object-lock', 'GetObjectLockConfiguration'],
  ['GET', 'acl', 'GetBucketAcl'],
  ['GET', 'list-type', 'ListObjectsV2'],
  ['GET', '', 'ListObjects'],
  ['HEAD', '', 'HeadBucket'],
  ['PUT', 'versioning', 'PutBucketVersioning'],
  ['PUT', '', 'CreateBucket'],
  ['DELETE', '', 'DeleteBucket'],
  ['POST', 'delete', 'DeleteObjects'],
] as const satisfies readonly Rule[]

const objectRules = [
  ['GET', 'uploadId', 'ListParts'],
  ['GET', 'tagging', 'GetObjectTagging'],
  ['GET', 'attributes', 'GetObjectAttributes'],
  ['GET', 'retention', 'GetObjectRetention'],
  ['GET', 'legal-hold', 'GetObjectLegalHold'],
  ['GET', 'acl', 'GetObjectAcl'],
  ['GET', '', 'GetObject'],
  ['HEAD', '', 'HeadObject'],
  ['PUT', 'uploadId', 'UploadPart'],
  ['PUT', 'tagging', 'PutObjectTagging'],
  ['PUT', 'retention', 'PutObjectRetention'],
  ['PUT', 'legal-hold', 'PutObjectLegalHold'],
  ['PUT', 'acl', 'PutObjectAcl'],
  ['PUT', '', 'PutObject'],
  ['POST', 'uploads', 'CreateMultipartUpload'],
  ['POST', 'restore', 'RestoreObject'],
  ['POST', 'uploadId', 'CompleteMultipartUpload'],
  ['DELETE', 'uploadId', 'AbortMultipartUpload'],
  ['DELETE', 'tagging', 'DeleteObjectTagging'],
  ['DELETE', '', 'DeleteObject'],
] as const satisfies readonly Rule[]

export type Operation =
  | (typeof serviceRules | typeof bucketRules | typeof objectRules)[number][2]
  | 'CopyObject'
  | 'UploadPartCopy'

/** Sub-resources of S3 that are not here: they must not be taken for the bucket or the object itself. */
const unknown = new Set(
  'accelerate acl analytics cors encryption intelligent-tiering inventory lifecycle logging metrics notification ownershipControls policy policyStatus publicAccessBlock replication requestPayment select session tagging torrent website'.split(
    ' ',
  ),
)

export function operationOf(request: S3Request): Operation {
  const rules = request.bucket === null ? serviceRules : request.key === null ? bucketRules : objectRules
  const rule = (rules as readonly (readonly [string, string, Operation])[]).find(
    ([method, subresource]) =>
      method === request.method && (subresource === '' || request.query.has(subresource)),
  )
  if (!rule) throw new S3Error('MethodNotAllowed')
  if (rule[1] === '' && [...request.query.keys()].some((name) => unknown.has(name)))
    throw new S3Error('NotImplemented')
  if (!request.headers.has('x-amz-copy-source')) return rule[2]
  if (rule[2] === 'PutObject') return 'CopyObject'
  return rule[2] === 'UploadPart' ? 'UploadPartCopy' : rule[2]
}
