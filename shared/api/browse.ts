/**
 * Looking at stores through an agent that reaches them, before anything is moved: what is there, how much of it, what a filter would take,
 * and whether a migration would work. The agent holds all of it to its own allow-list.
 */
import * as z from 'zod'
import { errorCodes } from '../error.ts'
import { locationSchema, siteName } from '../location.ts'
import { filterSchema, policySchema } from '../policy.ts'
import { newMigrationSchema } from './migrations.ts'
import { cursorSchema, route } from './route.ts'

const workspace = '/api/workspaces/:workspace' as const
/** Percent-escaped. */
const keyText = z.string().max(13_000)
const byAgent = { agent: z.string(), site: z.string() }

/** `folder`: what keys have in common up to a `/`. Names are relative to what was asked for; those of folders end in `/`. */
export const browseEntrySchema = z.object({
  kind: z.enum(['bucket', 'folder', 'object']),
  name: z.string(),
  /** Where the name is no text. */
  nameEscaped: z.string().optional(),
  /** Of an object. */
  bytes: z.number().nullable(),
  /** Milliseconds since the epoch; null where the store does not say. */
  modifiedAt: z.number().nullable(),
  storageClass: z.string().nullable(),
})
export type BrowseEntry = z.infer<typeof browseEntrySchema>

/** A location, or with `bucket: ''` the buckets that its connection shows. */
export const browsedLocationSchema = locationSchema

export const browse = route({
  method: 'POST',
  path: `${workspace}/browse`,
  needs: 'connections:test',
  summary:
    'List what is at a location, a folder at a time, 200 a page, as an agent sees it; of a connection, its buckets.',
  body: z.union([
    z.strictObject({ location: locationSchema, cursor: keyText.optional() }),
    z.strictObject({ connection: z.string().min(1).max(63), site: siteName.optional() }),
  ]),
  answer: z.object({ ...byAgent, entries: z.array(browseEntrySchema), cursor: cursorSchema }),
})

const sumSchema = z.object({ objects: z.number(), bytes: z.number() })

/** What a stretch of a listing holds, as far as the filter takes it; the parts of a scan add up. */
export const scanSchema = z.object({
  ...byAgent,
  taken: sumSchema,
  /** What the filter leaves out. */
  left: sumSchema,
  /** Of what is taken, by the store's own names; at most 20. */
  storageClasses: z.record(z.string(), sumSchema),
  /** Of what is taken: must be restored before it can be read. */
  archived: sumSchema,
  /** How many of what is taken are of so many bytes: below 1 KiB, 1 MiB, 64 MiB, 1 GiB, and more. */
  sizes: z.array(z.number()).length(5),
  largest: z.object({ key: z.string(), bytes: z.number() }).nullable(),
  /** Some keys, at most 20 of each. */
  samples: z.object({ taken: z.array(z.string()), left: z.array(z.string()) }),
  /** Where to go on; null: all of it was looked at. */
  cursor: cursorSchema,
  ms: z.number(),
})
export type Scan = z.infer<typeof scanSchema>

export const scan = route({
  method: 'POST',
  path: `${workspace}/scan`,
  needs: 'connections:test',
  summary:
    'Count what is at a location and what a filter takes of it, as an agent lists it, for at most 5 seconds; ask again with the cursor for what follows.',
  body: z.strictObject({ location: locationSchema, filter: filterSchema, cursor: keyText.optional() }),
  maxBody: 8 * 1024 * 1024,
  answer: scanSchema,
})

/** In the order in which they are shown. */
export const findingKinds = [
  'reach', // some agent reaches both ends
  'overlap', // source and destination are apart
  'read', // the source can be listed and read
  'write', // the destination can be written, and what was written deleted
  'capabilities', // what the destination cannot hold
  'clash', // what is at the destination already
  'archived', // what must be restored before
  'clock',
] as const
export const findingSchema = z.object({
  kind: z.enum(findingKinds),
  side: z.enum(['source', 'destination', 'both']),
  /** `stops`: the pass would not work. `warns`: it would, with what is said. */
  outcome: z.enum(['good', 'warns', 'stops', 'unknown']),
  code: z.enum(errorCodes).nullable(),
  message: z.string(),
  hint: z.string().nullable(),
})
export type Finding = z.infer<typeof findingSchema>

export const preflight = route({
  method: 'POST',
  path: `${workspace}/preflight`,
  needs: 'connections:test',
  summary:
    'Look whether a migration would work before it is made: rights, what the destination can hold, what is there already, archived objects, clocks. What is written to find out is deleted again.',
  body: newMigrationSchema.extend({ policy: policySchema.optional() }),
  maxBody: 8 * 1024 * 1024,
  answer: z.object({ ...byAgent, findings: z.array(findingSchema) }),
})
