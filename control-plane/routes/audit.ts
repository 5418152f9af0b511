import { exportAudit, listAudit } from '../../shared/api/audit.ts'
import { auditLines, auditPage } from '../store/audit-log.ts'
import { Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

export function auditRoutes(app: App): void {
  serve(app, listAudit, async ({ scope, query: { cursor, limit, ...filter } }) => {
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor)) {
      throw new Refusal(400, 'usage', 'the cursor is none that this list gave')
    }
    const entries = await auditPage(scope, filter, cursor === undefined ? null : Number(cursor), limit)
    return { entries, cursor: entries.length === limit ? String(entries.at(-1)!.id) : null }
  })

  serve(app, exportAudit, async ({ scope, query }) => {
    const headers = { 'content-type': exportAudit.type, 'cache-control': 'no-store' }
    return new Response(auditLines(scope, query), { headers })
  })
}
