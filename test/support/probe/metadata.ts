/** What travels with a body. */
import * as S3 from '@aws-sdk/client-s3'
import { type Checks, equal, type Subject } from './check.ts'

export function metadataChecks({ sdk, bucket }: Subject): Checks {
  const head = (Key: string) => sdk.send(new S3.HeadObjectCommand({ Bucket: bucket, Key }))
  const tags = async (Key: string) =>
    (await sdk.send(new S3.GetObjectTaggingCommand({ Bucket: bucket, Key }))).TagSet
  return [
    [
      'metadata + headers',
      async () => {
        const wanted = {
          ContentType: 'text/x-y',
          CacheControl: 'max-age=5',
          ContentDisposition: 'attachment; filename="a"',
          ContentEncoding: 'gzip',
          ContentLanguage: 'nl',
        }
        await sdk.send(
          new S3.PutObjectCommand({
            ...{ Bucket: bucket, Key: 'meta', Body: 'm', ...wanted, StorageClass: 'STANDARD' },
            Metadata: { foo: 'bar baz', n: '1' },
            Expires: new Date('2030-01-01T00:00:00Z'),
          }),
        )
        const got = await head('meta')
        for (const [name, value] of Object.entries(wanted))
          equal(got[name as keyof typeof wanted], value, name)
        equal(got.ExpiresString, 'Tue, 01 Jan 2030 00:00:00 GMT', 'Expires')
        equal(got.Metadata?.foo, 'bar baz', 'Metadata')
      },
    ],
    [
      'non-ASCII metadata (RFC2047)',
      async () => {
        const Metadata = { u: '=?UTF-8?B?w6k=?=' }
        await sdk.send(new S3.PutObjectCommand({ Bucket: bucket, Key: 'meta2', Body: 'm', Metadata }))
        equal((await head('meta2')).Metadata?.u, Metadata.u)
      },
    ],
    [
      'CopyObject',
      async () => {
        const CopySource = `${bucket}/meta`
        await sdk.send(new S3.CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource }))
        equal((await head('copy')).Metadata?.foo, 'bar baz')
      },
    ],
    [
      'CopyObject metadata REPLACE on itself',
      async () => {
        await sdk.send(
          new S3.CopyObjectCommand({
            ...{ Bucket: bucket, Key: 'copy', CopySource: `${bucket}/copy`, MetadataDirective: 'REPLACE' },
            ...{ Metadata: { z: '9' }, ContentType: 'a/b' },
          }),
        )
        const got = await head('copy')
        equal([got.Metadata?.z, got.Metadata?.foo, got.ContentType], ['9', undefined, 'a/b'])
      },
    ],
    [
      'Tagging (API)',
      async () => {
        const Tagging = { TagSet: [{ Key: 'a', Value: '1 2' }] }
        await sdk.send(new S3.PutObjectTaggingCommand({ Bucket: bucket, Key: 'buffer', Tagging }))
        equal((await tags('buffer'))?.[0]?.Value, '1 2')
      },
    ],
    [
      'Tagging (x-amz-tagging on PUT)',
      async () => {
        const input = { Bucket: bucket, Key: 'tags', Body: 't', Tagging: 'a=1&b=2%203' }
        await sdk.send(new S3.PutObjectCommand(input))
        equal((await tags('tags'))?.length, 2)
      },
    ],
  ]
}
