/** Every form in which a body and its digests can arrive. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import * as S3 from '@aws-sdk/client-s3'
import { awsChunks, chunkHeaders, type RawOptions, rawRequest } from '../s3-raw.ts'
import {
  accepted,
  type Checks,
  data,
  equal,
  hex,
  type Run,
  read,
  refused,
  type Subject,
  tail,
} from './check.ts'

export function bodyChecks({ store, sdk, plain, stranger, bucket }: Subject): Checks {
  const raw = (key: string, options: RawOptions) => rawRequest(store, 'PUT', `/${bucket}/${key}`, options)
  const holds = async (key: string) => equal(hex(await read(plain, { Bucket: bucket, Key: key })), hex(data))
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32(data))
  const trailer = `x-amz-checksum-crc32:${crc.toString('base64')}`
  const streaming =
    (key: string, form: string, signed: boolean, trailing: boolean): Run =>
    async () => {
      const options = { signed, ...(trailing ? { trailer } : {}) }
      const headers = chunkHeaders(data, trailing ? 'x-amz-checksum-crc32' : undefined)
      accepted(await raw(key, { payload: form, headers, chunks: awsChunks(data, options) }))
      await holds(key)
    }
  return [
    ['create bucket', () => sdk.send(new S3.CreateBucketCommand({ Bucket: bucket }))],
    [
      'bad secret refused',
      async () => {
        const error = await stranger.send(new S3.ListObjectsV2Command({ Bucket: bucket })).then(
          () => null,
          (thrown: Error) => thrown,
        )
        equal(error?.name, 'SignatureDoesNotMatch')
      },
    ],
    [
      'PUT buffer, SDK default (CRC32 header)',
      async () => {
        await sdk.send(new S3.PutObjectCommand({ Bucket: bucket, Key: 'buffer', Body: data }))
        await holds('buffer')
      },
    ],
    [
      'PUT stream, SDK default (CRC32 trailer, STREAMING-UNSIGNED)',
      async () => {
        const Body = Readable.from([data])
        const input = { Bucket: bucket, Key: 'stream', Body, ContentLength: data.length }
        await sdk.send(new S3.PutObjectCommand(input))
        await holds('stream')
      },
    ],
    [
      'raw UNSIGNED-PAYLOAD',
      async () => {
        accepted(await raw('unsigned', { body: data, payload: 'UNSIGNED-PAYLOAD' }))
        await holds('unsigned')
      },
    ],
    [
      'raw STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      streaming('s1', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', true, false),
    ],
    [
      'raw STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      streaming('s2', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', true, true),
    ],
    [
      'raw STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      streaming('s3', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', false, true),
    ],
    [
      'wrong x-amz-content-sha256 refused',
      async () => refused(await raw('bad', { body: data, payload: hex(tail) })),
    ],
    [
      'wrong Content-MD5 refused',
      async () => {
        const headers = { 'content-md5': createHash('md5').update('x').digest('base64') }
        return refused(await raw('bad', { body: data, payload: 'UNSIGNED-PAYLOAD', headers }))
      },
    ],
    [
      'wrong CRC32 refused',
      async () => {
        const headers = { 'x-amz-checksum-crc32': 'AAAAAA==' }
        return refused(await raw('bad', { body: data, payload: 'UNSIGNED-PAYLOAD', headers }))
      },
    ],
    [
      'ETag is MD5',
      async () => {
        const { ETag } = await sdk.send(new S3.HeadObjectCommand({ Bucket: bucket, Key: 'buffer' }))
        equal(ETag, `"${createHash('md5').update(data).digest('hex')}"`)
      },
    ],
    ...(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const).map((name): Checks[number] => [
      `checksum ${name} stored + returned`,
      async () => {
        const Key = `checksum-${name}`
        await sdk.send(new S3.PutObjectCommand({ Bucket: bucket, Key, Body: data, ChecksumAlgorithm: name }))
        const head = await sdk.send(
          new S3.HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }),
        )
        if (!head[`Checksum${name}`]) throw new Error('accepted but not returned')
      },
    ]),
    [
      'checksum CRC64NVME stored + returned',
      async () => {
        const headers = { 'x-amz-checksum-crc64nvme': 'rosUhgp5mIg=' }
        accepted(await raw('checksum-CRC64NVME', { body: '123456789', headers }))
        const input = { Bucket: bucket, Key: 'checksum-CRC64NVME', ChecksumMode: 'ENABLED' } as const
        const head = await sdk.send(new S3.HeadObjectCommand(input))
        if (!head.ChecksumCRC64NVME) throw new Error('accepted but not returned')
      },
    ],
  ]
}
