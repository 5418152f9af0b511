/**
 * The control plane's HTTP API: what the command line and the console send and get. Errors are RFC 9457 problems.
 *
 *   GET  /api/health                                   anybody
 *   GET  /api/agents                                   operator
 *   GET  /api/migrations                               operator   newest first
 *   PUT  /api/migrations/:id                           operator   create; the same again is no error, another definition is 409
 *   GET  /api/migrations/:id                           operator
 *   GET  /api/migrations/:id/packets?pass=&cursor=     operator   pages of 1,000 in key order
 *   POST /api/migrations/:id/passes                    operator   start, or go on with an unfinished one of equal options
 *   GET  /api/migrations/:id/passes/:number            operator   live
 *   POST /api/migrations/:id/passes/:number/cancel     operator
 *   GET  /api/migrations/:id/passes/:number/failures?cursor=   operator   pages of 1,000
 *   GET  /api/migrations/:id/passes/:number/report     operator   NDJSON, streamed: every failure and every change
 *   PUT  /agent/migrations/:id/passes/:number/reports/:packet/:generation   agent   gzip NDJSON of one packet, 64 MiB at most, with a Content-Length
 *   GET  /agent/fleet, /agent/migrations/:id           agent      WebSockets (protocol.ts)
 */
import * as z from 'zod'
import { countsSchema } from '../counts.ts'
import { errorBodySchema, errorCodes } from '../error.ts'
import { properties } from '../fidelity.ts'
import { locationSchema } from '../location.ts'
import { arrangementShape } from '../mapping.ts'
import { filterSchema, passOptionsSchema } from '../policy.ts'
import { packetKinds } from '../protocol.ts'

export const migrationIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and "-", at most 63')

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
  failureCauses: z.array(
    z.object({ code: z.enum(errorCodes), objects: z.number(), bytes: z.number(), message: z.string() }),
  ),
  /** Why packets are parked or being tried again: the last error of the kind. */
  errors: z.array(z.object({ error: errorBodySchema, packets: z.number(), parked: z.number() })),
})
export type PassStatus = z.infer<typeof passStatusSchema>

export const migrationSchema = newMigrationSchema.extend({
  id: migrationIdSchema,
  createdAt: z.number(),
  /** The last pass as the catalogue last heard of it; null before the first. */
  pass: passStatusSchema.nullable(),
})
export type MigrationView = z.infer<typeof migrationSchema>

export const agentSchema = z.object({
  id: z.string(),
  host: z.string(),
  site: z.string(),
  version: z.string(),
  connected: z.boolean(),
  seenAt: z.number(),
})
export type AgentView = z.infer<typeof agentSchema>

export const packetViewSchema = z.object({
  id: z.number(),
  kind: z.enum(packetKinds),
  state: z.enum(['ready', 'leased', 'done', 'parked']),
  /** Percent-escaped bytes (key.ts), since boundaries need not be text; null is the end of the key space. */
  after: z.string().nullable(),
  through: z.string().nullable(),
  agent: z.string().nullable(),
  attempts: z.number(),
})

export const failureViewSchema = z.object({
  key: z.string(),
  keyEscaped: z.string().optional(),
  code: z.enum(errorCodes),
  message: z.string(),
  bytes: z.number(),
})

export type FailureView = z.infer<typeof failureViewSchema>

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

/** What the lists answer. A `cursor` is opaque; null at the end; given back as `?cursor=` it asks for the next page. */
const cursor = z.string().nullable()
export const agentsPageSchema = z.object({ agents: z.array(agentSchema) })
export const migrationsPageSchema = z.object({ migrations: z.array(migrationSchema), cursor })
export const packetsPageSchema = z.object({ packets: z.array(packetViewSchema), cursor })
export const failuresPageSchema = z.object({ failures: z.array(failureViewSchema), cursor })

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
