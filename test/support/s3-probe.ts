/**
 * What an S3 server must be able to do for Dray, as checks by name. The project's own server passes all of them; a
 * real one is known by which it does not (test/s3/probe-radosgw.test.ts). Most speak through the AWS SDK, which shares no
 * code with the server; the forms of a body that it does not send are made by hand.
 */
import { randomBytes } from 'node:crypto'
import { S3Client, type S3ClientConfig, type S3ServiceException } from '@aws-sdk/client-s3'
import { bodyChecks } from './probe/bodies.ts'
import { bucketChecks } from './probe/buckets.ts'
import type { Run } from './probe/check.ts'
import { readingChecks } from './probe/conditions.ts'
import { keyChecks } from './probe/keys.ts'
import { listingChecks } from './probe/listings.ts'
import { metadataChecks } from './probe/metadata.ts'
import { multipartChecks } from './probe/multipart.ts'
import type { RawStore } from './s3-raw.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
  /** What was seen where it is worth telling, else empty. */
  readonly detail: string
}

const timeLimitMs = 25_000

export async function probe(store: RawStore): Promise<Check[]> {
  const connect = (options: S3ClientConfig = {}) =>
    new S3Client({
      endpoint: store.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: store.key, secretAccessKey: store.secret },
      maxAttempts: 1,
      ...options,
    })
  const plain = connect({
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  const stranger = connect({ credentials: { accessKeyId: store.key, secretAccessKey: 'wrong' } })
  const subject = {
    store,
    sdk: connect(),
    plain,
    stranger,
    bucket: `probe-${randomBytes(6).toString('hex')}`,
  }
  const checks: Check[] = []
  try {
    for (const [name, run] of [
      ...bodyChecks(subject),
      ...listingChecks(subject),
      ...metadataChecks(subject),
      ...multipartChecks(subject),
      ...readingChecks(subject),
      ...keyChecks(subject),
      ...bucketChecks(subject),
    ])
      checks.push(await judge(name, run))
  } finally {
    for (const client of [subject.sdk, plain, stranger]) client.destroy()
  }
  return checks
}

async function judge(name: string, run: Run): Promise<Check> {
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('timeout')), timeLimitMs)
    })
    const seen = await Promise.race([run(), late])
    return { name, ok: true, detail: typeof seen === 'string' ? seen : '' }
  } catch (error) {
    const { name: kind, message, $metadata } = error as Error & Partial<S3ServiceException>
    const status = $metadata?.httpStatusCode ? ` [${$metadata.httpStatusCode}]` : ''
    return { name, ok: false, detail: `${kind}: ${message}`.replace(/\s+/g, ' ').slice(0, 150) + status }
  } finally {
    clearTimeout(timer)
  }
}
