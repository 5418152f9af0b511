/** Keys that clients and servers get wrong. */
import * as S3 from '@aws-sdk/client-s3'
import { type Checks, equal, read, type Subject } from './check.ts'

const keys = [
  ...['a b', 'a+b', 'a%20b', 'é/ü', '日本語/🙂', 'a//b', '/lead', 'trail/', './dot', '../up', 'x/../y'],
  ...['q?x=1&y=2', '#h', 'a&<>"\'b', 'tab\tx', 'ctl\u0001x', 'back\\slash'],
  `${'k'.repeat(255)}/${'z'.repeat(768)}`,
]

export function keyChecks({ plain, bucket }: Subject): Checks {
  return keys.map((Key): Checks[number] => [
    `key ${JSON.stringify(Key).slice(0, 24)}`,
    async () => {
      await plain.send(new S3.PutObjectCommand({ Bucket: bucket, Key, Body: `K${Key}` }))
      equal((await read(plain, { Bucket: bucket, Key })).toString(), `K${Key}`)
      const input = { Bucket: bucket, Prefix: Key, EncodingType: 'url' } as const
      const listed = await plain.send(new S3.ListObjectsV2Command(input))
      equal(listed.EncodingType, 'url')
      const found = listed.Contents?.map((each) => decodeURIComponent(each.Key!.replaceAll('+', ' ')))
      equal(found?.includes(Key), true, 'listed')
    },
  ])
}
