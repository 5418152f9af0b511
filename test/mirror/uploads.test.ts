/** Multipart uploads through the mirror: one of the application's is one on each side. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { expect, it } from 'vitest'
import { mirrorStage } from './stage.ts'

const Bucket = 'photos'
const MiB = 1024 * 1024
const bytes = Buffer.alloc(12 * MiB, 'a long object ')

it('uploads by lib-storage, in parts, to both sides', async () => {
  const stage = await mirrorStage({ oldPrefix: 'p/' })
  const Key = 'large & <hostile>/+%.bin'
  const upload = new Upload({ client: stage.app, params: { Bucket, Key, Body: bytes, Metadata: { a: 'b' } } })
  const { ETag, Location } = await upload.done()
  expect(Location).toContain('photos')
  const [old, fresh] = [stage.old.object('old', `p/${Key}`)!, stage.new.object('new', Key)!]
  expect(ETag).toBe(`"${old.etag}"`)
  expect(fresh.etag).toBe(old.etag)
  expect(old.headers['x-amz-meta-a']).toBe('b')
  const { Body } = await stage.app.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=6000000-6000004' }))
  expect(await Body!.transformToString()).toBe(bytes.toString('latin1', 6_000_000, 6_000_005))
  expect(stage.mirror.status()).toMatchObject({ dirty: 0, uploads: { open: 0 } })
})

it('goes on after a start, with the id that the application knows', async () => {
  const stage = await mirrorStage()
  const Key = 'k'
  const { UploadId } = await stage.app.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const first = await stage.app.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: bytes.subarray(0, 5 * MiB) }),
  )
  await stage.restart()
  await stage.old.put('old', 'copied', 'the end')
  await stage.new.put('new', 'copied', 'the end')
  const second = await stage.app.send(
    new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 2, CopySource: `${Bucket}/copied` }),
  )
  const listed = await stage.app.send(new ListPartsCommand({ Bucket, Key, UploadId }))
  expect(listed).toMatchObject({ Bucket, Key, UploadId })
  expect(listed.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([1, 2])
  const open = await stage.app.send(new ListMultipartUploadsCommand({ Bucket }))
  expect(open.Uploads).toMatchObject([{ Key, UploadId }])
  const complete = new CompleteMultipartUploadCommand({
    ...{ Bucket, Key, UploadId },
    MultipartUpload: {
      Parts: [
        { PartNumber: 1, ETag: first.ETag },
        { PartNumber: 2, ETag: second.CopyPartResult?.ETag },
      ],
    },
  })
  const done = await stage.app.send(complete)
  expect(done).toMatchObject({ Bucket, Key, ETag: expect.stringMatching(/-2"$/) })
  // Who did not hear it asks once more.
  expect((await stage.app.send(complete)).ETag).toBe(done.ETag)
  expect(await stage.stored('new')).toEqual(await stage.stored('old'))
})

it('is aborted on both sides', async () => {
  const stage = await mirrorStage()
  for (const server of [stage.old, stage.new]) server.requests.reset()
  const { UploadId } = await stage.app.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k' }))
  await stage.app.send(new UploadPartCommand({ Bucket, Key: 'k', UploadId, PartNumber: 1, Body: 'part' }))
  await stage.app.send(new AbortMultipartUploadCommand({ Bucket, Key: 'k', UploadId }))
  await expect(stage.app.send(new ListPartsCommand({ Bucket, Key: 'k', UploadId }))).rejects.toThrow('upload')
  for (const [server, name] of [
    [stage.old, 'old'],
    [stage.new, 'new'],
  ] as const) {
    expect(server.requests.count('AbortMultipartUpload'), name).toBe(1)
  }
})

it('is made equal by a copy where the new side lacks a part', async () => {
  const stage = await mirrorStage()
  let n = 0
  stage.new.hooks = {
    beforeRequest: ({ operation }) =>
      operation === 'UploadPart' && ++n === 2 ? { status: 500, code: 'InternalError' } : null,
  }
  const upload = new Upload({ client: stage.app, params: { Bucket, Key: 'k', Body: bytes }, queueSize: 1 })
  await upload.done()
  stage.new.hooks = {}
  await stage.settled()
  expect(stage.new.object('new', 'k')?.etag).toBe(stage.old.object('old', 'k')?.etag)
  expect(stage.mirror.status().uploads).toEqual({ open: 0, lame: 0 })
})

it('completes where the two sides call the parts by other ETags', async () => {
  const stage = await mirrorStage({ newServer: { etags: 'opaque' } })
  // The first such key is copied, to be sure; the second needs no more than the two uploads.
  for (const Key of ['first', 'k']) {
    await new Upload({ client: stage.app, params: { Bucket, Key, Body: bytes } }).done()
    await stage.settled()
  }
  expect(stage.mirror.status().repaired).toBe(1)
  expect(await stage.stored('new')).toEqual(await stage.stored('old'))
})
