/** `dray audit`. */
import { pipeline } from 'node:stream/promises'
import { type AuditEntry, exportAudit, listAudit } from '../../shared/api/audit.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import { table } from './table.ts'

interface AuditOptions extends AskOptions {
  action?: string
  actor?: string
  subject?: string
  since?: string
  until?: string
  limit: number
  all: boolean
}

/** Entries of one answer of the API. */
const mostAtOnce = 1_000

export async function audit(options: AuditOptions, io: Io): Promise<number> {
  const { action, actor, subject, since, until, limit } = options
  const wanted = { action, actor, subject, since, until }
  if (options.all) {
    await withSomePlane(options, io, async (plane) => {
      await pipeline(await plane.stream(exportAudit, { query: wanted }), io.stdout, { end: false })
    })
    return exitCodes.equal
  }
  const entries = await withSomePlane(options, io, async (plane) => {
    const found: AuditEntry[] = []
    const query = { ...wanted, limit: Math.min(limit, mostAtOnce) }
    for await (const page of plane.pages(listAudit, { query })) {
      found.push(...page.entries)
      if (found.length >= limit) break
    }
    return found.slice(0, limit)
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ entries })}\n`)
  else if (entries.length === 0) io.stdout.write('Nothing was done that would be here.\n')
  else {
    const rows = entries.map(({ at, actor, address, action, subject }) => [
      new Date(at).toISOString(),
      actor.name,
      address ?? '',
      action,
      subject,
    ])
    io.stdout.write(visible(table(['WHEN', 'WHO', 'FROM', 'WHAT', 'OF'], rows)))
  }
  return exitCodes.equal
}
