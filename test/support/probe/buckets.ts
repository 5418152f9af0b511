/** Versions, locks, and deleting many at once. */
import * as S3 from '@aws-sdk/client-s3'
import { type Checks, equal, read, type Subject } from './check.ts'

export function bucketChecks({ sdk, plain, bucket }: Subject): Checks {
  const versioned = `${bucket}-v`
  const locked = `${bucket}-l`
  return [
    [
      'versioning',
      async () => {
        await sdk.send(new S3.CreateBucketCommand({ Bucket: versioned }))
        const VersioningConfiguration = { Status: 'Enabled' } as const
        await sdk.send(new S3.PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration }))
        const put = async (Body: string) =>
          (await sdk.send(new S3.PutObjectCommand({ Bucket: versioned, Key: 'v', Body }))).VersionId
        const [first, second] = [await put('1'), await put('2')]
        if (!first || first === second) throw new Error('no version ids')
        const VersionId = first
        equal((await read(plain, { Bucket: versioned, Key: 'v', VersionId })).toString(), '1')
        await sdk.send(new S3.DeleteObjectCommand({ Bucket: versioned, Key: 'v' }))
        const listed = await sdk.send(new S3.ListObjectVersionsCommand({ Bucket: versioned }))
        equal([listed.Versions?.length, listed.DeleteMarkers?.length], [2, 1])
      },
    ],
    [
      'Object Lock bucket + retention',
      async () => {
        await sdk.send(new S3.CreateBucketCommand({ Bucket: locked, ObjectLockEnabledForBucket: true }))
        const until = new Date(Date.now() + 1000)
        await sdk.send(
          new S3.PutObjectCommand({
            ...{ Bucket: locked, Key: 'r', Body: '1', ChecksumAlgorithm: 'CRC32' },
            ...{ ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until },
          }),
        )
        const got = await sdk.send(new S3.GetObjectRetentionCommand({ Bucket: locked, Key: 'r' }))
        equal(got.Retention?.Mode, 'GOVERNANCE')
      },
    ],
    [
      'DeleteObjects batch',
      async () => {
        const Delete = { Objects: [{ Key: 'l/000/x' }, { Key: 'l/001/x' }] }
        const got = await sdk.send(new S3.DeleteObjectsCommand({ Bucket: bucket, Delete }))
        equal(got.Deleted?.length, 2)
      },
    ],
  ]
}
