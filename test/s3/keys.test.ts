/** Odd keys between two real servers: put, read and compared by the AWS SDK; nothing here believes Dray. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { start } from '../support/dray.ts'
import { oddKeys, someKeys } from '../support/odd-keys.ts'
import { bucketBySdk, checked } from '../support/place.ts'

const stores = ['', '_2'].map((n) => ({
  endpoint: process.env[`DRAY_TEST_S3_ENDPOINT${n}`]!,
  accessKeyId: process.env[`DRAY_TEST_S3_KEY${n}`]!,
  secretAccessKey: process.env[`DRAY_TEST_S3_SECRET${n}`]!,
}))
const [first, second] = stores.map(
  ({ endpoint, ...credentials }) =>
    new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
) as [S3Client, S3Client]
const work = mkdtempSync(join(tmpdir(), 'dray-keys-'))
const env = {
  AWS_CONFIG_FILE: join(work, 'config'),
  AWS_SHARED_CREDENTIALS_FILE: join(work, 'credentials'),
}
const profiles = ['--source-profile', 'first', '--destination-profile', 'second']
const bucket = `keys-${Date.now().toString(36)}`
const prefix = 'from here/'
const seed = Number(process.env.DRAY_TEST_SEED ?? Date.now() % 2 ** 31)

async function dray(...args: string[]) {
  return checked(await start([...args, '--json', '--state-dir', join(work, 'state')], env).ended)
}

beforeAll(async () => {
  writeFileSync(
    env.AWS_CONFIG_FILE,
    stores
      .map(
        ({ endpoint }, i) =>
          `[profile ${['first', 'second'][i]}]\nregion = us-east-1\nendpoint_url = ${endpoint}\n`,
      )
      .join(''),
  )
  writeFileSync(
    env.AWS_SHARED_CREDENTIALS_FILE,
    stores
      .map(
        ({ accessKeyId, secretAccessKey }, i) =>
          `[${['first', 'second'][i]}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
      )
      .join(''),
  )
  await first.send(new CreateBucketCommand({ Bucket: bucket }))
  await second.send(new CreateBucketCommand({ Bucket: bucket }))
})
afterAll(() => rmSync(work, { recursive: true, force: true }))

it('every key that the server takes arrives as it was', async () => {
  console.log(`keys: the random seed is ${seed} (DRAY_TEST_SEED)`)
  const keys = [...oddKeys, ...someKeys(20261120, 80), ...someKeys(seed, 80)].filter(
    (key) => Buffer.byteLength(prefix + key) <= 1024,
  )
  const refused: string[] = []
  const put = (key: string, i: number) =>
    first
      .send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: prefix + key,
          Body: `body ${i} `.repeat(1 + (i % 9)),
          ContentType: `application/x-${i}`,
          Metadata: { number: String(i) },
        }),
      )
      .catch(() => refused.push(key))
  await Promise.all([...new Set(['', ...keys])].map(put))
  const from = await bucketBySdk(first, bucket, prefix)
  expect(refused.length, `refused: ${JSON.stringify(refused)}`).toBeLessThan(10)

  const copied = await dray('copy', `s3://${bucket}/${prefix}`, `s3://${bucket}/x`, ...profiles)
  expect(copied.status, copied.stderr).toBe(0)
  expect(copied.result.objects).toMatchObject({ listed: from.size, copied: from.size })
  expect(await bucketBySdk(second, bucket, 'x/')).toEqual(from)
  const again = await dray('copy', `s3://${bucket}/${prefix}`, `s3://${bucket}/x`, ...profiles)
  expect(again.result.objects).toMatchObject({ listed: from.size, same: from.size, copied: 0 })
})

it('an interrupted copy of large objects leaves nothing half-written, and goes on with equal ETags', async () => {
  for (const [key, size, part] of [
    ['large/five', 61 * 1024 * 1024 + 5, 5],
    ['large/seven', 84 * 1024 * 1024, 7],
  ] as const) {
    const Body = Buffer.alloc(size, `${key} `)
    await new Upload({
      client: first,
      params: { Bucket: bucket, Key: key, Body },
      partSize: part * 1024 * 1024,
    }).done()
  }
  const args = ['copy', `s3://${bucket}/large`, `s3://${bucket}/large`, ...profiles]
  const state = ['--json', '--state-dir', join(work, 'state')]
  const open = async () =>
    (await second.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0
  const running = start([...args, ...state], env)
  let ended = false
  void running.ended.then(() => {
    ended = true
  })
  while (!ended && (await open()) === 0);
  running.child.kill('SIGINT')
  const { status } = await running.ended
  expect([0, 130]).toContain(status)

  // What had gone up is still there, and is gone on with.
  const done = await dray(...args)
  expect(done.status, done.stderr).toBe(0)
  expect(await open()).toBe(0)
  expect(await bucketBySdk(second, bucket, 'large/')).toEqual(await bucketBySdk(first, bucket, 'large/'))
  const again = await dray(...args)
  expect(again.result.objects).toMatchObject({ listed: 2, same: 2 })
})
