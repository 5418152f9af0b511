/** Migrations and their passes: what is asked of them, and what they answer. */
import * as z from 'zod'
import { countsSchema } from '../counts.ts'
import { errorBodySchema, errorCodes } from '../error.ts'
import { properties } from '../fidelity.ts'
import { idSchema } from '../id.ts'
import { followSchema, lifeBriefSchema } from '../life.ts'
import { locationSchema } from '../location.ts'
import { arrangementShape } from '../mapping.ts'
import { filterSchema, givenOptionsSchema, passOptionsSchema, policySchema, priorities } from '../policy.ts'
import { packetKinds } from '../protocol.ts'
import { cursorSchema, pageQuery, route } from './route.ts'

export const newMigrationSchema = z.strictObject({
  source: locationSchema,
  destination: locationSchema,
  filter: filterSchema,
  ...arrangementShape,
})
export type NewMigration = z.infer<typeof newMigrationSchema>

export const passStates = ['running', 'complete', 'incomplete', 'cancelled'] as const
export type PassState = (typeof passStates)[number]

export const packetCountsSchema = z.object({
  ready: z.number(),
  leased: z.number(),
  done: z.number(),
  parked: z.number(),
  /** Settled by the survey, without a packet of their own being worked on; part of `done`. */
  settled: z.number(),
})

/** Why nobody works for a pass: of no site that reaches all of its locations is there an agent. */
export const waitsForSchema = z.object({
  /** A sentence. */
  message: z.string(),
  /** The sites of which one agent would do, or some of them; null: any. Empty: no site reaches all of them. */
  sites: z.array(z.string()).nullable(),
})
export type WaitsFor = z.infer<typeof waitsForSchema>

export const passStatusSchema = z.object({
  number: z.number(),
  state: z.enum(passStates),
  options: passOptionsSchema,
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  /** True while some of the key space is not surveyed: totals are not known yet. */
  surveying: z.boolean(),
  counts: countsSchema,
  /** Work that the survey expected of all packets so far; grows while surveying. */
  expected: z.object({ objects: z.number(), bytes: z.number() }),
  /** What agents said was in flight at their last heartbeat; not part of counts. */
  inFlight: z.object({ objects: z.number(), bytes: z.number() }),
  packets: packetCountsSchema,
  /** Connected agents that work for it. */
  agents: z.number(),
  /** Of a running pass to which nothing is leased until it is resumed: since when (ms), and who has paused it. */
  paused: z.object({ since: z.number(), by: z.string() }).optional(),
  /** Of a running pass that has nothing left to do, and stays open for events: until then (ms). */
  holdsUntil: z.number().optional(),
  /** Of a running pass that would delete more than its cap, and waits for an answer: so many objects, of so many at the destination. */
  asks: z.object({ deletes: z.number(), of: z.number() }).optional(),
  /** Objects that are only at the destination and were not deleted, since somebody answered so. */
  left: z.number().optional(),
  /**
   * Packets of events that wait or are at work, and that are done; the objects that they copied or deleted; what they left to the next pass,
   * since it failed. No part of `counts`, nor of `packets`. Absent where there were none.
   */
  events: z
    .object({ waiting: z.number(), done: z.number(), objects: z.number(), left: z.number().default(0) })
    .optional(),
  /** Of a verification by sample: how many were read. */
  sampled: z.number().optional(),
  /** Of a running pass that no connected agent can work for. */
  waitsFor: waitsForSchema.optional(),
  /** The pass of which it tries again what failed. Absent where it looks at everything. */
  retries: z.number().optional(),
  /**
   * Failures that nobody has done anything about, and those that are waived (failures.ts): its own, and those of the passes that it goes
   * back to, from the last one on that looked at everything. `complete` says that none is open.
   */
  open: z.number().default(0),
  waived: z.number().default(0),
  /** The most frequent first. Of these and of `errors` there are as many, and as much of their texts, as fit in 4 KiB. */
  failureCauses: z.array(
    z.object({ code: z.enum(errorCodes), objects: z.number(), bytes: z.number(), message: z.string() }),
  ),
  /** Why packets are parked or being tried again: the last error of the kind; those of most packets first. */
  errors: z.array(z.object({ error: errorBodySchema, packets: z.number(), parked: z.number() })),
  /** How many of them are not named here; absent where all are. */
  leftOut: z.object({ causes: z.number(), errors: z.number() }).optional(),
})
export type PassStatus = z.infer<typeof passStatusSchema>

const priority = z.enum(priorities)

export const migrationSchema = newMigrationSchema.extend({
  id: idSchema,
  createdAt: z.number(),
  /** What share of its agents it gets, beside others that have work too: 1 to 4 to 16. */
  priority,
  /** What its passes do, unless they are told otherwise. */
  policy: policySchema,
  /** How it follows its source, and what a cut-over asks of it (life.ts). */
  follow: followSchema,
  /** Of its priority, its policy and how it follows: the rest does not change. */
  revision: z.number(),
  /** The last pass as the catalogue last heard of it; null before the first. */
  pass: passStatusSchema.nullable(),
  /** Its life as the catalogue last heard of it; absent where it was never begun. */
  life: lifeBriefSchema.optional(),
})
export type MigrationView = z.infer<typeof migrationSchema>

export const packetViewSchema = z.object({
  id: z.number(),
  kind: z.enum(packetKinds),
  state: z.enum(['ready', 'leased', 'done', 'parked']),
  /** Percent-escaped bytes (key.ts), since boundaries need not be text; null is the end of the key space. */
  after: z.string().nullable(),
  through: z.string().nullable(),
  agent: z.string().nullable(),
  attempts: z.number(),
  /** Why its latest attempt failed; null: it did not. */
  error: z.enum(errorCodes).nullable(),
  /** Expected in it; where it is done, found there. */
  objects: z.number(),
  bytes: z.number(),
  /** Objects of it that failed. */
  failed: z.number(),
})

export const startedPassSchema = z.object({ pass: passStatusSchema, resumed: z.boolean() })

/** Errors, as RFC 9457 has them (`application/problem+json`); `code` and `hint` are those of a `DrayError`. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.enum(errorCodes),
  hint: z.string().nullable(),
})
export type Problem = z.infer<typeof problemSchema>

/** A list is short whatever its filters are. */
export const listedMigrationSchema = migrationSchema.extend({
  /** So many patterns of its filter are left out here, since together they are long: reading the migration tells all. */
  leftOut: z.object({ include: z.number(), exclude: z.number() }).optional(),
})
export type ListedMigration = z.infer<typeof listedMigrationSchema>
export const migrationsPageSchema = z.object({
  migrations: z.array(listedMigrationSchema),
  cursor: cursorSchema,
})
export const packetsPageSchema = z.object({ packets: z.array(packetViewSchema), cursor: cursorSchema })

/** One line of a report. `outcome` says what became of the object; `code` and `message` why, where there is a why. */
export const reportLineSchema = z.object({
  key: z.string(),
  keyEscaped: z.string().optional(),
  /** Its key at the source, where the mapping gave it another one. */
  from: z.string().optional(),
  fromEscaped: z.string().optional(),
  /** Which version of it, by the store's own name for it (the source's, but for `extra` and `deleted`), where versions are moved. */
  version: z.string().optional(),
  outcome: z.enum(['copied', 'skipped', 'vanished', 'failed', 'deleted', 'differs', 'missing', 'extra']),
  bytes: z.number(),
  code: z.enum(errorCodes).optional(),
  message: z.string().optional(),
  evidence: z.string().optional(),
  /** What the object has at the source and the destination did not get. */
  dropped: z.array(z.enum(properties)).optional(),
})
export type ReportLine = z.infer<typeof reportLineSchema>

const all = '/api/workspaces/:workspace/migrations'
const one = `${all}/:migration` as const
const pass = `${one}/passes/:pass` as const
/** 2,000 patterns of 1,024 characters fit. */
const maxBody = 8 * 1024 * 1024
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)
const ofPass = z.object({ pass: number })

export const listMigrations = route({
  method: 'GET',
  path: all,
  needs: 'migrations:read',
  summary: 'List the migrations, the newest first: all, or those in a state, or with a text in their name.',
  query: pageQuery.extend({
    /** Of the last pass; `new`: there is none yet. */
    state: z.enum(['new', ...passStates]).optional(),
    text: z.string().min(1).max(64).optional(),
  }),
  answer: migrationsPageSchema,
})

export const putMigration = route({
  method: 'PUT',
  path: one,
  needs: 'migrations:write',
  summary:
    'Create a migration. The same again is no error; a migration that has another definition is left as it is (409).',
  params: z.object({ migration: idSchema }),
  body: newMigrationSchema.extend({
    priority: priority.optional(),
    policy: policySchema.optional(),
    follow: followSchema.optional(),
  }),
  maxBody,
  answer: migrationSchema,
})

export const editMigration = route({
  method: 'PATCH',
  path: one,
  needs: 'migrations:write',
  summary:
    'Change the priority of a migration, or how it follows, while it runs too; or its policy, for the passes that begin from then on.',
  params: z.object({ migration: idSchema }),
  body: z.strictObject({ priority, policy: policySchema, follow: followSchema }).partial(),
  answer: migrationSchema,
})

export const readMigration = route({
  method: 'GET',
  path: one,
  needs: 'migrations:read',
  summary: 'Read a migration, with its last pass as the catalogue last heard of it.',
  answer: migrationSchema,
})

export const deleteMigration = route({
  method: 'DELETE',
  path: one,
  needs: 'migrations:write',
  summary:
    'Delete a migration with all that is known of its passes, their reports and its schedules. What it has copied stays. Refused while a pass runs.',
  params: z.object({ migration: idSchema }),
})

export const listPackets = route({
  method: 'GET',
  path: `${one}/packets`,
  needs: 'migrations:read',
  summary:
    'List the packets of a pass (the last one, unless told) in the order of keys, 1,000 a page unless told otherwise.',
  query: z.object({
    cursor: z
      .string()
      .regex(/^k[\x21-\x7e]*$/)
      .optional(),
    pass: number.optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(1_000),
  }),
  answer: packetsPageSchema,
})

export const startPass = route({
  method: 'POST',
  path: `${one}/passes`,
  needs: 'migrations:run',
  summary:
    'Start a pass, or go on with an unfinished one of equal options. What the body leaves out is as the migration’s policy says, or else as usual.',
  body: givenOptionsSchema,
  maxBody,
  answer: startedPassSchema,
  status: 201,
})

export const readPass = route({
  method: 'GET',
  path: pass,
  needs: 'migrations:read',
  summary: 'Read a pass, as it is now.',
  params: ofPass,
  answer: passStatusSchema,
})

export const cancelPass = route({
  method: 'POST',
  path: `${pass}/cancel`,
  needs: 'migrations:run',
  summary: 'Cancel a pass. One that is over stays as it is.',
  params: ofPass,
  answer: passStatusSchema,
})

/** The agents' own: sockets (protocol.ts) and reports. */
export const joinFleet = route({
  method: 'GET',
  path: '/agent/fleet',
  needs: 'agent',
  summary: 'The standing socket of an agent.',
  type: 'websocket',
})
export const joinMigration = route({
  method: 'GET',
  path: '/agent/migrations/:migration',
  needs: 'agent',
  summary: 'The socket of an agent that works for a migration.',
  type: 'websocket',
})
export const putReport = route({
  method: 'PUT',
  path: '/agent/migrations/:migration/passes/:pass/reports/:packet/:generation',
  needs: 'agent',
  summary:
    'Upload the report of a packet that is leased to the caller: gzip, NDJSON, 64 MiB at most, with a Content-Length.',
  params: z.object({ pass: number, packet: number, generation: number }),
})
