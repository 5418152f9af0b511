/** What a page knows of a migration, from what its socket said. */
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { BucketRow, Lane, Point, Trace, WatchEvent, WatchMessage } from '../../shared/api/watch.ts'
import type { LifeBrief } from '../../shared/life.ts'

export interface Known {
  /** How far the control plane's clock is ahead of this browser's (ms). */
  readonly ahead: number
  readonly pass: PassStatus | null
  /** In short; null where it was never begun. */
  readonly life: LifeBrief | null
  readonly strip: readonly BucketRow[] | null
  readonly lanes: readonly Lane[]
  readonly points: readonly Point[]
  readonly traces: readonly Trace[]
  readonly events: readonly WatchEvent[]
}

/** A page that is open for days holds no more than these. */
const mostPoints = 1_500
const mostOfTrace = 500
const mostEvents = 200

export function applied(known: Known | null, message: WatchMessage, now: number): Known | null {
  if (message.t === 'snapshot') {
    const { pass, life = null, strip, lanes, history, traces, events } = message
    const isSame = known?.pass?.number === pass?.number
    // While it is counted anew, what was known of it is shown.
    const ahead = message.now - now
    const counted = strip ?? (isSame ? (known?.strip ?? null) : null)
    return { ahead, pass, life, strip: counted, lanes, points: history, traces, events }
  }
  if (!known) return null
  let { strip } = known
  if (strip && message.strip) {
    const next = [...strip]
    for (const { at, remove, insert } of message.strip) next.splice(at, remove, ...insert)
    strip = next
  }
  const points = message.points ? [...known.points, ...message.points].slice(-mostPoints) : known.points
  const traces = message.traces ? longer(known.traces, message.traces) : known.traces
  const events = message.events ? [...known.events, ...message.events].slice(-mostEvents) : known.events
  const { pass = known.pass, life = known.life, lanes = known.lanes } = message
  return { ...known, pass, life, strip, lanes, points, traces, events }
}

/** What a socket said of a pass, with what only the fleet knows: what a pass that nobody works for waits for. */
export const latest = (asked: PassStatus | undefined, told: PassStatus): PassStatus => ({
  ...told,
  ...(told.agents === 0 && asked?.waitsFor && { waitsFor: asked.waitsFor }),
})

function longer(known: readonly Trace[], news: readonly Trace[]): Trace[] {
  const traces = new Map(known.map((trace) => [trace.agent, trace]))
  for (const { agent, site, points } of news) {
    const all = [...(traces.get(agent)?.points ?? []), ...points].slice(-mostOfTrace)
    traces.set(agent, { agent, site, points: all })
  }
  return [...traces.values()].sort((a, b) => (a.agent < b.agent ? -1 : 1))
}
