/**
 * An S3 server in a process of its own. Its argument is a `StoreOptions`; it writes its address as a line. Then it takes messages: to whom it
 * is to tell its changes.
 */
import type { NotifyOptions } from '../../agent/s3-server/notifications.ts'
import { startS3Server } from '../../agent/s3-server/s3-server.ts'
import { seedBody, seedKey } from './journal.ts'

export interface StoreOptions {
  /** Secrets by access key. */
  credentials: Record<string, string>
  /** Objects of the application in each bucket (journal.ts); none in an empty one. */
  buckets: Record<string, number>
  /** Objects that nobody stored: count and size, by bucket. */
  fills?: Record<string, { count: number; size: number }>
}

const { credentials, buckets, fills = {} } = JSON.parse(process.argv[2]!) as StoreOptions
const server = await startS3Server({ credentials })
for (const [bucket, count] of Object.entries(buckets)) {
  server.createBucket(bucket)
  for (let i = 0; i < count; i++) await server.put(bucket, seedKey(i), seedBody(seedKey(i)))
}
for (const [bucket, { count, size }] of Object.entries(fills)) {
  server.fill(bucket, { count, key: (i) => `${bucket}/${String(i).padStart(7, '0')}.jpg`, size })
}
process.on('message', (notify: NotifyOptions) => server.notify(notify))
process.on('disconnect', () => process.exit(0))
console.log(server.url.href)
