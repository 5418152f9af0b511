/** What an application does with objects, through the mirror, and what both sides have then. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { mirrorStage } from './stage.ts'

const Bucket = 'photos'

describe('objects through the mirror', () => {
  it('are on both sides before the answer, and are read again', async () => {
    const stage = await mirrorStage({ oldPrefix: 'a/', newPrefix: 'b/c/' })
    const { app } = stage
    const put = await app.send(
      new PutObjectCommand({
        Bucket,
        Key: 'x/é & ü.txt',
        Body: 'hello',
        ContentType: 'text/x',
        Metadata: { colour: 'blue' },
        Tagging: 'a=1',
      }),
    )
    expect(await stage.stored('old')).toEqual({ 'x/é & ü.txt': 'hello' })
    expect(await stage.stored('new')).toEqual({ 'x/é & ü.txt': 'hello' })
    const got = await app.send(new GetObjectCommand({ Bucket, Key: 'x/é & ü.txt' }))
    expect(await got.Body!.transformToString()).toBe('hello')
    expect(got).toMatchObject({ ETag: put.ETag, ContentType: 'text/x', Metadata: { colour: 'blue' } })
    const head = await app.send(new HeadObjectCommand({ Bucket, Key: 'x/é & ü.txt' }))
    expect(head.ContentLength).toBe(5)
    await app.send(
      new PutObjectTaggingCommand({
        Bucket,
        Key: 'x/é & ü.txt',
        Tagging: { TagSet: [{ Key: 'b', Value: '2' }] },
      }),
    )
    const tags = await app.send(new GetObjectTaggingCommand({ Bucket, Key: 'x/é & ü.txt' }))
    expect(tags.TagSet).toEqual([{ Key: 'b', Value: '2' }])
    await app.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'y',
        CopySource: `${Bucket}/${encodeURIComponent('x/é & ü.txt')}`,
      }),
    )
    expect(await stage.stored('new')).toEqual({ 'x/é & ü.txt': 'hello', y: 'hello' })
    const listed = await app.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }))
    expect(listed.Contents?.map(({ Key }) => Key)).toEqual(['y'])
    expect(listed.CommonPrefixes).toEqual([{ Prefix: 'x/' }])
    await app.send(new DeleteObjectCommand({ Bucket, Key: 'y' }))
    await app.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x/é & ü.txt' }, { Key: 'none' }] } }),
    )
    expect(await stage.stored('old')).toEqual({})
    expect(await stage.stored('new')).toEqual({})
    await stage.settled()
    expect(stage.mirror.status()).toMatchObject({
      open: 0,
      dirty: 0,
      tombstones: 3,
      reads: 'new',
      record: 'old',
    })
  })
})
