/**
 * What a person who watches a migration is told of, one by one: that a pass began or ended, that agents came and went, the first failure of a
 * cause, and then the tenth, the hundredth and so on; so there are few, whatever the pass comes to.
 */
import type { PassState } from '../../shared/api/migrations.ts'
import type { WatchEvent } from '../../shared/api/watch.ts'
import type { ErrorCode } from '../../shared/error.ts'
import type { PassNow } from './events.ts'
import { parkedLevel } from './events.ts'

/** Without what it is given when it is stored. */
type Without<T> = T extends unknown ? Omit<T, 'id' | 'at' | 'pass'> : never
export type NewWatchEvent = Without<WatchEvent>

/** Characters of a message that are kept. */
const longest = 300

/** How a pass stands, as far as its events tell. */
export interface Standing {
  readonly number: number
  readonly state: PassState
  readonly parked: number
  /** Whether it has asked how many objects it may delete. */
  readonly asked: boolean
  /** Leases that were taken back since nothing of them moved. */
  readonly stuck: number
  readonly failed: ReadonlyMap<string, number>
  readonly errors: ReadonlySet<string>
}

export const standing = ({ number, state, counters }: PassNow): Standing => ({
  number,
  state,
  parked: counters.packets.parked,
  asked: counters.deletes?.asked ?? false,
  stuck: counters.stuck ?? 0,
  failed: new Map(Object.entries(counters.causes).map(([code, { objects }]) => [code, objects])),
  errors: new Set(Object.keys(counters.errors)),
})

/** What brought a pass from `before` (null: it began) to `after`. */
export function happened(before: Standing | null, after: PassNow): NewWatchEvent[] {
  const { state, counters, options } = after
  const events: NewWatchEvent[] = []
  if (!before) events.push({ is: 'began', kind: options.kind, dryRun: options.dryRun })
  for (const [code, { error }] of Object.entries(counters.errors)) {
    if (before?.errors.has(code)) continue
    events.push({ is: 'error', code: code as ErrorCode, message: error.message.slice(0, longest) })
  }
  for (const [code, { objects, message }] of Object.entries(counters.causes)) {
    if (parkedLevel(objects) <= parkedLevel(before?.failed.get(code) ?? 0)) continue
    events.push({ is: 'failed', code: code as ErrorCode, objects, message: message.slice(0, longest) })
  }
  const { parked } = counters.packets
  if (parkedLevel(parked) > parkedLevel(before?.parked ?? 0)) events.push({ is: 'parked', packets: parked })
  const { deletes } = counters
  if (deletes?.asked && !before?.asked) events.push({ is: 'asks', deletes: deletes.expected, of: deletes.of })
  if (state !== 'running' && (!before || before.state === 'running')) events.push({ is: 'ended', state })
  return events
}
