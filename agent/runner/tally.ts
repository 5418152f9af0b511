/** What a packet has come to so far: its counts, its failures, its lines in the report, and what is under way. */
import { type Counts, type Evidence, zeroCounts } from '../../shared/counts.ts'
import type { DrayError, ErrorCode } from '../../shared/error.ts'
import type { Property } from '../../shared/fidelity.ts'
import { displayKey, publicKey } from '../../shared/key.ts'
import { packetBounds } from '../../shared/policy.ts'
import type { Failure, Work } from '../../shared/protocol.ts'
import type { Entry } from '../storage/storage.ts'
import type { Report } from './report.ts'

export interface Tally {
  readonly counts: Counts
  readonly failures: Failure[]
  /** Objects done and bytes moved since the packet was leased; shown, and forgotten with it. */
  readonly progress: Work
  /** `evidence` is null for a delete marker: there is nothing to prove. */
  same(entry: Entry, evidence: Evidence | null): void
  /** `dropped`: what of it the destination did not get. */
  copied(entry: Entry, bytes: number, evidence: Evidence | null, dropped?: readonly Property[]): void
  /** What was said to be the same was chosen for the sample. */
  sampled(objects?: number): void
  skipped(entry: Entry, code: ErrorCode): void
  vanished(entry: Entry): void
  failed(entry: Entry, error: Why, outcome?: 'failed' | 'differs' | 'missing'): void
  /** Each object of it failed when it was listed. */
  refused(entry: Entry): void
  deleted(entry: Entry): void
  extra(entry: Entry): void
  moved(bytes: number): void
}

export type Why = Pick<DrayError, 'code' | 'message'>

/** Beyond what any packet of objects can have. */
const mostFailures = 2 * packetBounds.workObjects
/** The plane refuses longer ones. */
const messageLimit = 500

export function createTally(report: Report, progress: Work): Tally {
  const counts = zeroCounts()
  const { objects, bytes, evidence } = counts
  const failures: Failure[] = []

  function listed(entry: Entry): void {
    objects.listed++
    bytes.listed += entry.kind === 'object' ? entry.size : 0
  }

  function line(entry: Entry, outcome: Parameters<Report['line']>[0]['outcome'], more: object = {}): void {
    const version = entry.version === undefined ? {} : { version: entry.version }
    report.line({
      ...publicKey(entry.key),
      ...fromOf(entry),
      ...version,
      outcome,
      bytes: entry.size,
      ...more,
    })
  }

  function proved(how: Evidence): void {
    evidence[how] = (evidence[how] ?? 0) + 1
  }

  return {
    counts,
    failures,
    progress,
    same(entry, how) {
      listed(entry)
      objects.same++
      if (how) proved(how)
    },
    copied(entry, moved, how, dropped = []) {
      listed(entry)
      objects.copied++
      bytes.copied += moved
      if (how) proved(how)
      for (const name of dropped) counts.dropped[name] = (counts.dropped[name] ?? 0) + 1
      line(entry, 'copied', {
        bytes: moved,
        ...(how ? { evidence: how } : {}),
        ...(dropped.length > 0 ? { dropped } : {}),
      })
    },
    sampled(n = 1) {
      counts.sampled = (counts.sampled ?? 0) + n
    },
    skipped(entry, code) {
      listed(entry)
      objects.skipped++
      line(entry, 'skipped', { code })
    },
    vanished(entry) {
      listed(entry)
      objects.vanished++
      line(entry, 'vanished')
    },
    failed(entry, why, outcome = 'failed') {
      listed(entry)
      objects.failed++
      // More would not fit in one message; a key of very many versions is all that can have them. The report has them all.
      if (failures.length < mostFailures) failures.push(failureOf(entry, why))
      line(entry, outcome, { code: why.code, message: why.message })
    },
    refused(entry) {
      for (const { key, size, code, message } of entry.refused ?? []) {
        this.failed({ ...entry, key, size }, { code, message })
      }
    },
    deleted(entry) {
      objects.deleted++
      line(entry, 'deleted')
    },
    extra(entry) {
      objects.extra++
      line(entry, 'extra')
    },
    moved(count) {
      progress.bytes = Math.max(0, progress.bytes + count)
    },
  }
}

/** Where an object comes from, if its key says something else. */
const fromOf = ({ origin }: Entry): { from?: string; fromEscaped?: string } => {
  if (origin === undefined) return {}
  const { key: from, keyEscaped: fromEscaped } = publicKey(origin)
  return fromEscaped === undefined ? { from } : { from, fromEscaped }
}

function failureOf({ key, size: bytes, origin }: Entry, { code, message }: Why): Failure {
  const whole = origin === undefined ? message : `${message.replace(/\.$/, '')} (from ${displayKey(origin)}).`
  return { key, code, message: whole.slice(0, messageLimit), bytes }
}
