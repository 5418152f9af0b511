/** Webhooks: who is told of what, and what became of it. The events themselves are in webhook-events.ts. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { cursorSchema, pageQuery, revisionSchema, route } from './route.ts'
import { eventTypeSchema } from './webhook-events.ts'

/** `dray`: the event as JSON. `slack`: a sentence, as Slack's incoming webhooks (and their many imitations) take it. */
export const webhookFormats = ['dray', 'slack'] as const

/** What may be shown of an address: a query may hold a secret, and of Slack's addresses the path is one. */
export function shownAddress(address: string, format: 'dray' | 'slack'): string {
  const { origin, pathname, search } = new URL(address)
  if (format === 'slack') return `${origin}/…`
  return `${origin}${pathname}${search && '?…'}`
}

const editable = {
  /** https; http only where the control plane is told to allow it. May hold a secret (Slack's do): it is stored encrypted. */
  url: z.url().max(2_000),
  /** Which events; none means all. */
  events: z.array(eventTypeSchema).max(20),
  format: z.enum(webhookFormats),
  /** Told of nothing, until it is enabled again; what waits for it is given up. */
  disabled: z.boolean(),
}
export const newWebhookSchema = z.strictObject({
  id: idSchema,
  ...editable,
  events: editable.events.default([]),
  format: editable.format.default('dray'),
  disabled: editable.disabled.default(false),
})

export const webhookSchema = z.object({
  id: idSchema,
  /** Where it is, without what may be secret of it: no query, and of Slack's no path. */
  address: z.string(),
  events: editable.events,
  format: editable.format,
  disabled: editable.disabled,
  createdAt: z.number().int(),
  revision: revisionSchema,
})
export type WebhookView = z.infer<typeof webhookSchema>

/** `whsec_…`, as the Standard Webhooks libraries take it. Shown once. */
const withSecret = webhookSchema.extend({ secret: z.string() })

export const deliveryStates = ['waiting', 'delivered', 'given-up'] as const
export const deliverySchema = z.object({
  id: z.number().int().positive(),
  webhook: z.string(),
  event: z.string(),
  type: eventTypeSchema,
  state: z.enum(deliveryStates),
  /** Ms since the epoch: when the event came. */
  createdAt: z.number().int(),
  attempts: z.number().int().nonnegative(),
  /** When it is tried next; null where it is not. */
  due: z.number().int().nullable(),
  /** Of the last attempt. Null before the first. */
  triedAt: z.number().int().nullable(),
  /** HTTP's; null where there was no answer. */
  status: z.number().int().nullable(),
  /** How long the receiver took, in ms. */
  duration: z.number().int().nullable(),
  /** The first bytes of the answer, as text; or why there was none. */
  answer: z.string().nullable(),
})
export type DeliveryView = z.infer<typeof deliverySchema>

const all = '/api/workspaces/:workspace/webhooks'
const one = `${all}/:webhook` as const
const params = z.object({ webhook: idSchema })

export const listWebhooks = route({
  method: 'GET',
  path: all,
  needs: 'webhooks:read',
  summary: 'Lists the webhooks.',
  query: pageQuery,
  answer: z.object({ webhooks: z.array(webhookSchema), cursor: cursorSchema }),
})
export const createWebhook = route({
  method: 'POST',
  path: all,
  needs: 'webhooks:write',
  summary: 'Makes a webhook. The answer holds its signing secret, which is shown this once.',
  body: newWebhookSchema,
  answer: withSecret,
  status: 201,
  secret: true,
})
export const readWebhook = route({
  method: 'GET',
  path: one,
  needs: 'webhooks:read',
  summary: 'Shows a webhook.',
  params,
  answer: webhookSchema,
})
export const editWebhook = route({
  method: 'PATCH',
  path: one,
  needs: 'webhooks:write',
  summary: 'Changes a webhook.',
  params,
  body: z.strictObject(editable).partial(),
  answer: webhookSchema,
})
export const deleteWebhook = route({
  method: 'DELETE',
  path: one,
  needs: 'webhooks:write',
  summary: 'Deletes a webhook; what waits for it is given up.',
  params,
})
export const rotateWebhookSecret = route({
  method: 'POST',
  path: `${one}/secret`,
  needs: 'webhooks:write',
  summary: 'Makes a new signing secret. For a day, deliveries are signed with the old one too.',
  params,
  answer: withSecret,
  secret: true,
})
export const testWebhook = route({
  method: 'POST',
  path: `${one}/test`,
  needs: 'webhooks:write',
  summary: 'Sends `webhook.test` now, once, and answers with what came of it.',
  params,
  answer: deliverySchema,
})
export const listDeliveries = route({
  method: 'GET',
  path: `${one}/deliveries`,
  needs: 'webhooks:read',
  summary: 'Lists what was and is to be delivered, newest first: the last 1,000 of the last 30 days.',
  params,
  query: pageQuery,
  answer: z.object({ deliveries: z.array(deliverySchema), cursor: cursorSchema }),
})
export const redeliver = route({
  method: 'POST',
  path: `${one}/deliveries/:delivery/redeliver`,
  needs: 'webhooks:write',
  summary: 'Sends a delivery again, under the same id, with all its tries.',
  params: params.extend({ delivery: z.coerce.number().int().positive() }),
  answer: deliverySchema,
  status: 202,
})
