/** Uploads in parts. */
import { Readable } from 'node:stream'
import * as S3 from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { type Checks, data, equal, hex, large, read, refusedWith412, type Subject, tail } from './check.ts'

export function multipartChecks({ sdk, plain, bucket }: Subject): Checks {
  const create = async (
    Key: string,
    client = plain,
    more: Partial<S3.CreateMultipartUploadCommandInput> = {},
  ) => (await client.send(new S3.CreateMultipartUploadCommand({ Bucket: bucket, Key, ...more }))).UploadId!
  const complete = (Key: string, UploadId: string, Parts: S3.CompletedPart[], more = {}) =>
    sdk.send(
      new S3.CompleteMultipartUploadCommand({
        ...{ Bucket: bucket, Key, UploadId, MultipartUpload: { Parts }, ...more },
      }),
    )
  const parts = async (Key: string, UploadId: string, client = plain) => {
    const sent: S3.CompletedPart[] = []
    for (const [PartNumber, Body] of [
      [1, large],
      [2, tail],
    ] as const) {
      const input = { Bucket: bucket, Key, UploadId, PartNumber, Body }
      const { ETag, ChecksumCRC32 } = await client.send(new S3.UploadPartCommand(input))
      sent.push({ PartNumber, ETag, ...(ChecksumCRC32 ? { ChecksumCRC32 } : {}) })
    }
    return sent
  }
  const holds = async (key: string, ...pieces: Buffer[]) =>
    equal(hex(await read(plain, { Bucket: bucket, Key: key })), hex(Buffer.concat(pieces)))
  return [
    [
      'multipart upload + ListParts',
      async () => {
        const id = await create('mp', plain, { Metadata: { q: '1' }, ContentType: 'x/y' })
        const sent = await parts('mp', id)
        const listed = await sdk.send(new S3.ListPartsCommand({ Bucket: bucket, Key: 'mp', UploadId: id }))
        equal(listed.Parts?.length, 2)
        await complete('mp', id, sent)
        await holds('mp', large, tail)
        const head = await sdk.send(new S3.HeadObjectCommand({ Bucket: bucket, Key: 'mp' }))
        equal(/^"[0-9a-f]{32}-2"$/.test(head.ETag ?? ''), true, head.ETag)
        equal(head.Metadata?.q, '1')
      },
    ],
    [
      'multipart, SDK default (CRC32 parts)',
      async () => {
        const id = await create('mp2', sdk)
        await complete('mp2', id, await parts('mp2', id, sdk))
        await holds('mp2', large, tail)
      },
    ],
    [
      'lib-storage Upload of a stream',
      async () => {
        const Body = Readable.from([large, tail])
        await new Upload({ client: sdk, params: { Bucket: bucket, Key: 'lib', Body } }).done()
        await holds('lib', large, tail)
      },
    ],
    [
      'UploadPartCopy (+range)',
      async () => {
        const UploadId = await create('mpc')
        const copy = async (PartNumber: number, CopySource: string, CopySourceRange?: string) => {
          const { CopyPartResult } = await sdk.send(
            new S3.UploadPartCopyCommand({
              ...{ Bucket: bucket, Key: 'mpc', UploadId, PartNumber, CopySource },
              ...(CopySourceRange ? { CopySourceRange } : {}),
            }),
          )
          return { PartNumber, ETag: CopyPartResult?.ETag }
        }
        const first = await copy(1, `${bucket}/mp`, `bytes=0-${large.length - 1}`)
        await complete('mpc', UploadId, [first, await copy(2, `${bucket}/buffer`)])
        await holds('mpc', large, data)
      },
    ],
    [
      'ListMultipartUploads + Abort',
      async () => {
        const UploadId = await create('abort')
        const { Uploads } = await sdk.send(new S3.ListMultipartUploadsCommand({ Bucket: bucket }))
        equal(
          Uploads?.some((each) => each.UploadId === UploadId),
          true,
        )
        await sdk.send(new S3.AbortMultipartUploadCommand({ Bucket: bucket, Key: 'abort', UploadId }))
      },
    ],
    [
      'CompleteMPU If-None-Match:* -> 412',
      async () => {
        // A key of its own: a server that overwrites it must not spoil the object of another check.
        await plain.send(new S3.PutObjectCommand({ Bucket: bucket, Key: 'taken', Body: data }))
        const UploadId = await create('taken')
        const input = { Bucket: bucket, Key: 'taken', UploadId, PartNumber: 1, Body: tail }
        const { ETag } = await plain.send(new S3.UploadPartCommand(input))
        await refusedWith412(complete('taken', UploadId, [{ PartNumber: 1, ETag }], { IfNoneMatch: '*' }))
      },
    ],
  ]
}
