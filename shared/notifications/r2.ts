/**
 * Cloudflare R2's, which come by a queue: one, a list of them, or the messages of a queue that is pulled by HTTP (their bodies in base64).
 * https://developers.cloudflare.com/r2/buckets/event-notifications/
 */
import * as z from 'zod'
import { keyFromText } from '../key.ts'
import { fromBase64url } from '../octets.ts'
import { type Changed, type Notice, timeOf } from './notice.ts'

const eventSchema = z.object({
  account: z.string(),
  action: z.string(),
  bucket: z.string(),
  object: z.object({ key: z.string() }),
  eventTime: z.string().optional(),
})
const pulledSchema = z.object({ messages: z.array(z.object({ body: z.unknown() })).max(1_000) })

/** Null where it is something else. */
export function r2(body: unknown): Notice | null {
  const pulled = pulledSchema.safeParse(body).data
  const told = pulled ? pulled.messages.map((message) => contentOf(message.body)) : [body].flat()
  const events = z.array(eventSchema).min(1).safeParse(told).data
  return events ? { is: 'changes', changes: events.map(changeOf) } : null
}

const changeOf = ({ bucket, object, eventTime }: z.infer<typeof eventSchema>): Changed => ({
  bucket,
  key: keyFromText(object.key),
  at: timeOf(eventTime),
})

function contentOf(body: unknown): unknown {
  if (typeof body !== 'string') return body
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fromBase64url(body)))
  } catch {
    return null
  }
}
