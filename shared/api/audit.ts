/** The audit log: who did what, when, from where; what it was before, and after. Nobody edits it. */
import * as z from 'zod'
import { cursorSchema, pageQuery, route } from './route.ts'

export const auditEntrySchema = z.object({
  id: z.number(),
  /** Ms since the epoch. */
  at: z.number(),
  actor: z.object({
    kind: z.enum(['person', 'token', 'machine', 'agent', 'system']),
    id: z.string(),
    name: z.string(),
  }),
  /** The network address that it came from; null where the platform tells none. */
  address: z.string().nullable(),
  /** A noun and a verb: `connection.edit`. */
  action: z.string(),
  /** Of what: `connection/archive`. */
  subject: z.string(),
  /** Null where there was nothing, or nothing to tell. */
  before: z.unknown(),
  after: z.unknown(),
})
export type AuditEntry = z.infer<typeof auditEntrySchema>

const filter = {
  /** Of the whole action, or its noun alone: `connection.edit`, `connection`. */
  action: z.string().max(100).optional(),
  /** The actor's id. */
  actor: z.string().max(200).optional(),
  /** Of the whole subject, or its noun alone. */
  subject: z.string().max(1_000).optional(),
  /** ISO 8601, from (inclusive) and to (exclusive). */
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
}

export const listAudit = route({
  method: 'GET',
  path: '/api/workspaces/:workspace/audit',
  needs: 'audit:read',
  summary: 'List what was done, the newest first.',
  query: pageQuery.extend(filter),
  answer: z.object({ entries: z.array(auditEntrySchema), cursor: cursorSchema }),
})

export const exportAudit = route({
  method: 'GET',
  path: '/api/workspaces/:workspace/audit/export',
  needs: 'audit:read',
  summary: 'Export what was done, the oldest first, one JSON object a line.',
  query: z.object(filter),
  type: 'application/x-ndjson; charset=utf-8',
})
