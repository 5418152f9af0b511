/**
 * `{"Records": […]}`: the shape of AWS S3, and of whoever does as AWS does. Keys are percent-escaped there, with `+` for a space; but Ceph's
 * gateway writes them as they are, at least some of its releases do, so that both readings of one are taken: to look at a key too much
 * costs a request.
 *
 *   AWS     https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 *   MinIO   the same under `Records`, and beside them `EventName` and `Key`
 *   Ceph    https://docs.ceph.com/en/latest/radosgw/notifications/
 */
import * as z from 'zod'
import { type Key, keyFromText, unescapeKey } from '../key.ts'
import { type Changed, type Notice, nothing, timeOf } from './notice.ts'

const recordSchema = z.object({
  eventSource: z.string().optional(),
  eventTime: z.string().optional(),
  eventName: z.string(),
  s3: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({ key: z.string() }),
  }),
})
const recordsSchema = z.object({ Records: z.array(recordSchema) })
/** What AWS sends when a notification is set up. */
const testSchema = z.object({ Event: z.literal('s3:TestEvent'), Bucket: z.string() })

/** Null where it is something else. */
export function s3Records(body: unknown): Notice | null {
  if (testSchema.safeParse(body).success) return nothing
  const { data } = recordsSchema.safeParse(body)
  return data ? { is: 'changes', changes: data.Records.flatMap(changesOf) } : null
}

function changesOf({ eventSource, eventTime, eventName, s3 }: z.infer<typeof recordSchema>): Changed[] {
  // To read an object is no change of it; and whoever copies reads.
  if (/(^|:)ObjectAccessed:/.test(eventName)) return []
  const { key } = s3.object
  const read = eventSource === 'ceph:s3' ? new Set([keyFromText(key), unescaped(key)]) : [unescaped(key)]
  return [...read].map((key) => ({ bucket: s3.bucket.name, key, at: timeOf(eventTime) }))
}

const unescaped = (key: string): Key => unescapeKey(key.replaceAll('+', ' '))
