/**
 * The wire between agents and the control plane: JSON text messages over two kinds of WebSocket, both opened by the agent.
 *
 *   GET /agent/fleet            agent ⇄ Fleet       presence; which migrations the agent is to work for
 *   GET /agent/migrations/:id   agent ⇄ Migration   leases, checkpoints, outcomes
 *
 * On a migration's socket, in order:
 *   agent  hello                 which process I am, and the leases that I still hold (who I am says the signature that opened the socket)
 *   plane  welcome               the pass, both locations, the policy; which of those leases are lost
 *   agent  free {n}              how many packets I could take now (absolute; replaces the last one)
 *   plane  lease                 packets, each with a generation
 *   agent  heartbeat             I live; what is in flight (told, shown, forgotten)
 *   agent  cut | split | outcome | failed | release | expand | opened | parts | collapse | cleared | changed      change state; each has a `seq`
 *   plane  ack | refused         by `seq`. Nothing is acknowledged before it is stored
 *   plane  drop                  leases that the agent no longer has: abort them
 *   plane  end                   the pass is over; the agent closes
 *
 * Every message that changes state names (packet, generation). The agent keeps it until it is acknowledged and sends it
 * again after a reconnect; the plane takes a replay of what it already has as done, and refuses a stale one without a change.
 * Keys travel as byte strings (key.ts). A message that does not parse closes the socket with 1008 and changes nothing.
 */
import * as z from 'zod'
import { answerSchema, askSchema } from './asks.ts'
import { countsSchema } from './counts.ts'
import { errorBodySchema, errorCodes } from './error.ts'
import { keySchema } from './key-schema.ts'
import {
  md5sSchema,
  partRangeSchema,
  pinnedSchema,
  plannedUploadSchema,
  uploadIdSchema,
} from './large-object.ts'
import { sealSchema } from './ledger.ts'
import { resolvedLocationSchema, resolvedS3Schema } from './location.ts'
import { arrangementShape } from './mapping.ts'
import { filterSchema, passOptionsSchema } from './policy.ts'

/** Raised on any change that an older peer would misread. Peers of different versions refuse one another. */
export const protocolVersion = 5

/** Below the 32 MiB that a Durable Object receives; whoever sends splits before. */
export const maxMessageBytes = 16 * 1024 * 1024

/**
 * Why the plane closes a socket. After `protocol` and `tooBig` sending the same again does not help. After `superseded`
 * another process works with this agent's identity: the older one stays away; after `revoked` the agent does. After `over` there is nothing to do here until
 * the fleet assigns the migration again. After `failed` (and any code that is not here) connect again, with backoff.
 */
export const closeCodes = {
  protocol: 1008,
  tooBig: 1009,
  failed: 1011,
  superseded: 4001,
  over: 4002,
  revoked: 4003,
} as const

const boundary = keySchema.nullable()
const id = z.number().int().positive()
const generation = z.number().int().positive()
const seq = z.number().int().nonnegative()
const name = z.string().min(1).max(200)
const count = z.number().int().nonnegative()
/** When the agent's process began (ms since the epoch, by the plane's clock as far as the agent knows it). */
const started = z.number().int().positive()

/**
 * `parts`: some parts of one large object. `event`: a range, of one key mostly, that is copied again beside the tiling since something in it
 * was said to have changed.
 */
export const packetKinds = ['survey', 'copy', 'verify', 'parts', 'event'] as const
export type PacketKind = (typeof packetKinds)[number]

const workSchema = z.strictObject({
  objects: count,
  bytes: count,
  /** Of the objects: those that are only at the destination, and to be deleted; absent where there are none. */
  deletes: count.optional(),
})
export type Work = z.infer<typeof workSchema>

/** An object that needs a person, or another pass. */
export const failureSchema = z.strictObject({
  key: keySchema,
  code: z.enum(errorCodes),
  message: z.string().max(500),
  bytes: count,
})
export type Failure = z.infer<typeof failureSchema>

/** A lease that an agent says it holds. */
const heldSchema = z.strictObject({ packet: id, generation })
export type Held = z.infer<typeof heldSchema>

/**
 * A piece that a survey cut off the lower end of its range. With `settled`, everything in it is accounted for (it turned
 * out equal) and no packet is needed; else it becomes a packet with that much expected work. `through: null` only for the last.
 */
export const cutSchema = z.strictObject({
  through: boundary,
  work: workSchema,
  settled: countsSchema.nullable(),
  /** Where the pass deletes: objects that were found at the destination in it; absent where there are none. */
  found: count.optional(),
  /** Of a settled piece of a verification. */
  seal: sealSchema.optional(),
})
export type Cut = z.infer<typeof cutSchema>

export const agentMessageSchema = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('hello'),
    protocol: z.number().int(),
    /** New for each process: of two sessions of one agent the one that began later stays. */
    session: name,
    started,
    /**
     * Every lease that it still holds, those with an unacknowledged outcome included: what the plane has leased to this
     * session and is not named here goes back in the queue at once.
     */
    held: z.array(heldSchema).max(10_000),
  }),
  z.strictObject({ t: z.literal('free'), n: count }),
  z.strictObject({
    t: z.literal('heartbeat'),
    /** As in hello; a lease granted more than `leaseMs` ago that is not named goes back in the queue. */
    held: z.array(heldSchema).max(10_000),
    /** Of all packets in flight, since they were leased. */
    inFlight: z.strictObject({ objects: count, bytes: count }),
    /** Those of which nothing has moved for a minute or more, though they wait for nothing: for how long (ms). Absent where there are none. */
    still: z
      .array(heldSchema.extend({ ms: count }))
      .max(10_000)
      .optional(),
  }),
  /** A survey's checkpoint: the pieces of `(from, last through]`, in order. `from` must be where the packet begins now. */
  z.strictObject({
    t: z.literal('cut'),
    seq,
    packet: id,
    generation,
    from: boundary,
    cuts: z.array(cutSchema).min(1).max(5_000),
  }),
  /** A survey gives away the upper part of what is left of its range: `(at, through]` becomes a survey of its own. */
  z.strictObject({ t: z.literal('split'), seq, packet: id, generation, at: keySchema }),
  /** A copy or verify packet is done as far as `through`; the rest, if any, is handed back and becomes a packet. */
  z.strictObject({
    t: z.literal('outcome'),
    seq,
    packet: id,
    generation,
    through: boundary,
    counts: countsSchema,
    failures: z.array(failureSchema).max(10_000),
    /** Whether a report of this packet and generation was uploaded before this message. */
    report: z.boolean(),
    /** Of a verification. */
    seal: sealSchema.optional(),
  }),
  /**
   * A copy packet begins with a large object, at `key`, and with nothing before it: it is to be copied in parts by whoever is
   * free. The lease ends, and so does the packet at `key`; what lies past it becomes a packet. Leased again, it comes with its `upload`.
   */
  z.strictObject({
    t: z.literal('expand'),
    seq,
    packet: id,
    generation,
    key: keySchema,
    planned: plannedUploadSchema,
  }),
  /** The upload of an expanded packet was created. The lease ends, and its parts become packets. Refused: abort that upload. */
  z.strictObject({ t: z.literal('opened'), seq, packet: id, generation, upload: uploadIdSchema }),
  /** All parts of a `parts` packet are at the store. */
  z.strictObject({ t: z.literal('parts'), seq, packet: id, generation, md5s: md5sSchema.nullable() }),
  /**
   * The upload that this packet belongs to is of no use any more (the source has changed, or it is gone from the store), and was
   * aborted where it was there. Its object goes back to what it was before it was expanded.
   */
  z.strictObject({ t: z.literal('collapse'), seq, packet: id, generation }),
  /** An upload that `welcome` told of is of no use any more, and was aborted. */
  z.strictObject({ t: z.literal('cleared'), seq, upload: id }),
  /** Objects that have changed, as this agent hears: each becomes a packet, or many of them a range. */
  z.strictObject({
    t: z.literal('changed'),
    seq,
    side: z.enum(['source', 'destination']),
    /** `at`: when that was, as far as is known (ms). `under`: in some key that begins with this one, or in several. */
    changes: z
      .array(z.strictObject({ key: keySchema, at: z.number().int(), under: z.literal(true).optional() }))
      .min(1)
      .max(1_000),
  }),
  /** The packet could not be worked on at all (its listing failed, say). It is tried again, or parked. */
  z.strictObject({ t: z.literal('failed'), seq, packet: id, generation, error: errorBodySchema }),
  /** Gives leases back unharmed: the agent drains. */
  z.strictObject({ t: z.literal('release'), seq, held: z.array(heldSchema).max(10_000) }),
])
export type AgentMessage = z.infer<typeof agentMessageSchema>

export const leasedUploadSchema = z.strictObject({
  key: keySchema,
  planned: plannedUploadSchema,
  /** When it was planned (ms): its upload began after that. */
  begun: z.number().int(),
  /** Null: it is to be created. */
  upload: uploadIdSchema.nullable(),
  /** Of a `parts` packet. Null for the copy packet itself: once there is an upload, all parts are there, and it is to be completed. */
  parts: partRangeSchema.nullable(),
  /** Of all parts, where they were hashed and are all there. */
  md5s: md5sSchema.nullable(),
  /** Whether it was begun by an earlier pass, so that there may be parts already. */
  adopted: z.boolean(),
  /** Uploads of the same object that are of no use any more: to be aborted before one is created. */
  stale: z.array(uploadIdSchema).max(100),
})
export type LeasedUpload = z.infer<typeof leasedUploadSchema>

/** Of an earlier pass: gone on with when its object is expanded again, or aborted (`cleared`) where it is of no use. */
export const leftUploadSchema = z.strictObject({
  id,
  key: keySchema,
  source: pinnedSchema,
  begun: z.number().int(),
  upload: uploadIdSchema.nullable(),
})
export type LeftUpload = z.infer<typeof leftUploadSchema>

export const leasedPacketSchema = z.strictObject({
  id,
  generation,
  kind: z.enum(packetKinds),
  after: boundary,
  through: boundary,
  /** 1 for the first. */
  attempt: z.number().int().positive(),
  work: workSchema,
  /** How many objects it may delete at most. What is found besides is left to the next pass. */
  deletes: count.default(0),
  /** Of a `parts` packet, and of the copy packet that was expanded into them. */
  upload: leasedUploadSchema.optional(),
})
export type LeasedPacket = z.infer<typeof leasedPacketSchema>

/** What an agent hears of changes by (life.ts). */
export const listenedSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sqs'),
    queue: z.url({ protocol: /^https?$/ }).max(2_000),
    region: z.string().min(1).max(100).nullable(),
    profile: z.string().min(1).max(200).nullable(),
    /** A place of the connection whose credential it is, as the connection says now; its bucket means nothing. */
    access: resolvedS3Schema.optional(),
  }),
  /** The directory of the side that is followed. */
  z.strictObject({ kind: z.literal('watch') }),
])
export type Listened = z.infer<typeof listenedSchema>

export const passBriefSchema = z.strictObject({
  /** 1, 2, … within its migration. */
  number: id,
  options: passOptionsSchema,
  startedAt: z.number().int(),
})

export const planeMessageSchema = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('welcome'),
    protocol: z.number().int(),
    migration: name,
    pass: passBriefSchema,
    source: resolvedLocationSchema,
    destination: resolvedLocationSchema,
    filter: filterSchema,
    ...arrangementShape,
    /** Where the baseline is kept; absent: in the agent's state directory. */
    baseline: resolvedLocationSchema.optional(),
    /** What it is to listen to while the pass lasts, to tell of changes. */
    events: z.array(listenedSchema).max(10).optional(),
    /** The plane sets the pace; an agent that is silent for `leaseMs` has lost its leases. */
    heartbeatMs: z.number().int().positive(),
    leaseMs: z.number().int().positive(),
    /** Of the leases that hello named, those that are gone: abort them. */
    lost: z.array(heldSchema).max(10_000),
    /** Uploads of large objects that earlier passes did not bring to their end. Absent where there are none. */
    uploads: z.array(leftUploadSchema).max(100).optional(),
  }),
  z.strictObject({ t: z.literal('lease'), packets: z.array(leasedPacketSchema).max(10_000) }),
  /** `hold`: the survey is far enough ahead; it sends its next cut only after `proceed`. */
  z.strictObject({ t: z.literal('ack'), seq, hold: z.boolean() }),
  z.strictObject({
    t: z.literal('refused'),
    seq,
    code: z.enum(['stale', 'invalid-request', 'protocol']),
    message: z.string(),
  }),
  z.strictObject({ t: z.literal('proceed'), packet: id }),
  /** Others are idle: make so many pieces of this survey, if it can be done, and give away all but the lowest. */
  z.strictObject({ t: z.literal('please-split'), packet: id, parts: z.number().int().min(2).max(10_000) }),
  /** This copy or verify packet is late: finish what is under way of it, and hand back the rest (an outcome with an earlier `through`). */
  z.strictObject({ t: z.literal('please-yield'), packet: id }),
  z.strictObject({ t: z.literal('drop'), held: z.array(heldSchema).max(10_000) }),
  z.strictObject({ t: z.literal('end'), pass: id, state: z.enum(['complete', 'incomplete', 'cancelled']) }),
])
export type PlaneMessage = z.infer<typeof planeMessageSchema>

/** What an agent finds out about itself and its surroundings. Nothing is decided by it but by people. */
export const factsSchema = z.strictObject({
  version: name,
  host: z.string().max(255),
  /** As node says: `linux x64`. */
  platform: name,
  cores: z.number().int().positive(),
  /** Bytes of the machine, or of the control group that the agent is in. */
  memory: count,
  health: z.strictObject({
    /** Runnable processes, averaged over a minute. */
    load: z.number().nonnegative(),
    /** Bytes that are left where the state directory is; null where nobody can tell. */
    stateFree: count.nullable(),
  }),
  /** Milliseconds that it puts its clock forward by, since the control plane found it too far off; 0 while it does not. */
  clockMs: z.number().int().default(0),
  /** Endpoints that it may use, and whether they answer: a connection, and TLS where they speak it. */
  reach: z
    .array(
      z.strictObject({
        endpoint: z.string().min(1).max(500),
        /** Milliseconds until it was connected; null: it is out of reach, as `error` says. */
        ms: z.number().nonnegative().nullable(),
        error: z.string().max(200).nullable(),
      }),
    )
    .max(100),
})
export type Facts = z.infer<typeof factsSchema>

/** Migrations that an agent tells of at once. */
export const mostDoing = 100

/** Limits of one workspace. */
export const mostLimits = 500
const endpoint = z.string().min(1).max(300)

/** A part of a limit (limit.ts); null where there is no bound. */
const shareSchema = z.strictObject({
  bandwidth: z.number().nonnegative().nullable(),
  requests: z.number().nonnegative().nullable(),
  concurrency: count.nullable(),
})

const endpointUseSchema = z.strictObject({
  endpoint,
  /** What follows is of so many milliseconds: since it was told last. */
  ms: count,
  bytes: count,
  requests: count,
  inFlight: count,
  /** What it could have used more of. */
  held: z.strictObject({ bandwidth: z.boolean(), requests: z.boolean(), concurrency: z.boolean() }),
  /** What it may do as yet; null where it knows of no share of it that is still valid, and does nothing. */
  share: shareSchema.nullable(),
})
export type EndpointUse = z.infer<typeof endpointUseSchema>

export const fleetAgentMessageSchema = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('hello'),
    protocol: z.number().int(),
    session: name,
    started,
    facts: factsSchema,
  }),
  /** When they have changed. */
  z.strictObject({ t: z.literal('facts'), facts: factsSchema }),
  z.strictObject({ t: z.literal('draining') }),
  /** To `ask`, by the name that it gave the question. */
  z.strictObject({ t: z.literal('answer'), request: name, answer: answerSchema }),
  /**
   * What it uses of limited endpoints: as soon as it uses one, every second while it does, and at once when a share was lowered. An
   * endpoint that is not named any more is not used any more, and its share is given back.
   */
  z.strictObject({
    t: z.literal('usage'),
    seq,
    /** The number of the last budget that it obeys; 0 before the first. */
    applied: count,
    endpoints: z.array(endpointUseSchema).max(mostLimits),
  }),
  /**
   * What it does now, for people to see: with each heartbeat while it works, and once when it does not any more. Told, shown and forgotten.
   */
  z.strictObject({
    t: z.literal('doing'),
    /** What was moved, was so in so many milliseconds: since it was told last. */
    ms: id,
    migrations: z
      .array(z.strictObject({ id: name, packets: count, objects: count, bytes: count }))
      .max(mostDoing),
  }),
])
export type FleetAgentMessage = z.infer<typeof fleetAgentMessageSchema>
export type DoingTold = FleetAgentMessage & { t: 'doing' }

/** `weight`: its share of what the agent can do, beside the others' (any positive number; only the ratio counts). */
export const assignmentSchema = z.strictObject({ id: name, weight: z.number().positive() })
export type Assignment = z.infer<typeof assignmentSchema>

export const fleetPlaneMessageSchema = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('welcome'),
    protocol: z.number().int(),
    heartbeatMs: z.number().int().positive(),
  }),
  /** All that the agent is to work for now; it reconciles what it does with it. */
  z.strictObject({ t: z.literal('assign'), migrations: z.array(assignmentSchema).max(1000) }),
  /** Finish what is held, take no more, end. */
  z.strictObject({ t: z.literal('drain') }),
  z.strictObject({ t: z.literal('ask'), request: name, ask: askSchema }),
  /** The endpoints that have a limit: nothing is done at one of them without a share. All others are free. */
  z.strictObject({ t: z.literal('limited'), endpoints: z.array(endpoint).max(mostLimits) }),
  /**
   * The shares of the endpoints that the agent said it uses, when it was last heard: `heard` is the `seq` of that usage, and they hold for
   * `validMs` since it was sent. They replace those that it has.
   */
  z.strictObject({
    t: z.literal('budget'),
    number: id,
    heard: seq,
    validMs: z.number().int().positive(),
    shares: z.array(z.strictObject({ endpoint, share: shareSchema })).max(mostLimits),
  }),
])
export type FleetPlaneMessage = z.infer<typeof fleetPlaneMessageSchema>

/** Auto-answered without waking the object: keeps middleboxes from closing a quiet socket, and shows a dead one. */
export const ping = 'ping'
export const pong = 'pong'
