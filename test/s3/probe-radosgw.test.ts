/**
 * The same probe as test/s3-server/probe.test.ts, against real servers. What they do otherwise is known, by name and
 * with its reason; anything more, or anything less, is news, and fails. (Seen with Ceph 16.2.)
 */
import { expect, it } from 'vitest'
import { probe } from '../support/s3-probe.ts'

const noTrailers = 'knows no trailers: their form of payload is taken for a wrong hash'
const noChecksums = 'neither verifies nor stores x-amz-checksum-*: send Content-MD5 to have a body verified'

const differences: Record<string, string> = {
  'PUT stream, SDK default (CRC32 trailer, STREAMING-UNSIGNED)':
    'wants Content-Length, which the SDK leaves out of a body with a trailer: requestChecksumCalculation must be WHEN_REQUIRED',
  'raw STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER': noTrailers,
  'raw STREAMING-UNSIGNED-PAYLOAD-TRAILER': noTrailers,
  'wrong CRC32 refused': noChecksums,
  'checksum CRC32 stored + returned': noChecksums,
  'checksum CRC32C stored + returned': noChecksums,
  'checksum SHA1 stored + returned': noChecksums,
  'checksum SHA256 stored + returned': noChecksums,
  'checksum CRC64NVME stored + returned': noChecksums,
  'GET partNumber=2':
    'ignores partNumber and sends the whole object, so the boundaries of parts cannot be asked for',
  'CompleteMPU If-None-Match:* -> 412':
    'ignores the condition: two writers of one key can overwrite each other',
  GetObjectAttributes: 'not implemented: answers with the object itself',
}

it.each(['', '_2'])('knows how radosgw%s differs from S3, and why', async (suffix) => {
  const checks = await probe({
    endpoint: process.env[`DRAY_TEST_S3_ENDPOINT${suffix}`]!,
    key: process.env[`DRAY_TEST_S3_KEY${suffix}`]!,
    secret: process.env[`DRAY_TEST_S3_SECRET${suffix}`]!,
  })
  expect(checks.length).toBe(63)
  const unexplained = checks.filter(({ name, ok }) => !ok && !(name in differences))
  expect(unexplained).toEqual([])
  const differing = checks.filter(({ ok }) => !ok).map(({ name }) => name)
  expect(differing.toSorted()).toEqual(Object.keys(differences).toSorted())
})
