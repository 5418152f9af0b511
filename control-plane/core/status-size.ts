/**
 * A status is small whatever the pass is: it is read by every page, pushed to every watcher and kept in the catalogue. Figures
 * stay; of causes, errors and sites the first few do, and of their texts the beginning, as much as fits.
 */
import type { PassStatus, WaitsFor } from '../../shared/api/migrations.ts'

/** Bytes of its JSON, in UTF-8: less than 4 KiB, with some room for whoever adds a figure. */
export const mostBytes = 4_000

/** How many of each list and how many bytes of each text, until it fits. The last one always does. */
const ladder = [
  { entries: 40, text: 2_000 },
  { entries: 12, text: 500 },
  { entries: 6, text: 300 },
  { entries: 4, text: 200 },
  { entries: 3, text: 120 },
  { entries: 2, text: 80 },
  { entries: 1, text: 60 },
  { entries: 0, text: 40 },
  { entries: 0, text: 12 },
] as const

/** May be given what it has given already. */
export function fitted(status: PassStatus): PassStatus {
  const { failureCauses: causes, errors, waitsFor, paused } = status
  if (causes.length + errors.length === 0 && !waitsFor && !paused) return status
  const sorted = {
    ...status,
    failureCauses: causes.toSorted((a, b) => b.objects - a.objects),
    errors: errors.toSorted((a, b) => b.packets - a.packets),
  }
  let smaller: PassStatus = sorted
  for (const { entries, text } of ladder) {
    smaller = cut(sorted, entries, text)
    if (sizeOf(smaller) <= mostBytes) break
  }
  return smaller
}

function cut(status: PassStatus, entries: number, text: number): PassStatus {
  const { failureCauses, errors, leftOut, waitsFor, paused } = status
  const left = {
    causes: (leftOut?.causes ?? 0) + Math.max(0, failureCauses.length - entries),
    errors: (leftOut?.errors ?? 0) + Math.max(0, errors.length - entries),
  }
  return {
    ...status,
    failureCauses: failureCauses
      .slice(0, entries)
      .map((cause) => ({ ...cause, message: beginning(cause.message, text) })),
    errors: errors.slice(0, entries).map(({ error, ...packets }) => ({
      error: {
        ...error,
        op: beginning(error.op, text),
        message: beginning(error.message, text),
        hint: error.hint && beginning(error.hint, text),
      },
      ...packets,
    })),
    ...(left.causes + left.errors > 0 && { leftOut: left }),
    ...(waitsFor && { waitsFor: waitFor(waitsFor, entries, text) }),
    ...(paused && { paused: { ...paused, by: beginning(paused.by, text) } }),
  }
}

/** None at all would say that nobody can reach it. */
const waitFor = ({ message, sites }: WaitsFor, entries: number, text: number): WaitsFor => ({
  message: beginning(message, text),
  sites: sites?.slice(0, Math.max(1, entries)).map((site) => beginning(site, 4 * text)) ?? null,
})

const encoder = new TextEncoder()
/** As JSON: what is escaped there counts as such. */
const sizeOf = (value: unknown): number => encoder.encode(JSON.stringify(value)).length

/** At most `most` bytes of it, in whole characters. */
export function beginning(text: string, most: number): string {
  // A code unit has six bytes at most (`\u0000`), so most texts need no counting.
  if (text.length * 6 <= most || sizeOf(text) - 2 <= most) return text
  let bytes = 3 // of the ellipsis
  let end = 0
  for (const character of text) {
    bytes += sizeOf(character) - 2
    if (bytes > most) break
    end += character.length
  }
  return `${text.slice(0, end)}…`
}
