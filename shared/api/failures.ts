/**
 * What failed in a pass: by cause, and object by object; to try again, to waive, and to take away as a file. A failure is `open` until
 * a retry has brought its object to the destination or somebody has waived it.
 */
import * as z from 'zod'
import { errorCodes } from '../error.ts'
import { idSchema } from '../id.ts'
import { passStatusSchema } from './migrations.ts'
import { cursorSchema, publicKeySchema, route } from './route.ts'

/**
 * `open`: nobody has done anything about it. `retried`: a later pass has tried it again (a retry of it, or a pass over everything); what
 * failed there once more is a failure of that pass. `waived`: somebody has said that it may stay so, and why. Where the same object fails
 * for the same cause in the next passes, too, the waiver still holds; once it did not fail, it is over.
 */
export const failureStates = ['open', 'retried', 'waived'] as const
export type FailureState = (typeof failureStates)[number]

export const causeSchema = z.object({
  /** Stable within a pass. */
  id: z.string(),
  code: z.enum(errorCodes),
  /** Of one of them; where it names the object, that name stands for all. At most 500 characters. */
  message: z.string(),
  /** Stands for all other causes of this code: there were too many to tell them apart. */
  rest: z.boolean(),
  /** What a person can do, in a sentence or two. */
  remedy: z.string(),
  objects: z.number(),
  bytes: z.number(),
  /** Of the objects; they add up to `objects`. */
  open: z.number(),
  retried: z.number(),
  waived: z.number(),
  /** Milliseconds since the epoch. */
  firstAt: z.number(),
  lastAt: z.number(),
  /** Keys of some of them, at most 3. */
  samples: z.array(publicKeySchema),
})
export type Cause = z.infer<typeof causeSchema>

/** Of a selection that has to be looked for, so many are counted. */
export const mostCounted = 100_000

/** Which failures of a pass are meant: those for which all of this holds; all of them where nothing is said. */
const selection = {
  /** As `Cause.id` has it. */
  cause: z
    .string()
    .regex(/^\d{1,9}$/)
    .optional(),
  /** What the key begins with. */
  prefix: z.string().min(1).max(1024).optional(),
  /** What the key or the message holds; A to Z in any case. */
  text: z.string().min(1).max(200).optional(),
}
export const selectionSchema = z.strictObject({
  ...selection,
  /** These very failures, as `Failure.id` has them. */
  ids: z.array(z.number().int().positive()).min(1).max(1_000).optional(),
})
export type Selection = z.infer<typeof selectionSchema>

export const failureSchema = publicKeySchema.extend({
  id: z.number(),
  cause: z.string(),
  code: z.enum(errorCodes),
  message: z.string(),
  bytes: z.number(),
  /** Milliseconds since the epoch. */
  at: z.number(),
  state: z.enum(failureStates),
  /** The pass that has tried it again. */
  retriedBy: z.number().nullable(),
  waiver: z.object({ by: z.string(), reason: z.string(), at: z.number() }).nullable(),
})
export type Failure = z.infer<typeof failureSchema>

const pass = '/api/workspaces/:workspace/migrations/:migration/passes/:pass' as const
const ofPass = z.object({
  migration: idSchema,
  pass: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER),
})
const many = z.object({
  ...selection,
  state: z.enum(failureStates).optional(),
})

export const listCauses = route({
  method: 'GET',
  path: `${pass}/causes`,
  needs: 'migrations:read',
  summary:
    'List the causes of what failed in a pass, the most frequent first, at most 200; what goes beyond is put together by its code.',
  params: ofPass,
  answer: z.object({ causes: z.array(causeSchema) }),
})

export const listFailures = route({
  method: 'GET',
  path: `${pass}/failures`,
  needs: 'migrations:read',
  summary: 'List what failed in a pass, in the order in which it was told, 100 a page unless told otherwise.',
  params: ofPass,
  query: many.extend({
    cursor: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(100),
  }),
  answer: z.object({
    failures: z.array(failureSchema),
    /** How many there are of the kind that was asked for, on all pages; null on pages past the first, which has told it. */
    matching: z.number().nullable(),
    /** There are more than `matching`: with a prefix or a text no more than `mostCounted` are counted. */
    isMore: z.boolean(),
    cursor: cursorSchema,
  }),
})

/**
 * CSV for spreadsheets: RFC 4180, UTF-8, a line of names first; a cell that a spreadsheet would take for a formula begins with `'`. NDJSON is
 * exact: a line for each, as `Failure` has it.
 */
export const downloadFailures = route({
  method: 'GET',
  path: `${pass}/failures/download`,
  needs: 'migrations:read',
  summary: 'Read what failed in a pass as a file, CSV or NDJSON: all of it, or what is asked for.',
  params: ofPass,
  query: many.extend({ format: z.enum(['csv', 'ndjson']).default('csv') }),
  type: 'text/csv; charset=utf-8',
})

/**
 * A pass over nothing but what is meant. Where the body selects nothing in particular (no member but `kind`) that is all that is open
 * of the pass and of those that it goes back to (`PassStatus.open`), and the packets that they left undone: those that are parked, and all that
 * were not done when a pass was cancelled. What a retry did not get to before it was cancelled is open again. `kind`: what it does, where that is not what the
 * pass did; a copy repairs what a verification found. Refused (409) while a pass runs, where nothing is meant that is open, and where a later
 * pass has looked at everything since.
 */
export const retryFailures = route({
  method: 'POST',
  path: `${pass}/failures/retry`,
  needs: 'migrations:run',
  summary:
    'Start a pass over the open failures that are meant, and nothing else. Refused while a pass runs, and where none is meant.',
  params: ofPass,
  body: selectionSchema.extend({ kind: z.enum(['copy', 'verify']).optional() }),
  /** `objects`: failures that are tried again. */
  answer: z.object({ pass: passStatusSchema, objects: z.number() }),
  status: 201,
})

/** A pass of which nothing but waived failures is left is `complete`, also where it ended before. */
export const waiveFailures = route({
  method: 'POST',
  path: `${pass}/failures/waive`,
  needs: 'migrations:run',
  summary:
    'Waive the open failures that are meant: they may stay as they are. It is recorded with the reason and by whom.',
  params: ofPass,
  body: selectionSchema.extend({ reason: z.string().trim().min(1).max(500) }),
  answer: z.object({ objects: z.number() }),
})

export const reopenFailures = route({
  method: 'POST',
  path: `${pass}/failures/reopen`,
  needs: 'migrations:run',
  summary: 'Take waivers back: the failures that are meant are open again.',
  params: ofPass,
  body: selectionSchema,
  answer: z.object({ objects: z.number() }),
})
