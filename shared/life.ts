/**
 * The life of a migration, as it is led through by Dray: backfill, follow, verify, cut over, roll back. What is said here is shared by
 * the control plane, which decides, and by those who show it.
 */
import * as z from 'zod'
import { connectionName, locationSchema } from './location.ts'
import { depths } from './policy.ts'

/**
 * `draft`: nothing was begun. `surveying`, `backfilling`: the first pass, until all is listed, and until it is done. `following`: passes and
 * events keep the destination up to date. `verifying`: the checklist of a cut-over (or roll-back) is worked through; `ready`: all of it holds, and the
 * operator may switch. `cut-over`: the application writes to the destination, and the source follows it. `rolled-back`: it writes to the source
 * again. `closed`: nothing follows any more, for good. `cancelled`: somebody stopped it; it can be started again.
 */
export const lifeStates = [
  'draft',
  'surveying',
  'backfilling',
  'following',
  'verifying',
  'ready',
  'cut-over',
  'rolled-back',
  'closed',
  'cancelled',
] as const
export type LifeState = (typeof lifeStates)[number]

/** Which side follows which: `forward`, the destination the source; `back`, the source the destination. */
export const directions = ['forward', 'back'] as const
export type Direction = (typeof directions)[number]

/** What an operator can ask of a migration's life. */
export const lifeCommands = [
  'start',
  'pause',
  'resume',
  'cancel',
  'verify',
  'cut-over',
  'abandon',
  'switch',
  'roll-back',
  'close',
] as const
export type LifeCommand = (typeof lifeCommands)[number]

/**
 * Of a cut-over or a roll-back, in their order. `lag`: it is under its bound. `failures`: no object is parked or open, conflicts included, or each
 * is waived. `freeze`: the operator says that nobody writes to the side that is left (or that the mirror is drained). `uploads`: no
 * upload is open on that side. `last-pass`: one that began after the freeze copied what was left. `quiet`: two listings, begun so far apart as the
 * policy says, agree. `verification`: at the depth that the policy says. `certificate`: signed. `switch`: the operator moves the application.
 */
export const cutOverSteps = [
  'lag',
  'failures',
  'freeze',
  'uploads',
  'last-pass',
  'quiet',
  'verification',
  'certificate',
  'switch',
] as const
export type CutOverStep = (typeof cutOverSteps)[number]

/** Whence changes are heard of sooner than the next pass finds them. What is lost of them costs time and nothing else. */
export const eventSourceSchema = z.discriminatedUnion('kind', [
  /** S3 notifications of AWS, MinIO, Ceph or R2, posted to the control plane (shared/api/changes.ts). */
  z.strictObject({ kind: z.literal('webhook') }),
  /** An SQS-compatible queue that the agents poll, with credentials that they have. */
  z.strictObject({
    kind: z.literal('sqs'),
    /** Its address, as AWS calls it the queue's URL. */
    queue: z.url({ protocol: /^https?$/ }).max(2_000),
    region: z.string().min(1).max(100).nullable().default(null),
    /** Of the agents' AWS chain; null: the chain's default. */
    profile: z.string().min(1).max(200).nullable().default(null),
    /** Instead of a profile: that whose credential is used. */
    connection: connectionName.optional(),
  }),
  /** The source's directory is watched by the agents that see it. */
  z.strictObject({ kind: z.literal('watch') }),
])
export type EventSource = z.infer<typeof eventSourceSchema>

/** How a migration follows, and what a cut-over asks of it. Times in seconds. */
export const followSchema = z.strictObject({
  /** Bounds of the pause between two passes, which adapts to how much changes. */
  pauseAtLeast: z.number().int().min(1).max(86_400).default(10),
  pauseAtMost: z
    .number()
    .int()
    .min(1)
    .max(7 * 86_400)
    .default(3_600),
  /** The lag under which a cut-over may go on. */
  lag: z
    .number()
    .int()
    .min(1)
    .max(7 * 86_400)
    .default(300),
  /** Between the two listings that have to agree before a cut-over. */
  quiet: z.number().int().min(0).max(86_400).default(60),
  /** Of the verification before a cut-over. */
  depth: z.enum(depths).default('checksum'),
  /** Of the objects, chosen at random, this share is read in full on both sides besides; null: none. */
  sample: z.number().gt(0).lte(1).nullable().default(null),
  events: z.array(eventSourceSchema).max(10).default([]),
  /**
   * Where the baseline is kept, which every agent then reads and writes: a bucket and prefix, or a directory, of its own. Null: each agent keeps
   * what it knows in its state directory.
   */
  baseline: locationSchema.nullable().default(null),
})
export type Follow = z.infer<typeof followSchema>
export const defaultFollow: Follow = followSchema.parse({})

export const stepStates = ['waiting', 'doing', 'asks', 'done', 'waived', 'failed'] as const

export const checkSchema = z.object({
  step: z.enum(cutOverSteps),
  /** `asks`: for the operator. `failed`: it does not hold, as `message` says; it is tried again by itself, or when told to. */
  state: z.enum(stepStates),
  /** A sentence. */
  message: z.string(),
  /** When it came to that state (ms), and who brought it there; null where nobody did. */
  at: z.number().nullable(),
  by: z.string().nullable(),
  /** The pass that it is done by, or was. */
  pass: z.number().nullable(),
})
export type Check = z.infer<typeof checkSchema>

export const lagSchema = z.object({
  /** Milliseconds: the age of the oldest difference that is known, 0 where none is. Null before the first pass is done. */
  age: z.number().nullable(),
  /** What it comes from. */
  of: z.enum(['nothing', 'event', 'pass', 'failure']),
  /** All that was written before then is at the other side (ms since the epoch), as a complete pass has found. */
  provenAt: z.number().nullable(),
  /** Events that wait, or are at work. */
  events: z.number(),
})
export type Lag = z.infer<typeof lagSchema>

/** A life in short: what lists show of it, and what those are told who watch. It changes where the life does, and not with time alone. */
export const lifeBriefSchema = z.object({
  state: z.enum(lifeStates),
  direction: z.enum(directions),
  since: z.number(),
  revision: z.number(),
  paused: z.boolean(),
  /** A step of the checklist, or a pass that would delete too much, waits for an answer. */
  asks: z.boolean(),
  /** Since when (ms) something that failed, or is in conflict, is open; null: nothing is. */
  failingSince: z.number().nullable().default(null),
  provenAt: z.number().nullable(),
})
export type LifeBrief = z.infer<typeof lifeBriefSchema>

export const lifeSchema = z.object({
  state: z.enum(lifeStates),
  direction: z.enum(directions),
  /** When it came to that state (ms). */
  since: z.number(),
  /** Rises with each change: what `If-Match` is held to. */
  revision: z.number(),
  paused: z.object({ since: z.number(), by: z.string() }).nullable(),
  /** The pass that it drives now, or drove last; null before the first. */
  pass: z.number().nullable(),
  /** What comes by itself next, and when (ms); null: nothing does. */
  next: z.object({ at: z.number().nullable(), what: z.string() }).nullable(),
  lag: lagSchema,
  /** Of a cut-over or a roll-back that was begun; empty where none is. */
  checks: z.array(checkSchema),
  /** A pass waits for an answer: so many deletes are more than the policy's cap (POST passes/:pass/deletes). */
  deletes: z.object({ pass: z.number(), objects: z.number(), of: z.number() }).nullable(),
  /** Of the last certificate. */
  certificate: z.object({ pass: z.number(), root: z.string(), issuedAt: z.number() }).nullable(),
  /** What can be asked of it now, and who may. */
  commands: z.array(z.enum(lifeCommands)),
  /** The last changes of state, the newest first; at most 100. */
  history: z.array(
    z.object({
      at: z.number(),
      by: z.string(),
      state: z.enum(lifeStates),
      direction: z.enum(directions),
      why: z.string(),
    }),
  ),
  follow: followSchema,
})
export type LifeView = z.infer<typeof lifeSchema>
