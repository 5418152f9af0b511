/**
 * Looking at stores through an agent that reaches them, before anything is moved: what is there, how much of it, what a filter would take,
 * and whether a migration would work. The agent holds all of it to its own allow-list.
 */
import * as z from 'zod'
import { findingSchema } from '../finding.ts'
import { connectionName, locationSchema, siteName } from '../location.ts'
import { filterSchema, policySchema } from '../policy.ts'
import { newMigrationSchema } from './migrations.ts'
import { cursorSchema, route } from './route.ts'

const workspace = '/api/workspaces/:workspace' as const
/** Percent-escaped. */
const keyText = z.string().max(13_000)
const byAgent = { agent: z.string(), site: z.string() }

/**
 * `folder`: what keys have in common up to a `/`. Names are relative to what was asked for; those of folders end in `/`, and that of an object
 * whose key is the prefix itself (a folder marker) is empty. `symlink` and `special` (a device, a socket, a FIFO) are only told, never followed.
 */
export const browseEntrySchema = z.object({
  kind: z.enum(['bucket', 'folder', 'object', 'symlink', 'special']),
  name: z.string(),
  /** Where the name is no text. */
  nameEscaped: z.string().optional(),
  /** Of an object. */
  bytes: z.number().nullable(),
  /** Milliseconds since the epoch; null where the store does not say. Of a bucket, when it was made. */
  modifiedAt: z.number().nullable(),
  /** Null: the store's usual one, or it has none. */
  storageClass: z.string().nullable(),
})
export type BrowseEntry = z.infer<typeof browseEntrySchema>

export const browse = route({
  method: 'POST',
  path: `${workspace}/browse`,
  needs: 'connections:test',
  looks: true,
  summary:
    'List what is at a location, a folder at a time, 200 a page, as an agent sees it; of a connection, its buckets.',
  body: z.union([
    z.strictObject({ location: locationSchema, cursor: keyText.optional() }),
    z.strictObject({ connection: connectionName, site: siteName.optional(), cursor: keyText.optional() }),
  ]),
  answer: z.object({ ...byAgent, entries: z.array(browseEntrySchema), cursor: cursorSchema }),
})

const sumSchema = z.object({ objects: z.number(), bytes: z.number() })

/** What a stretch of a listing holds, as far as the filter takes it; the parts of a scan add up. */
export const scanSchema = z.object({
  ...byAgent,
  taken: sumSchema,
  /** What was listed and the filter leaves out. */
  left: sumSchema,
  /** The filter names folders, or one key: nothing outside of them was listed or counted. */
  narrowed: z.boolean(),
  /** Links, devices, and directories that may not be listed: no objects, and not counted above. */
  others: z.number(),
  /** Of what is taken, by the store's own names; at most 20. */
  storageClasses: z.record(z.string(), sumSchema),
  /** Of what is taken: must be restored before it can be read. */
  archived: sumSchema,
  /** How many of what is taken are of so many bytes: below 1 KiB, 1 MiB, 64 MiB, 1 GiB, and more. */
  sizes: z.array(z.number()).length(5),
  largest: z.object({ key: z.string(), bytes: z.number() }).nullable(),
  /** The first keys, at most 20 of each. */
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
  looks: true,
  summary:
    'Count what is at a location and what a filter takes of it, as an agent lists it, for at most 5 seconds; ask again with the cursor for what follows.',
  body: z.strictObject({ location: locationSchema, filter: filterSchema, cursor: keyText.optional() }),
  maxBody: 8 * 1024 * 1024,
  answer: scanSchema,
})

export const preflight = route({
  method: 'POST',
  path: `${workspace}/preflight`,
  needs: 'connections:test',
  looks: true,
  summary:
    'Look whether a migration would work before it is made: rights, what the destination can hold, what is there already, archived objects, clocks. What is written to find out is deleted again.',
  body: newMigrationSchema.extend({ policy: policySchema.optional() }),
  maxBody: 8 * 1024 * 1024,
  answer: z.object({
    /** Null where none reaches both ends. */
    agent: z.string().nullable(),
    site: z.string().nullable(),
    findings: z.array(findingSchema),
  }),
})

export { type Finding, findingKinds, findingSchema } from '../finding.ts'
