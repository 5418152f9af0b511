/** What became of the passes of a migration: one after the other, one beside another, and object by object as files. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { passStatusSchema } from './migrations.ts'
import { cursorSchema, publicKeySchema, route } from './route.ts'

const one = '/api/workspaces/:workspace/migrations/:migration' as const
const number = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER)

export const listPasses = route({
  method: 'GET',
  path: `${one}/passes`,
  needs: 'migrations:read',
  summary:
    'List the passes of a migration, the newest first, 20 a page unless told otherwise; each is under 4 KiB.',
  params: z.object({ migration: idSchema }),
  query: z.object({
    cursor: z
      .string()
      .regex(/^\d{1,15}$/)
      .optional(),
    limit: z.coerce.number().int().min(1).max(100).default(20),
  }),
  answer: z.object({ passes: z.array(passStatusSchema), cursor: cursorSchema }),
})

const keys = z.object({
  /** Each counts once, however many of its versions failed. */
  objects: z.number(),
  /** Some of them, at most 20. */
  samples: z.array(publicKeySchema),
})

export const comparePasses = route({
  method: 'GET',
  path: `${one}/comparison`,
  needs: 'migrations:read',
  summary: 'Compare two passes of a migration: their figures, and what failed in one of them, or in both.',
  params: z.object({ migration: idSchema }),
  query: z.object({ from: number, to: number }),
  answer: z.object({
    from: passStatusSchema,
    to: passStatusSchema,
    /**
     * By key: failed in `from` and not in `to`; in both; in `to` alone. What a pass has not come to yet, or was not about, has not
     * failed in it.
     */
    failures: z.object({ fixed: keys, still: keys, new: keys }),
  }),
})

export const reportFormats = ['ndjson', 'csv', 'ndjson.gz', 'csv.gz'] as const
export type ReportFormat = (typeof reportFormats)[number]

export const downloadReport = route({
  method: 'GET',
  path: `${one}/passes/:pass/report/:format`,
  needs: 'migrations:read',
  summary:
    'Read the report of a pass as a file: CSV or NDJSON, or either of them compressed (gzip). Every failure and every change is a line, in the order of packets.',
  params: z.object({
    migration: idSchema,
    pass: number,
    format: z.enum(reportFormats),
  }),
  type: 'application/x-ndjson; charset=utf-8',
})

export const pausePass = route({
  method: 'POST',
  path: `${one}/passes/:pass/pause`,
  needs: 'migrations:run',
  summary:
    'Pause a pass: no packet is leased from now on. Those that are at work are finished, or stopped at once (within 3 seconds; parts that are uploaded are kept). One that is over stays as it is.',
  params: z.object({ migration: idSchema, pass: number }),
  body: z.strictObject({ inFlight: z.enum(['finish', 'stop']).default('finish') }),
  answer: passStatusSchema,
})

export const resumePass = route({
  method: 'POST',
  path: `${one}/passes/:pass/resume`,
  needs: 'migrations:run',
  summary: 'Let a paused pass go on.',
  params: z.object({ migration: idSchema, pass: number }),
  answer: passStatusSchema,
})
