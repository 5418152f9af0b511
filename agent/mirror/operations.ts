/** Every operation and who carries it out. A mirror moves objects: buckets are made, changed and deleted at the stores themselves. */
import { S3Error } from '../s3-server/errors.ts'
import { type Operation, operationOf } from '../s3-server/operation.ts'
import type { S3Request } from '../s3-server/request.ts'
import { element, wrap, xmlDocument } from '../s3-server/xml.ts'
import { changeObject } from './change-object.ts'
import { completeUpload } from './complete-upload.ts'
import { copyObject } from './copy-object.ts'
import { deleteObject, deleteObjects } from './delete-object.ts'
import { listObjects } from './list-objects.ts'
import { listParts, listUploads } from './list-uploads.ts'
import { abortUpload, createUpload, uploadPart, uploadPartCopy } from './multipart.ts'
import { putObject } from './put-object.ts'
import { readObject, readRecord } from './reading.ts'
import type { Handler } from './world.ts'

const ofBuckets: Handler = async () => {
  throw new S3Error(
    'NotImplemented',
    'This endpoint mirrors the objects of one bucket. Change buckets at the stores themselves.',
  )
}

const document = (body: string) => ({ status: 200, headers: { 'content-type': 'application/xml' }, body })

const listBuckets: Handler = async ({ bucket }) =>
  document(
    xmlDocument(
      'ListAllMyBucketsResult',
      wrap('Owner', element('ID', 'dray')) +
        wrap(
          'Buckets',
          wrap('Bucket', element('Name', bucket) + element('CreationDate', '1970-01-01T00:00:00.000Z')),
        ),
    ),
  )

const location: Handler = async ({ region }) =>
  document(xmlDocument('LocationConstraint', region === 'us-east-1' ? '' : region))

/** Clients that make sure of their bucket (rclone does) hear that it is there. */
const createBucket: Handler = async ({ bucket }) => {
  throw new S3Error('BucketAlreadyOwnedByYou', undefined, { fields: { BucketName: bucket } })
}

/** Its keys would be those of the whole bucket. */
const listVersions: Handler = async (world, exchange) => {
  if (world.roles.record.prefix !== '') return ofBuckets(world, exchange)
  return readRecord(world, exchange)
}

const handlers: Readonly<Record<Operation, Handler>> = {
  ListBuckets: listBuckets,
  CreateBucket: createBucket,
  HeadBucket: readRecord,
  DeleteBucket: ofBuckets,
  GetBucketLocation: location,
  GetBucketVersioning: readRecord,
  PutBucketVersioning: ofBuckets,
  GetObjectLockConfiguration: readRecord,
  GetBucketAcl: readRecord,
  GetObjectAcl: readRecord,
  PutObjectAcl: changeObject,
  ListObjects: listObjects,
  ListObjectsV2: listObjects,
  ListObjectVersions: listVersions,
  ListMultipartUploads: listUploads,
  ListParts: listParts,
  PutObject: putObject,
  CopyObject: copyObject,
  GetObject: readObject,
  HeadObject: readObject,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  GetObjectTagging: readObject,
  PutObjectTagging: changeObject,
  DeleteObjectTagging: changeObject,
  GetObjectAttributes: readObject,
  GetObjectRetention: readRecord,
  PutObjectRetention: changeObject,
  GetObjectLegalHold: readRecord,
  PutObjectLegalHold: changeObject,
  RestoreObject: changeObject,
  CreateMultipartUpload: createUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeUpload,
  AbortMultipartUpload: abortUpload,
}

/** Settings of a bucket that this endpoint knows nothing of are read as they are. */
export function handlerFor(request: S3Request): Handler {
  try {
    return handlers[operationOf(request)]
  } catch (error) {
    if (request.method === 'GET' && request.key === null && error instanceof S3Error && error.status === 501)
      return readRecord
    throw error
  }
}
