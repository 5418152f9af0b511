/**
 * An event of S3 as Amazon EventBridge hands it on. Its keys are text as it is.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
import * as z from 'zod'
import { keyFromText } from '../key.ts'
import { type Notice, timeOf } from './notice.ts'

const eventSchema = z.object({
  source: z.literal('aws.s3'),
  'detail-type': z.string(),
  time: z.string().optional(),
  detail: z.object({ bucket: z.object({ name: z.string() }), object: z.object({ key: z.string() }) }),
})

/** Null where it is something else. */
export function eventBridge(body: unknown): Notice | null {
  const { data } = eventSchema.safeParse(body)
  if (!data) return null
  const { bucket, object } = data.detail
  return {
    is: 'changes',
    changes: [{ bucket: bucket.name, key: keyFromText(object.key), at: timeOf(data.time) }],
  }
}
