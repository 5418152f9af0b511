/** The S3 adapter over the wire is held to what it is held to over undici. */
import { afterAll, beforeAll, vi } from 'vitest'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openS3Storage } from '../../agent/storage/s3/s3-storage.ts'
import { openWire } from '../../agent/storage/s3/wire/wire.ts'
import { describeStorage } from './contract.ts'

let server: S3Server
let buckets = 0

beforeAll(async () => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret of the test')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  server = await startS3Server({ credentials: { AKIDTEST: 'secret of the test' } })
})
afterAll(async () => {
  await server.stop()
  vi.unstubAllEnvs()
})

describeStorage('S3 storage over the wire', async () => {
  const bucket = `bucket-${++buckets}`
  server.createBucket(bucket)
  const location = { kind: 's3', bucket, prefix: 'p/', endpoint: server.url.href } as const
  return {
    storage: await openS3Storage(
      { ...location, region: null, profile: null, site: null },
      { connections: 16, http: openWire },
    ),
    leftovers: async () => server.uploads(bucket).map((upload) => upload.key),
    cleanup: () => {},
  }
})
