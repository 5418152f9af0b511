/**
 * The four ways between two real S3 servers with different credentials and the disk: 20,000 small objects and a few large
 * ones, checked by the AWS SDK and the file system, never by Dray.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resultOf, run } from '../support/dray.ts'

const stores = ['', '_2'].map((n) => ({
  endpoint: process.env[`DRAY_TEST_S3_ENDPOINT${n}`]!,
  key: process.env[`DRAY_TEST_S3_KEY${n}`]!,
  secret: process.env[`DRAY_TEST_S3_SECRET${n}`]!,
})) as [Store, Store]
interface Store {
  endpoint: string
  key: string
  secret: string
}
const client = (store: Store) =>
  new S3Client({
    endpoint: store.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: store.key, secretAccessKey: store.secret },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
const [first, second] = stores.map(client) as [S3Client, S3Client]

const small = 20_000
const work = mkdtempSync(join(tmpdir(), 'dray-e2e-'))
const bucket = `e2e-${Date.now().toString(36)}`
const env = {
  AWS_CONFIG_FILE: join(work, 'config'),
  AWS_SHARED_CREDENTIALS_FILE: join(work, 'credentials'),
  DRAY_STATE_DIR: join(work, 'state'),
}
const source = ['--source-profile', 'first', '--source-endpoint', stores[0].endpoint]
const destination = ['--destination-profile', 'second']

async function each<T>(
  items: Iterable<T>,
  concurrency: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let next = iterator.next(); !next.done; next = iterator.next()) await act(next.value)
    }),
  )
}

interface Listed {
  size: number
  etag: string
}

async function listing(s3: S3Client, name: string, prefix = ''): Promise<Map<string, Listed>> {
  const found = new Map<string, Listed>()
  for (let token: string | undefined, more = true; more; ) {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken: token }),
    )
    for (const object of page.Contents ?? [])
      found.set(object.Key!.slice(prefix.length), { size: object.Size!, etag: object.ETag! })
    token = page.NextContinuationToken
    more = token !== undefined
  }
  return found
}

async function digest(s3: S3Client, name: string, key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: key }))
  const hash = createHash('sha256')
  for await (const chunk of Body as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}

function files(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(root, name)).isFile(),
  )
}
const fileDigest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Every fifteenth small one and all the large ones: the rest is held by sizes and ETags. */
const sampleOf = (keys: Iterable<string>) =>
  [...keys].filter((key, i) => key.startsWith('large/') || i % 15 === 0)

const body = (i: number) => Buffer.from(`object ${i} `.repeat(1 + (i % 300)))
const large: [string, number, number | null][] = [
  ['large/single.bin', 30 * 1024 * 1024 + 1, null],
  ['large/parts-of-5.bin', 23 * 1024 * 1024 + 7, 5],
  ['large/parts-of-16.bin', 70 * 1024 * 1024, 16],
  ['large/empty', 0, null],
]

beforeAll(async () => {
  writeFileSync(
    env.AWS_CONFIG_FILE,
    `[profile second]\nregion = us-east-1\nendpoint_url = ${stores[1].endpoint}\n[profile first]\nregion = us-east-1\n`,
  )
  writeFileSync(
    env.AWS_SHARED_CREDENTIALS_FILE,
    ['first', 'second']
      .map(
        (name, i) =>
          `[${name}]\naws_access_key_id = ${stores[i]!.key}\naws_secret_access_key = ${stores[i]!.secret}\n`,
      )
      .join(''),
  )
  await first.send(new CreateBucketCommand({ Bucket: bucket }))
  for (const name of ['copy', 'files'])
    await second.send(new CreateBucketCommand({ Bucket: `${bucket}-${name}` }))
  await each(Array(small).keys(), 48, async (i) => {
    await first.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: `data/d${i % 37}/${i % 5 === 0 ? 'é ' : ''}object-${i}.txt`,
        Body: body(i),
        ContentType: i % 2 === 0 ? 'text/plain; charset=utf-8' : 'application/x-thing',
        Metadata: { number: String(i), owner: 'someone' },
      }),
    )
  })
  for (const [key, size, partMiB] of large) {
    const Body = Buffer.alloc(size, key)
    const params = {
      Bucket: bucket,
      Key: `data/${key}`,
      Body,
      ContentType: 'video/mp4',
      Metadata: { large: 'yes' },
    }
    if (partMiB) await new Upload({ client: first, params, partSize: partMiB * 1024 * 1024 }).done()
    else await first.send(new PutObjectCommand(params))
  }
}, 300_000)

afterAll(() => rmSync(work, { recursive: true, force: true }))

const total = small + large.length

describe('two real S3 servers and the disk', () => {
  it('S3 to S3: every object, with its type and metadata', async () => {
    const ended = await run(
      ['copy', `s3://${bucket}/data`, `s3://${bucket}-copy/moved`, ...source, ...destination, '--json'],
      env,
    )
    expect(ended.stderr + ended.stdout).toContain('complete')
    expect(ended.status).toBe(0)
    expect(resultOf(ended)).toMatchObject({
      state: 'complete',
      objects: { listed: total, same: 0, copied: total, skipped: 0, vanished: 0, failed: 0, deleted: 0 },
    })
    const [from, to] = await Promise.all([
      listing(first, bucket, 'data/'),
      listing(second, `${bucket}-copy`, 'moved/'),
    ])
    expect(from.size).toBe(total)
    expect(to).toEqual(from)
    await each(sampleOf(from.keys()), 24, async (key) => {
      const [a, b] = await Promise.all([
        first.send(new HeadObjectCommand({ Bucket: bucket, Key: `data/${key}` })),
        second.send(new HeadObjectCommand({ Bucket: `${bucket}-copy`, Key: `moved/${key}` })),
      ])
      expect([b.ContentType, b.Metadata], key).toEqual([a.ContentType, a.Metadata])
      expect(await digest(second, `${bucket}-copy`, `moved/${key}`), key).toBe(
        await digest(first, bucket, `data/${key}`),
      )
    })
  }, 300_000)

  it('a second run copies nothing', async () => {
    const ended = await run(
      ['copy', `s3://${bucket}/data/`, `s3://${bucket}-copy/moved/`, ...source, ...destination, '--json'],
      env,
    )
    expect(ended.status).toBe(0)
    expect(resultOf(ended).objects).toMatchObject({ listed: total, same: total, copied: 0 })
  }, 120_000)

  it('a verification finds them equal, and finds what is not', async () => {
    const args = [
      'verify',
      `s3://${bucket}/data`,
      `s3://${bucket}-copy/moved`,
      ...source,
      ...destination,
      '--json',
    ]
    expect((await run(args, env)).status).toBe(0)
    const name = 'moved/d1/object-1.txt'
    const was = await digest(second, `${bucket}-copy`, name)
    await second.send(new PutObjectCommand({ Bucket: `${bucket}-copy`, Key: name, Body: body(1).fill('x') }))
    expect(await digest(second, `${bucket}-copy`, name)).not.toBe(was)
    const ended = await run(args, env)
    expect(ended.status).toBe(1)
    expect(resultOf(ended)).toMatchObject({ state: 'incomplete', objects: { failed: 1, same: total - 1 } })
    expect(readFileSync(resultOf(ended).report, 'utf8')).toContain('d1/object-1.txt')
  }, 120_000)

  it('S3 to disk, disk to disk, disk to S3: the same bytes all the way', async () => {
    const [one, two] = [join(work, 'one'), join(work, 'two')]
    const down = await run(['copy', `s3://${bucket}/data`, one, ...source, '--json'], env)
    expect(down.stderr + (down.status === 0 ? '' : down.stdout), 'S3 to disk').not.toContain('failed:')
    expect(resultOf(down).objects).toMatchObject({ listed: total, copied: total, failed: 0 })
    const across = await run(['copy', one, two, '--json'], env)
    expect(resultOf(across).objects).toMatchObject({ listed: total, copied: total, failed: 0 })
    const up = await run(['copy', two, `s3://${bucket}-files`, ...destination, '--json'], env)
    expect(resultOf(up).objects).toMatchObject({ listed: total, copied: total, failed: 0 })
    expect([down.status, across.status, up.status]).toEqual([0, 0, 0])

    const [from, to] = await Promise.all([
      listing(first, bucket, 'data/'),
      listing(second, `${bucket}-files`),
    ])
    expect(files(one).sort()).toEqual([...from.keys()].sort())
    expect(files(two).sort()).toEqual([...from.keys()].sort())
    expect([...to].map(([key, { size }]) => [key, size])).toEqual(
      [...from].map(([key, { size }]) => [key, size]),
    )
    await each(sampleOf(from.keys()), 24, async (key) => {
      const wanted = await digest(first, bucket, `data/${key}`)
      expect(fileDigest(join(one, key)), key).toBe(wanted)
      expect(fileDigest(join(two, key)), key).toBe(wanted)
      expect(await digest(second, `${bucket}-files`, key), key).toBe(wanted)
      const head = await second.send(new HeadObjectCommand({ Bucket: `${bucket}-files`, Key: key }))
      expect(Number(head.Metadata?.mtime) * 1000, key).toBeCloseTo(statSync(join(two, key)).mtimeMs, 0)
    })

    const again = await Promise.all([run(['copy', `s3://${bucket}/data`, one, ...source, '--json'], env)])
    expect(resultOf(again[0]!).objects).toMatchObject({ listed: total, same: total, copied: 0 })
    const uploaded = await run(['copy', two, `s3://${bucket}-files`, ...destination, '--json'], env)
    expect(resultOf(uploaded).objects).toMatchObject({ listed: total, same: total, copied: 0 })
  }, 600_000)
})
