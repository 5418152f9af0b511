/** Reads the audit log; scope.ts writes it. */
import { and, asc, desc, eq, gt, gte, like, lt, or, type SQL } from 'drizzle-orm'
import type { AuditEntry } from '../../shared/api/audit.ts'
import type { Actor, Scope } from './scope.ts'
import { audit } from './tables/audit.ts'

export interface AuditFilter {
  readonly action?: string | undefined
  readonly actor?: string | undefined
  readonly subject?: string | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

type Row = typeof audit.$inferSelect

/** Before `before`, an id; the newest first. */
export async function auditPage(
  scope: Scope,
  filter: AuditFilter,
  before: number | null,
  limit: number,
): Promise<AuditEntry[]> {
  const where = and(wanted(filter), before === null ? undefined : lt(audit.id, before))
  return (await scope.rows(audit, { where, orderBy: [desc(audit.id)], limit })).map(entryOf)
}

const linesAtOnce = 500

/** All of it, the oldest first, as NDJSON; a page of it is in memory. */
export function auditLines(scope: Scope, filter: AuditFilter): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let past = 0
  return new ReadableStream({
    async pull(controller) {
      const where = and(wanted(filter), gt(audit.id, past))
      const rows = await scope.rows(audit, { where, orderBy: [asc(audit.id)], limit: linesAtOnce })
      if (rows.length > 0) {
        past = rows.at(-1)!.id
        controller.enqueue(encoder.encode(rows.map((row) => `${JSON.stringify(entryOf(row))}\n`).join('')))
      }
      if (rows.length < linesAtOnce) controller.close()
    },
  })
}

function wanted({ action, actor, subject, since, until }: AuditFilter): SQL | undefined {
  return and(
    action === undefined ? undefined : or(eq(audit.action, action), like(audit.action, `${plain(action)}.%`)),
    actor === undefined ? undefined : eq(audit.actorId, actor),
    subject === undefined
      ? undefined
      : or(eq(audit.subject, subject), like(audit.subject, `${plain(subject)}/%`)),
    since === undefined ? undefined : gte(audit.at, Date.parse(since)),
    until === undefined ? undefined : lt(audit.at, Date.parse(until)),
  )
}

/** Without what `like` takes for more than itself. */
const plain = (text: string) => text.replaceAll(/[%_]/g, '')

const entryOf = ({
  id,
  at,
  actorKind,
  actorId,
  actorName,
  address,
  action,
  subject,
  before,
  after,
}: Row): AuditEntry => ({
  id,
  at,
  actor: { kind: actorKind as Actor['kind'], id: actorId, name: actorName },
  address,
  action,
  subject,
  before,
  after,
})
