/**
 * Amazon SNS's envelope, with a notification in its `Message`; and its question whether a subscription is wanted, which is answered by fetching the
 * address that it names. Anybody can post an address, so only SNS's own is ever fetched.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
 */
import * as z from 'zod'
import { type Notice, nothing } from './notice.ts'

const envelopeSchema = z.discriminatedUnion('Type', [
  z.object({ Type: z.literal('Notification'), TopicArn: z.string(), Message: z.string() }),
  z.object({
    Type: z.literal('SubscriptionConfirmation'),
    TopicArn: z.string().max(1_000),
    SubscribeURL: z.string().max(4_000),
  }),
  z.object({ Type: z.literal('UnsubscribeConfirmation'), TopicArn: z.string() }),
])

/** `inner` reads what is in an envelope. Null where it is something else. */
export function sns(body: unknown, inner: (message: unknown) => Notice | null): Notice | null {
  const { data } = envelopeSchema.safeParse(body)
  switch (data?.Type) {
    case undefined:
      return null
    case 'Notification':
      return inner(jsonOf(data.Message))
    case 'SubscriptionConfirmation':
      return { is: 'subscription', topic: data.TopicArn, url: data.SubscribeURL }
    case 'UnsubscribeConfirmation':
      return nothing
    default:
      return data satisfies never
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The address as SNS would write it; null for any other. */
export function confirmationUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null
  const isOurs =
    url?.protocol === 'https:' &&
    url.port === '' &&
    url.username + url.password === '' &&
    /^sns\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/.test(url.hostname) &&
    url.pathname === '/' &&
    url.searchParams.get('Action') === 'ConfirmSubscription'
  return isOurs ? url : null
}
