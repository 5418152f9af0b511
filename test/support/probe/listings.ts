/** Pages, prefixes and the order of keys. */
import * as S3 from '@aws-sdk/client-s3'
import { type Checks, equal, type Subject } from './check.ts'

export function listingChecks({ sdk, plain, bucket }: Subject): Checks {
  const list = (input: Partial<S3.ListObjectsV2CommandInput>) =>
    sdk.send(new S3.ListObjectsV2Command({ Bucket: bucket, Prefix: 'l/', ...input }))
  const pages = async (input: Partial<S3.ListObjectsV2CommandInput>, most = 10) => {
    const found: S3.ListObjectsV2CommandOutput[] = []
    for (let token: string | undefined; ; ) {
      const page = await list({ ...input, ...(token ? { ContinuationToken: token } : {}) })
      found.push(page)
      token = page.NextContinuationToken
      if (!token) return found
      if (found.length >= most) throw new Error('pages without end')
    }
  }
  return [
    [
      'ListV2 max-keys + continuation',
      async () => {
        for (let i = 0; i < 25; i++) {
          const Key = `l/${String(i).padStart(3, '0')}/x`
          await plain.send(new S3.PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }))
        }
        const found = await pages({ MaxKeys: 10 })
        equal(
          found.map((page) => page.Contents?.length),
          [10, 10, 5],
        )
      },
    ],
    [
      'ListV2 start-after',
      async () => {
        const page = await list({ StartAfter: 'l/020/x' })
        equal(page.Contents?.[0]?.Key, 'l/021/x')
        equal(page.KeyCount, 4)
      },
    ],
    [
      'ListV2 start-after absent key',
      async () => equal((await list({ StartAfter: 'l/020/zzz', MaxKeys: 2 })).Contents?.[0]?.Key, 'l/021/x'),
    ],
    ['ListV2 delimiter', async () => equal((await list({ Delimiter: '/' })).CommonPrefixes?.length, 25)],
    [
      'ListV2 delimiter + paging',
      async () => {
        const found = await pages({ Delimiter: '/', MaxKeys: 10 })
        equal(found.flatMap((page) => page.CommonPrefixes ?? []).length, 25)
      },
    ],
    [
      'listing order is UTF-8 binary',
      async () => {
        const keys = ['o/\uFFFD', 'o/🙂', 'o/Z', 'o/a', 'o/é']
        for (const Key of keys) await plain.send(new S3.PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }))
        const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        equal(
          (await list({ Prefix: 'o/' })).Contents?.map((each) => each.Key),
          sorted,
        )
      },
    ],
  ]
}
