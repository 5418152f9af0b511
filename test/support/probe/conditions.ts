/** Ranges, conditions, and asking before sending. */
import { request } from 'node:http'
import * as S3 from '@aws-sdk/client-s3'
import type { RawStore } from '../s3-raw.ts'
import { type Checks, data, equal, large, read, refusedWith412, type Subject, tail } from './check.ts'

export function readingChecks({ sdk, plain, bucket, store }: Subject): Checks {
  const buffer = { Bucket: bucket, Key: 'buffer' }
  const put = (input: Partial<S3.PutObjectCommandInput>) =>
    sdk.send(new S3.PutObjectCommand({ ...buffer, Body: 'other', ...input }))
  return [
    [
      'range GET + suffix',
      async () => {
        const middle = await plain.send(new S3.GetObjectCommand({ ...buffer, Range: 'bytes=10-19' }))
        equal(middle.ContentRange, `bytes 10-19/${data.length}`)
        const bytes = Buffer.from(await middle.Body!.transformToByteArray())
        equal(bytes.toString('hex'), data.toString('hex', 10, 20))
        const end = await read(plain, { ...buffer, Range: 'bytes=-5' })
        equal(end.toString('hex'), data.subarray(-5).toString('hex'))
      },
    ],
    [
      'GET If-Match stale -> 412',
      () => refusedWith412(sdk.send(new S3.GetObjectCommand({ ...buffer, IfMatch: '"0"' }))),
    ],
    [
      'GET partNumber=2',
      async () =>
        equal((await read(plain, { Bucket: bucket, Key: 'mp', PartNumber: 2 })).length, tail.length),
    ],
    [
      'PUT If-None-Match:* -> 412',
      async () => {
        await put({ Key: 'fresh', IfNoneMatch: '*' })
        await refusedWith412(put({ IfNoneMatch: '*' }))
      },
    ],
    ['PUT If-Match stale -> 412', () => refusedWith412(put({ IfMatch: `"${'0'.repeat(32)}"` }))],
    [
      'GetObjectAttributes',
      async () => {
        const ObjectAttributes = ['ETag', 'ObjectSize', 'ObjectParts', 'Checksum'] as const
        const input = { Bucket: bucket, Key: 'mp', ObjectAttributes: [...ObjectAttributes] }
        const got = await sdk.send(new S3.GetObjectAttributesCommand(input))
        equal(got.ObjectSize, large.length + tail.length)
      },
    ],
    ['Expect: 100-continue', () => expectContinue(store, `/${bucket}/expect`)],
  ]
}

/** An unsigned request that waits for leave to send its body: it must get that, or a refusal, but no silence. */
function expectContinue(store: RawStore, path: string): Promise<string> {
  const { hostname, port } = new URL(store.endpoint)
  const headers = { expect: '100-continue', 'content-length': 4 }
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method: 'PUT', path, headers })
    outgoing.setTimeout(5000, () => outgoing.destroy(new Error('no 100 and no answer in 5 s')))
    outgoing.on('continue', () => outgoing.end('data', () => resolve('100 sent')))
    outgoing.on('response', (incoming) => {
      resolve(`refused with ${incoming.statusCode}`)
      outgoing.destroy()
    })
    outgoing.on('error', reject)
    outgoing.flushHeaders()
  })
}
