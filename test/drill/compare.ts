/** What is at a side, by the AWS SDK, held to what the application knows. Dray has no part in it. */
import { createHash } from 'node:crypto'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { RawStore } from '../support/s3-raw.ts'
import { bucket, expected, type Journal } from './journal.ts'

export interface Verdict {
  objects: number
  /** Bodies that were read. */
  read: number
  /** Acknowledged writes that are not there: another value is, or none. */
  lost: string[]
  /** Deleted, and there again. */
  resurrected: string[]
  /** Keys that nobody has ever written. */
  foreign: string[]
  /** Keys that are listed twice. */
  twice: string[]
  /** The body is not what the listing says. */
  broken: string[]
}

export const clientOf = ({ endpoint, key, secret }: RawStore): S3Client =>
  new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: key, secretAccessKey: secret },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

/** Bodies that are read besides those that the application has touched. */
const readBesides = 1_000
const atOnce = 16

/** `but`: keys about which somebody else decides. */
export async function compare(
  store: RawStore,
  journal: Journal,
  seeds: number,
  but: ReadonlySet<string> = new Set(),
): Promise<Verdict> {
  const sdk = clientOf(store)
  const verdict: Verdict = {
    objects: 0,
    read: 0,
    lost: [],
    resurrected: [],
    foreign: [],
    twice: [],
    broken: [],
  }
  const wanted = expected(journal, seeds)
  const found = new Map<string, string>()
  for await (const [key, etag] of listed(sdk, bucket)) {
    verdict.objects++
    if (found.has(key)) verdict.twice.push(key)
    found.set(key, etag)
    const values = wanted.get(key)
    if (but.has(key)) continue
    if (!values) verdict.foreign.push(key)
    else if (values.every((value) => value === null)) verdict.resurrected.push(key)
    else if (!values.includes(etag)) verdict.lost.push(key)
  }
  for (const [key, values] of wanted) {
    if (!found.has(key) && !values.includes(null) && !but.has(key)) verdict.lost.push(key)
  }
  const untouched = [...found.keys()].filter((key) => !journal.has(key))
  const step = Math.max(1, Math.floor(untouched.length / readBesides))
  const toRead = [
    ...[...found.keys()].filter((key) => journal.has(key)),
    ...untouched.filter((_, i) => i % step === 0),
  ]
  const readAll = async () => {
    for (let key = toRead.pop(); key !== undefined; key = toRead.pop()) {
      const { Body } = await sdk.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      const digest = createHash('md5')
        .update(await Body!.transformToByteArray())
        .digest('hex')
      verdict.read++
      const etag = found.get(key)!
      if (!etag.includes('-') && digest !== etag) verdict.broken.push(key)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, readAll))
  sdk.destroy()
  return verdict
}

export async function* listed(sdk: S3Client, Bucket: string): AsyncGenerator<[key: string, etag: string]> {
  for (let token: string | undefined, more = true; more; ) {
    const page = await sdk.send(new ListObjectsV2Command({ Bucket, ContinuationToken: token }))
    for (const { Key, ETag } of page.Contents ?? []) yield [Key!, ETag!.replaceAll('"', '')]
    token = page.NextContinuationToken
    more = token !== undefined
  }
}
