/**
 * Watching a migration: the strip of its key space, and the socket that tells what changes. A watcher is sent a snapshot, then deltas, at most
 * two a second, and nothing while nothing changes. Ids rise by one; whoever misses one connects again, and is sent a snapshot.
 */
import * as z from 'zod'
import { errorCodes } from '../error.ts'
import { lifeBriefSchema } from '../life.ts'
import { passStates, passStatusSchema } from './migrations.ts'
import { route } from './route.ts'

const figure = z.number()
/**
 * A run of the key space: its last key (percent-escaped; null: to the end; it begins where the one before it ends), its packets (not surveyed
 * yet, ready, leased, done, parked), its objects that failed, and the objects and bytes that are known or expected in it.
 */
export const bucketSchema = z.tuple([
  z.string().nullable(),
  figure,
  figure,
  figure,
  figure,
  figure,
  figure,
  figure,
  figure,
])
export type BucketRow = z.infer<typeof bucketSchema>

/** In the order of keys, at most 1,600. */
export const stripSchema = z.array(bucketSchema)

export const laneSchema = z.object({
  agent: z.string(),
  site: z.string(),
  /** Packets that it holds. */
  leased: z.number(),
  /** A second, over some 15 of them; null until that is known. */
  objects: z.number().nullable(),
  bytes: z.number().nullable(),
  /** In which buckets of the strip it is at work: some of them. */
  at: z.array(z.number()),
})
export type Lane = z.infer<typeof laneSchema>

/** What a pass had come to at a moment (ms): objects and bytes with those in flight, and objects that failed. */
export const pointSchema = z.tuple([z.number(), z.number(), z.number(), z.number()])
export type Point = z.infer<typeof pointSchema>

/** What an agent had come to at moments (ms): objects and bytes since it came, with those in flight; from 0 again where it came anew. */
export const traceSchema = z.object({
  agent: z.string(),
  site: z.string(),
  points: z.array(z.tuple([z.number(), z.number(), z.number()])),
})
export type Trace = z.infer<typeof traceSchema>

/** `id`: rises by one with each event of the migration. `at`: ms. `pass`: which one it is about. */
const event = { id: z.number(), at: z.number(), pass: z.number() }
/** Something that happened, as it is told to who watches. Texts of stores are in messages. */
export const watchEventSchema = z.discriminatedUnion('is', [
  z.object({ ...event, is: z.literal('began'), kind: z.enum(['copy', 'verify']), dryRun: z.boolean() }),
  z.object({ ...event, is: z.literal('ended'), state: z.enum(passStates) }),
  z.object({ ...event, is: z.literal('paused'), by: z.string() }),
  z.object({ ...event, is: z.literal('resumed') }),
  /** An agent began to work for it; closed its socket; or fell silent, so that others do its packets. */
  z.object({ ...event, is: z.literal('came'), agent: z.string() }),
  z.object({ ...event, is: z.literal('left'), agent: z.string() }),
  z.object({ ...event, is: z.literal('silent'), agent: z.string(), packets: z.number() }),
  /** Nothing of so many of its packets moved for an hour, though it is there: they are tried again. */
  z.object({ ...event, is: z.literal('stuck'), agent: z.string(), packets: z.number() }),
  /** The first packet that is tried again for this. */
  z.object({ ...event, is: z.literal('error'), code: z.enum(errorCodes), message: z.string() }),
  /** Attempts are spent: told of the first packet, then at 10, 100 and so on. */
  z.object({ ...event, is: z.literal('parked'), packets: z.number() }),
  /** It would delete so many of the objects at the destination, more than its cap, and waits for an answer. */
  z.object({ ...event, is: z.literal('asks'), deletes: z.number(), of: z.number() }),
  /** Objects failed for this: told of the first one, then at 10, 100 and so on. */
  z.object({
    ...event,
    is: z.literal('failed'),
    code: z.enum(errorCodes),
    objects: z.number(),
    message: z.string(),
  }),
])
export type WatchEvent = z.infer<typeof watchEventSchema>

/** In place of `remove` buckets from the index `at` on, these. Edits are made in their order. */
export const editSchema = z.object({ at: z.number(), remove: z.number(), insert: stripSchema })
export type Edit = z.infer<typeof editSchema>

export const watchMessageSchema = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('snapshot'),
    id: z.number(),
    /** The control plane's clock (ms). */
    now: z.number(),
    /** Null before the first. */
    pass: passStatusSchema.nullable(),
    /** In short; absent where it was never begun. */
    life: lifeBriefSchema.optional(),
    /** Null while it is being counted: another snapshot follows. */
    strip: stripSchema.nullable(),
    lanes: z.array(laneSchema),
    /** One in 5 s, the older ones in more; since the control plane last woke. */
    history: z.array(pointSchema),
    /** The same of each agent, for at most 50 of them. */
    traces: z.array(traceSchema),
    /** The last 100, in their order, of earlier passes too. */
    events: z.array(watchEventSchema),
  }),
  z.object({
    t: z.literal('delta'),
    id: z.number(),
    now: z.number(),
    pass: passStatusSchema.optional(),
    life: lifeBriefSchema.optional(),
    strip: z.array(editSchema).optional(),
    lanes: z.array(laneSchema).optional(),
    points: z.array(pointSchema).optional(),
    /** What is new of each. */
    traces: z.array(traceSchema).optional(),
    events: z.array(watchEventSchema).optional(),
  }),
])
export type WatchMessage = z.infer<typeof watchMessageSchema>

/** Of WebSockets; a ticket is offered beside it, after its prefix, since a browser can send no header with a socket. */
export const watchProtocol = 'dray-watch-1'
export const ticketPrefix = 'dray-ticket.'

const one = '/api/workspaces/:workspace/migrations/:migration' as const
const end = z.string().max(13_000).optional()

export const openWatch = route({
  method: 'POST',
  path: `${one}/watch`,
  needs: 'migrations:read',
  summary:
    'A ticket to watch a migration with, for where a socket cannot send a token: good once, for 30 seconds, as the sub-protocol `dray-ticket.<ticket>` beside `dray-watch-1`.',
  answer: z.object({ ticket: z.string(), expiresAt: z.number() }),
  status: 201,
  secret: true,
})

export const watchMigration = route({
  method: 'GET',
  path: `${one}/watch`,
  needs: 'migrations:read',
  summary: 'Watch a migration: a snapshot, then what changes, over a WebSocket (sub-protocol dray-watch-1).',
  type: 'websocket',
})

export const readStrip = route({
  method: 'GET',
  path: `${one}/strip`,
  needs: 'migrations:read',
  summary:
    'Read the strip of a pass (the last one, unless told), or of what lies after one key, through another, in finer buckets. Keys are percent-escaped.',
  query: z.object({
    pass: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
    after: end,
    through: end,
  }),
  answer: z.object({ pass: z.number(), strip: stripSchema }),
})
