/** What a `Migration` object shows of itself: figures and pages, each bounded. */
import type * as z from 'zod'
import type { PassStatus, packetsPageSchema } from '../shared/api/migrations.ts'
import type { listPasses } from '../shared/api/passes.ts'
import type { Answer } from '../shared/api/route.ts'
import type { ErrorCode } from '../shared/error.ts'
import { escapeKey, type Key, unescapeKey } from '../shared/key.ts'
import type { Events } from './core/counters.ts'
import type { Packet } from './core/packet.ts'
import { fitted } from './core/status-size.ts'
import { shareOf } from './core/strip.ts'
import type { LivePass } from './live-pass.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { PacketRuns, PlacedPackets } from './packet-runs.ts'
import type { PassRow } from './pass-table.ts'
import { standingOf } from './series.ts'
import type { Sockets } from './sockets.ts'
import type { Strips } from './strips.ts'
import type { View } from './watchers.ts'

export type PacketsPage = z.infer<typeof packetsPageSchema>
export type PassesPage = Answer<typeof listPasses>
export interface ReportsPage {
  readonly reports: { packet: number; generation: number }[]
  readonly next: number | null
}

/** In one answer. */
const mostReports = 500
/** Ids that one page of reports looks through at most. */
const reportWindow = 100_000

/** From the counters of the pass, and of its causes. `live`: of one that runs. */
export function passStatus(tables: MigrationTables, pass: PassRow, live: LivePass | null): PassStatus {
  const { number, state, options, startedAt, endedAt, counters } = pass
  const inFlight = { objects: 0, bytes: state === 'running' ? (counters.gathered ?? 0) : 0 }
  let agents = 0
  for (const session of live?.holders.connected() ?? []) {
    agents++
    inFlight.objects += session.inFlight.objects
    inFlight.bytes += session.inFlight.bytes
  }
  return fitted({
    number,
    state,
    options,
    startedAt,
    endedAt,
    surveying: counters.surveys > 0,
    counts: counters.counts,
    expected: counters.expected,
    inFlight,
    packets: counters.packets,
    agents,
    ...(options.kind === 'verify' && options.sample !== null && { sampled: counters.counts.sampled ?? 0 }),
    ...(pass.retries !== null && { retries: pass.retries }),
    ...(live?.paused && { paused: live.paused }),
    ...deletesOf(pass),
    ...(live?.events.endsAt && { holdsUntil: live.events.endsAt }),
    ...eventsOf(counters.events, live?.events.changes.size ?? 0),
    ...standingOf(tables, pass),
    failureCauses: Object.entries(counters.causes).map(([code, cause]) => ({
      code: code as ErrorCode,
      ...cause,
    })),
    errors: Object.values(counters.errors),
  })
}

function eventsOf(counted: Events | undefined, waiting: number): Pick<PassStatus, 'events'> {
  if (!counted && waiting === 0) return {}
  const { done = 0, objects = 0, left = 0 } = counted ?? {}
  return { events: { waiting, done, objects, left } }
}

/** What it asks, or was told to leave. Once it asks, it does until it is answered. */
function deletesOf({ state, counters: { deletes } }: PassRow): Pick<PassStatus, 'asks' | 'left'> {
  if (!deletes?.asked) return {}
  const { expected, of, answer } = deletes
  if (answer?.do === 'leave') return { left: expected }
  return state === 'running' && answer === null ? { asks: { deletes: expected, of } } : {}
}

/** What those see who watch. `live`: the pass that runs. */
export function viewOf(
  tables: MigrationTables,
  live: LivePass | null,
  strips: Strips,
  sockets: Sockets,
): Omit<View, 'life'> {
  const pass = live?.pass ?? tables.passes.last()
  if (!pass) return { pass: null, strip: null, workers: [] }
  return {
    pass: passStatus(tables, pass, live),
    strip: strips.known(pass),
    workers: (live?.holders.connected() ?? []).map((session) => ({
      session: session.row.id,
      agent: session.row.agent,
      site: sockets.siteOf(session.row.id),
      leased: live!.holders.leasesOf(session),
      objects: session.did.objects + session.inFlight.objects,
      bytes: session.did.bytes + session.inFlight.bytes,
    })),
  }
}

/** The newest first, from below the number `before` on. */
export function passesPage(
  tables: MigrationTables,
  before: number,
  limit: number,
  status: (pass: PassRow) => PassStatus,
): PassesPage {
  const passes = tables.passes.before(before, limit + 1)
  const isMore = passes.length > limit
  const page = passes.slice(0, limit)
  return { passes: page.map(status), cursor: isMore ? String(page.at(-1)!.number) : null }
}

/**
 * The packets that tile the key space, in its order. The cursor is the start of the next page's first, after a letter:
 * the empty key is a start too.
 */
export async function packetsPage(
  tables: MigrationTables,
  placed: PlacedPackets,
  number: number,
  cursor: string | null,
  limit: number,
): Promise<PacketsPage | null> {
  const pass = tables.passes.get(number)
  if (!pass) return null
  const from = cursor === null ? null : unescapeKey(cursor.slice(1))
  const packets = inKeyOrder(tables, await placed.of(pass), from, limit + 1)
  const agents = new Map(tables.sessions.all().map(({ id, agent }) => [id, agent]))
  const next = packets.length > limit ? packets.pop() : undefined
  return {
    packets: packets.map((packet) => view(packet, pass.state === 'running', agents)),
    cursor: next ? `k${escapeKey(next.after!)}` : null,
  }
}

/** The first `n` that begin at `from` or past it. */
export function inKeyOrder(tables: MigrationTables, runs: PacketRuns, from: Key | null, n: number): Packet[] {
  let found: Packet[] = []
  for (const { first, end, after } of runs.overlapping({ after: from, through: null })) {
    // What is in this run, and in those that follow, begins past them all.
    if (found.length === n && (after ?? '') >= (found.at(-1)!.after ?? '')) break
    found.push(...tables.packets.inKeyOrder(first, end, from, n))
    found = found.sort((a, b) => ((a.after ?? '') < (b.after ?? '') ? -1 : 1)).slice(0, n)
  }
  return found
}

function view(
  packet: Packet,
  running: boolean,
  agents: ReadonlyMap<number, string>,
): PacketsPage['packets'][number] {
  const { id, kind, after, through, generation } = packet
  const leased = packet.state === 'leased' && running
  const { objects, bytes, failed } = shareOf(packet)
  return {
    id,
    kind,
    // What a cancelled pass left leased is nobody's now.
    state:
      packet.state === 'leased' || packet.state === 'expanded'
        ? running
          ? 'leased'
          : 'ready'
        : packet.state,
    after: after === null ? null : escapeKey(after),
    through: through === null ? null : escapeKey(through),
    agent: leased ? (agents.get(packet.session) ?? null) : null,
    attempts: generation,
    error: packet.error,
    objects,
    bytes,
    failed,
  }
}

/** The accepted reports from the id `from` on, in the order of packets. */
export function reportsPage(tables: MigrationTables, number: number, from: number): ReportsPage | null {
  const pass = tables.passes.get(number)
  if (!pass) return null
  const first = Math.max(pass.firstPacket, from)
  const end = Math.min(tables.passes.endOfPackets(number), tables.packets.next())
  const limit = Math.min(end, first + reportWindow)
  const reports = tables.packets.reports(first, limit, mostReports)
  const next = reports.length === mostReports ? reports.at(-1)!.packet + 1 : limit
  return { reports, next: next < end ? next : null }
}
