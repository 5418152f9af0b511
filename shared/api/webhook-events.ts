/**
 * What webhooks tell of. The list is closed: a receiver that knows these types knows all. Events tell counts, names of migrations and
 * agents, and codes; never a key of an object, nor a secret.
 *
 * Each has an `id` that is the same however often it is sent, so that a receiver can drop doubles.
 */
import * as z from 'zod'
import { countsSchema } from '../counts.ts'
import { errorCodes } from '../error.ts'
import { cutOverSteps, directions, lifeStates } from '../life.ts'

const count = z.number().int().nonnegative()
const name = z.string().min(1).max(200)

const passShape = {
  migration: name,
  /** 1, 2, … within its migration. */
  pass: z.number().int().positive(),
  kind: z.enum(['copy', 'verify']),
  dryRun: z.boolean(),
  /** As a person writes them: `s3://bucket/prefix`. */
  source: z.string(),
  destination: z.string(),
  /** Ms since the epoch. */
  startedAt: z.number().int(),
}
const endedShape = { ...passShape, endedAt: z.number().int(), counts: countsSchema }
const causes = z.array(z.object({ code: z.enum(errorCodes), objects: count }))
const parkedShape = {
  migration: name,
  pass: z.number().int().positive(),
  /** Packets whose attempts are spent, and which wait for an operator. */
  parked: count,
  causes: z.array(z.object({ code: z.enum(errorCodes), packets: count })),
}
const agentShape = { agent: name, site: z.string() }

/** What each type of event says of itself. */
export const eventData = {
  'pass.started': z.object(passShape),
  /** It is complete, or was cancelled. */
  'pass.finished': z.object({ ...endedShape, state: z.enum(['complete', 'cancelled']) }),
  /** It came to its end, but objects failed or differ, or packets are parked. */
  'pass.failed': z.object({ ...endedShape, state: z.literal('incomplete'), parked: count, causes }),
  /** Said when the first packet of a pass is parked, and again at 10, 100, 1,000 and so on. */
  'packets.parked': z.object(parkedShape),
  /** Packets of which nothing moved for an hour, though their agents are there, were taken back. Said of the first, and at 10, 100 and so on. */
  'work.stuck': z.object({ migration: name, pass: z.number().int().positive(), packets: count }),
  /** It would delete more than its cap, and waits for an answer; all else goes on. `of`: objects at the destination. */
  'deletes.ask': z.object({ migration: name, pass: z.number().int().positive(), deletes: count, of: count }),
  /** An agent that did not say that it goes is away for a minute or two. `seenAt`: when it was last there. */
  'agent.lost': z.object({ ...agentShape, seenAt: z.number().int() }),
  /** Two processes work with one identity. `stayed`, `left`: when each of them began, in ms; the younger one stays. */
  'agent.duplicate': z.object({ ...agentShape, stayed: z.number().int(), left: z.number().int() }),
  /** The agents wanted all of an endpoint's limit for 15 minutes on end; said once a day at most. */
  'limit.reached': z.object({
    endpoint: z.string(),
    /** Which of its limits. */
    limit: z.enum(['bandwidth', 'requests', 'concurrency']),
    /** Bytes/s, requests/s or requests at once. */
    value: z.number(),
    since: z.number().int(),
  }),
  /** A pass was due and did not begin: the one before was still running, or it was refused. `reason` is a sentence. */
  'schedule.missed': z.object({
    schedule: name,
    migration: name,
    due: z.number().int(),
    reason: z.string().max(2_000),
  }),
  /** A migration came to another state of its life, was paused, or goes on. `why` is a sentence. */
  'life.changed': z.object({
    migration: name,
    state: z.enum(lifeStates),
    direction: z.enum(directions),
    paused: z.boolean(),
    why: z.string().max(2_000),
  }),
  /** A step of a cut-over’s (or a roll-back’s) checklist waits for an answer. `message` is a sentence. */
  'cut-over.asks': z.object({
    migration: name,
    direction: z.enum(directions),
    step: z.enum(cutOverSteps),
    message: z.string().max(2_000),
  }),
  /** The side that follows was changed by somebody else: so many objects are left as they are, for an operator. */
  'conflicts.found': z.object({ migration: name, pass: z.number().int().positive(), objects: count }),
  'webhook.test': z.object({ webhook: name }),
} as const
export type EventType = keyof typeof eventData
export const eventTypes = Object.keys(eventData) as [EventType, ...EventType[]]
export const eventTypeSchema = z.enum(eventTypes)

/** One variant of the union below. */
const variant = <T extends EventType>(type: T) =>
  z.object({
    /** The header `webhook-id` too. */
    id: z.string().regex(/^[A-Za-z0-9_-]{1,250}$/),
    type: z.literal(type),
    /** When it happened: ISO 8601. */
    timestamp: z.iso.datetime(),
    workspace: name,
    data: eventData[type],
  })

export const webhookEventSchema = z.discriminatedUnion('type', [
  variant('pass.started'),
  variant('pass.finished'),
  variant('pass.failed'),
  variant('packets.parked'),
  variant('work.stuck'),
  variant('deletes.ask'),
  variant('agent.lost'),
  variant('agent.duplicate'),
  variant('limit.reached'),
  variant('schedule.missed'),
  variant('life.changed'),
  variant('cut-over.asks'),
  variant('conflicts.found'),
  variant('webhook.test'),
])
export type WebhookEvent = z.infer<typeof webhookEventSchema>
