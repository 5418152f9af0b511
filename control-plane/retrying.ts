/** A pass over nothing but what failed: what it is made of, and what becomes of the failures that it is to try again. */
import type { PassStatus } from '../shared/api/migrations.ts'
import { compareRanges, everything, type Range } from '../shared/range.ts'
import { Causes } from './core/causes.ts'
import type { Refused } from './core/life-state.ts'
import type { NewPacket } from './core/packet.ts'
import { type FailedKey, mostRetried, retryPackets } from './core/retry-packets.ts'
import type { Meant } from './failure-table.ts'
import type { Definition, MigrationTables } from './migration-tables.ts'
import type { PassRow } from './pass-table.ts'
import { before, leavesSome } from './series.ts'

/** Failures that are opened again by one statement. */
const atOnce = 1_000
/** Failures that are read before any of them is written. */
const window = 10_000

export type RetryAnswer =
  /** `objects`: failures that are tried again. */
  | { readonly pass: PassStatus; readonly objects: number }
  /** A pass of this number runs. */
  | { readonly busy: number }
  | { readonly refused: Refused }
  /** A later pass has looked at everything. */
  | { readonly since: number }
  | { readonly nothing: true }

export interface Retried {
  readonly packets: NewPacket[]
  /** Failures that are tried again. */
  readonly objects: number
  /** Of the packets that stand for one object. */
  readonly expected: { readonly objects: number; readonly bytes: number }
}

/**
 * What is meant of a pass: those that are open, or, where nothing is chosen, all that is open of it and of the passes that it goes back to, and
 * what they left undone. Null where there is nothing. Reads the failures once or twice, in any order, and keeps some thousand keys.
 */
export function retryOf(
  tables: MigrationTables,
  definition: Definition,
  pass: PassRow,
  meant: Meant | null,
  kind: 'copy' | 'verify',
): Retried | null {
  const passes = meant ? [pass] : [...before(tables, pass), pass]
  const open: Meant = { ...meant, state: 'open' }
  const objects = passes.reduce((sum, each) => sum + countOf(tables, each, open), 0)
  const undone = meant ? [] : passes.filter(leavesSome).flatMap((each) => undoneOf(tables, each))
  if (objects === 0 && undone.length === 0) return null
  function* keys(): Generator<FailedKey> {
    for (const each of passes) yield* tables.failures.keys(tables.failureIds(each), open)
  }
  const { source, destination } = definition
  const most = mostRetried[[source.kind, destination.kind].includes('file') ? 'directory' : 'store']
  const packets = retryPackets(keys, undone, kind, most)
  const expected = { objects: 0, bytes: 0 }
  for (const { state, work } of packets) {
    if (state === 'done') continue
    expected.objects += work.objects
    expected.bytes += work.bytes
  }
  return { packets, objects, expected }
}

/** Takes note that `retry` tries again what `retryOf` said. */
export function markRetried(
  tables: MigrationTables,
  pass: PassRow,
  meant: Meant | null,
  retry: number,
): void {
  for (const each of meant ? [pass] : [...before(tables, pass), pass]) {
    const ids = tables.failureIds(each)
    const open: Meant = { ...meant, state: 'open' }
    const causes = new Causes(tables.failures.causes(each.number))
    for (const { cause, n } of openIn(tables, each, open)) causes.mark(cause, 'retried', n)
    tables.failures.mark(ids, open, 'retried_by', retry)
    tables.failures.saveCauses(each.number, causes.changed())
    if (!meant && leavesSome(each)) tables.passes.leaveTo(each.number, retry)
  }
}

/** What a retry that was cancelled did not get to is open again. */
export function handBack(tables: MigrationTables, retry: PassRow): void {
  if (retry.retries === null) return
  const undone = undoneOf(tables, retry)
  for (const pass of before(tables, retry)) {
    if (pass.leftTo === retry.number && undone.length > 0) tables.passes.leaveTo(pass.number, null)
    const causes = new Causes(tables.failures.causes(pass.number))
    const retried: Meant = { retriedBy: retry.number }
    const ids = tables.failureIds(pass)
    let open: number[] = []
    const flush = () => {
      const some: Meant = { ids: open }
      for (const { cause, n } of tables.failures.byCause(ids, some)) causes.mark(cause, 'retried', -n)
      tables.failures.mark(ids, some, 'retried_by', null)
      open = []
    }
    for (let at = ids.first; at < ids.end; at += window) {
      const some = [...tables.failures.keys({ first: at, end: Math.min(at + window, ids.end) }, retried)]
      for (const { id, key } of some) {
        if (isIn(undone, key)) open.push(id)
        if (open.length === atOnce) flush()
      }
    }
    if (open.length > 0) flush()
    tables.failures.saveCauses(pass.number, causes.changed())
  }
}

const countOf = (tables: MigrationTables, pass: PassRow, open: Meant): number =>
  openIn(tables, pass, open).reduce((sum, { n }) => sum + n, 0)

/** How many are open of each cause that is meant: as counted, where nothing has to be looked for. */
function openIn(tables: MigrationTables, pass: PassRow, open: Meant): { cause: number; n: number }[] {
  const { cause, prefix, text, ids } = open
  if (prefix !== undefined || text !== undefined || ids !== undefined) {
    return tables.failures.byCause(tables.failureIds(pass), open)
  }
  return tables.failures
    .causes(pass.number)
    .filter(({ id }) => cause === undefined || id === cause)
    .map(({ id, objects, retried, waived }) => ({ cause: id, n: objects - retried - waived }))
}

/** The ranges of packets that are not done, in order; whatever was cut off from them has a packet of its own. */
function undoneOf(tables: MigrationTables, { number, firstPacket }: PassRow): Range[] {
  const ranges: Range[] = []
  for (const { state, after, through } of tables.packets.covering(
    firstPacket,
    tables.passes.endOfPackets(number),
    everything,
  )) {
    if (state !== 'done') ranges.push({ after, through })
  }
  return ranges.sort(compareRanges)
}

function isIn(ranges: readonly Range[], key: string): boolean {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const { through } = ranges[middle]!
    if (through !== null && through < key) low = middle + 1
    else high = middle
  }
  const { after } = ranges[low] ?? { after: undefined }
  return after !== undefined && (after === null || after < key)
}
