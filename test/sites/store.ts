/**
 * An S3 server that tells who reads what: `node store.ts '{host, credentials, fills}'`. Once it listens, and then twice a second, it writes
 * how many objects each access key has read of each bucket, as a line of JSON.
 */
import { startS3Server } from '../../agent/s3-server/s3-server.ts'

export interface StoreOptions {
  host: string
  port: number
  /** Secrets by access key. */
  credentials: Record<string, string>
  /** Made-up objects, by bucket; none for an empty one. */
  fills: Record<string, { count: number; size: number }>
}

/** By access key, and then by bucket. */
export type Reads = Record<string, Record<string, number>>

const { fills, ...options } = JSON.parse(process.argv[2] ?? '{}') as StoreOptions
const reads: Reads = {}
const server = await startS3Server({
  ...options,
  hooks: {
    beforeRequest({ operation, bucket, headers }) {
      if (operation !== 'GetObject' || bucket === null) return null
      const [, key = '?'] = /Credential=([^/]+)\//.exec(headers.get('authorization') ?? '') ?? []
      reads[key] ??= {}
      reads[key][bucket] = (reads[key][bucket] ?? 0) + 1
      return null
    },
  },
})
for (const [bucket, { count, size }] of Object.entries(fills)) {
  server.createBucket(bucket)
  if (count > 0) server.fill(bucket, { count, key: (i) => `${bucket}/${String(i).padStart(7, '0')}`, size })
}
const tell = () => console.log(JSON.stringify(reads))
tell()
setInterval(tell, 500)
