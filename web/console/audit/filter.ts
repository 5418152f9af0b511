/** What of the audit log is shown, as it is in the page's address. Days are the viewer's. */
import type { AuditFilter } from '../queries/audit.ts'

export interface Looked {
  readonly action?: string
  readonly actor?: string
  readonly subject?: string
  /** `YYYY-MM-DD`, both included. */
  readonly since?: string
  readonly until?: string
}

const fields = ['action', 'actor', 'subject', 'since', 'until'] as const
const isDay = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text))

/** What makes no sense is dropped. */
export function lookedIn(search: Record<string, unknown>): Looked {
  const given = fields.flatMap((name) => {
    const value = search[name]
    const text = typeof value === 'number' ? String(value) : value
    if (typeof text !== 'string' || text === '' || text.length > 100) return []
    return (name === 'since' || name === 'until') && !isDay(text) ? [] : [[name, text] as const]
  })
  return Object.fromEntries(given)
}

/** The beginning of a day there, and of the one after it where `through`. */
function momentOf(day: string, through: boolean): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  return new Date(year, month - 1, date + (through ? 1 : 0)).toISOString()
}

export const asked = ({ since, until, ...rest }: Looked): AuditFilter => ({
  ...rest,
  ...(since !== undefined && { since: momentOf(since, false) }),
  ...(until !== undefined && { until: momentOf(until, true) }),
})
