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
import { unescapeBytes } from '../../agent/s3-server/request.ts'
import { escaped } from '../../agent/storage/s3/client.ts'
import { escapeKey, type Key, keyFromText } from '../../shared/key.ts'
import { oddKeys } from '../support/odd-keys.ts'
import { rawRequest } from '../support/s3-raw.ts'
import { appKeys, mirrorStage } from './stage.ts'

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

describe('keys of every kind', () => {
  it('are written, listed in pages in their order, read and deleted, below a prefix on each side', async () => {
    const stage = await mirrorStage({ oldPrefix: 'p&/', newPrefix: 'é/' })
    const store = {
      endpoint: stage.mirror.url.href,
      key: appKeys.accessKeyId,
      secret: appKeys.secretAccessKey,
    }
    const at = (key: string) => `/photos/${escapeKey(keyFromText(key))}`
    const keys = oddKeys.filter((key) => Buffer.byteLength(key) <= 1024 - 3)
    // Half of them are at the old side alone.
    for (const [i, key] of keys.entries()) {
      if (i % 2 === 0) await stage.old.put('old', `p&/${key}`, key)
      else expect((await rawRequest(store, 'PUT', at(key), { body: key })).status, key).toBe(200)
    }
    const expected = keys.map((key) => keyFromText(key) as string).sort((a, b) => (a < b ? -1 : 1))
    for (const version of ['list-type=2', '']) {
      const found: string[] = []
      for (let next: string | null = null; ; ) {
        const query = [`encoding-type=url`, version, 'max-keys=50', ...(next === null ? [] : [next])]
        const { text, status } = await rawRequest(store, 'GET', '/photos', {
          query: query.filter(Boolean).sort().join('&'),
        })
        expect(status, text).toBe(200)
        const names = [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, name]) =>
          unescapeBytes(name!.replaceAll('+', ' ')),
        )
        found.push(...names)
        if (!text.includes('<IsTruncated>true')) break
        const token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1]
        next =
          version === ''
            ? `marker=${escapeKey(names.at(-1)! as Key).replaceAll('/', '%2F')}`
            : `continuation-token=${escaped(token!)}`
      }
      expect(found).toEqual(expected)
    }
    for (const key of keys) {
      const { text, status } = await rawRequest(store, 'GET', at(key))
      expect([status, text], key).toEqual([200, key])
    }
    for (const key of keys) expect((await rawRequest(store, 'DELETE', at(key))).status, key).toBe(204)
    await stage.settled()
    expect([...stage.old.objects('old')]).toEqual([])
    expect([...stage.new.objects('new')]).toEqual([])
  })
})
