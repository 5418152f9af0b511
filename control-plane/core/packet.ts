/**
 * The life of one packet, as a pure function. What holds in every state: a packet's range never overlaps another's of
 * its pass, and what leaves its range is inserted by the same step.
 *
 *            lease    cut           split    outcome   failed           release, expire, supersede
 *   ready    leased   refused       refused  refused   as it is         as it is
 *   leased   –        leased, done  leased   done      ready, parked    ready
 *   done     –        replay        replay   replay    replay           replay
 *   parked   –        refused       refused  refused   as it is         as it is
 *
 * A copy packet that begins with a large object narrows to it (`expand`) and from then on has an upload. It stands for its range
 * all the time; the `parts` packets that it waits for stand for none, and count nothing but bytes on their way. Its own
 * outcome, once all parts are there, is that of the object.
 *
 *   with an upload          expand   opened     gathered   collapse   dissolve
 *   ready     copy          replay   refused    –          refused    ready
 *   leased    copy          refused  expanded   –          ready      ready
 *   expanded  copy          replay   replay     ready      –          ready
 *
 *                           parts    collapse   dissolve
 *   ready, parked  parts    refused  refused    done
 *   leased         parts    done     done       done
 *   done           parts    replay   replay     as it is
 *
 * An `event` packet has steps of its own (event-steps.ts).
 *
 * Every message of an agent names the generation that its lease was granted with. One of an older generation, or of a
 * session that does not hold the lease, is refused and changes nothing. One that was applied before (its answer was
 * lost) is recognised, and is answered as if it were applied now: a `cut` whose `from` lies behind `after`, a `split`
 * at or past `through`, anything about a packet that is done by this very generation.
 */
import { addCounts, addsUp, type Counts, zeroCounts } from '../../shared/counts.ts'
import type { ErrorBody } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Seal } from '../../shared/ledger.ts'
import type { PacketKind, Work } from '../../shared/protocol.ts'
import { mayEndAt, type Range } from '../../shared/range.ts'
import { fold, followed, missed, tell } from './event-steps.ts'
import { collapse, dissolve, expand, gather, isReplay, opened } from './large-steps.ts'
import {
  applied,
  common,
  type Effect,
  invalid,
  type Leased,
  newPacket,
  type Packet,
  type PacketEvent,
  ready,
  readyNow,
  type Stepped,
  type Surroundings,
  settledPacket,
  stale,
} from './packet-state.ts'
import { maxFailures, retryPause } from './retry-pause.ts'

export {
  covers,
  type Effect,
  type NewPacket,
  newPacket,
  type Packet,
  type PacketEvent,
  type PacketState,
  type PartWork,
  type Refusal,
  type Stepped,
  type Surroundings,
  settledPacket,
} from './packet-state.ts'

export function step(packet: Packet, event: PacketEvent, around: Surroundings): Stepped {
  switch (event.t) {
    case 'lease':
      if (packet.state !== 'ready') return stale(packet)
      return applied({
        ...common(packet),
        generation: packet.generation + 1,
        state: 'leased',
        session: event.session,
        since: around.now,
        deletes: event.deletes,
      })
    case 'expire':
    case 'supersede':
      return packet.state === 'leased' ? applied(ready(packet)) : applied(packet)
    case 'failed':
    case 'release':
      if (packet.generation !== event.generation) return stale(packet)
      // No longer leased under this generation: what the message asks for has happened already.
      if (packet.state !== 'leased') return applied(packet)
      if (packet.session !== event.session) return stale(packet)
      return event.t === 'release' ? applied(ready(packet)) : failed(packet, event.error, around)
    case 'gathered':
      return packet.state === 'expanded' ? applied({ ...common(packet), ...readyNow }) : applied(packet)
    case 'dissolve':
      return dissolve(packet)
    case 'tell':
      return tell(packet, event.range, event.told)
    case 'fold':
      return fold(packet)
    case 'expand':
    case 'opened':
      if (packet.generation !== event.generation) return stale(packet)
      if (isReplay(packet, event)) return applied(packet)
      if (packet.state !== 'leased' || packet.session !== event.session) return stale(packet)
      return event.t === 'expand' ? expand(packet, event) : opened(packet, event.ranges)
    case 'cut':
    case 'split':
    case 'outcome':
    case 'parts':
    case 'collapse':
      if (packet.generation !== event.generation) return stale(packet)
      if (packet.state === 'done') return applied(packet)
      if (packet.state !== 'leased' || packet.session !== event.session) return stale(packet)
      if (!takes[packet.kind].includes(event.t)) {
        return invalid(packet, `a ${packet.kind} packet takes no ${event.t}`)
      }
      switch (event.t) {
        case 'cut':
          return cut(packet, event, around)
        case 'split':
          return split(packet, event.at)
        case 'outcome':
          return packet.kind === 'event' ? followed(packet, event) : outcome(packet, event)
        case 'parts':
          return gather(packet, event.md5s)
        case 'collapse':
          return collapse(packet)
        default:
          return event satisfies never
      }
    default:
      return event satisfies never
  }
}

/** Which messages that end a lease each kind knows. */
const takes: Record<PacketKind, readonly string[]> = {
  survey: ['cut', 'split'],
  copy: ['outcome', 'collapse'],
  verify: ['outcome'],
  parts: ['parts', 'collapse'],
  event: ['outcome'],
}

function cut(packet: Leased, event: PacketEvent & { t: 'cut' }, around: Surroundings): Stepped {
  if (isBehind(event.from, packet.after)) return applied(packet)
  if (event.from !== packet.after) return invalid(packet, 'the cut begins past the packet’s start')
  if (event.cuts.length === 0) return invalid(packet, 'no piece')

  const verifies = around.work === 'verify'
  const pieces: (Range & { work: Work; settled: Counts | null; seal: Seal | null })[] = []
  let after = packet.after
  let finished = false
  for (const { through, work, settled, seal: given = null } of event.cuts) {
    const seal = verifies ? given : null
    if (finished || !mayEndAt({ after, through: packet.through }, through)) {
      return invalid(packet, 'the pieces do not rise within the packet’s range')
    }
    if (settled && !addsUp(settled)) return invalid(packet, 'the counts of a piece do not add up')
    const last = pieces.at(-1)
    // Whoever verifies looks a range up by its leaf, so those that are sealed stay apart.
    if (settled && last?.settled && !seal && !last.seal) {
      // One row for a run of settled pieces: most of a pass that finds little to do is such runs.
      pieces.splice(-1, 1, { ...last, through, settled: addCounts(last.settled, settled) })
    } else {
      // What is not told is none.
      const counted = { ...work, deletes: work.deletes ?? 0 }
      const counts = settled && addCounts(zeroCounts(), settled)
      pieces.push({ after, through, work: counted, settled: counts, seal })
    }
    after = through
    finished = through === packet.through
  }
  const effects = pieces.flatMap((piece): Effect[] =>
    piece.settled
      ? [
          {
            is: 'insert',
            packet: settledPacket(
              around.work,
              piece,
              piece.settled,
              piece.seal && { ...piece.seal, session: packet.session },
            ),
          },
          { is: 'settle' },
          { is: 'count', counts: piece.settled, ...(verifies && { sums: piece.seal?.sums ?? null }) },
        ]
      : [
          {
            is: 'insert',
            packet: { ...newPacket(around.work, piece, piece.work), prefer: packet.session },
          },
          { is: 'expect', work: piece.work },
        ],
  )
  const found = event.cuts.reduce((sum, piece) => sum + (piece.found ?? 0), 0)
  if (found > 0) effects.push({ is: 'found', objects: found })
  // Progress: whatever failed before this was overcome.
  const rest = { ...packet, failures: 0, error: null, after }
  if (!finished) return applied(rest, effects)
  return applied({ ...common(rest), state: 'done', counts: null, report: false }, effects)
}

function split(packet: Leased, at: Key): Stepped {
  if (packet.through !== null && at >= packet.through) return applied(packet)
  if (packet.after !== null && at <= packet.after) {
    return invalid(packet, 'the split lies before what is left of the packet')
  }
  const upper = newPacket('survey', { after: at, through: packet.through })
  return applied({ ...packet, through: at }, [{ is: 'insert', packet: upper }])
}

function outcome(packet: Leased, event: PacketEvent & { t: 'outcome' }): Stepped {
  const { counts, failures, report, through } = event
  const seal = packet.kind === 'verify' && event.seal ? { ...event.seal, session: packet.session } : null
  if (!addsUp(counts)) return invalid(packet, 'the counts do not add up')
  if (!mayEndAt(packet, through)) return invalid(packet, 'the outcome ends outside the packet’s range')

  const sums = packet.kind === 'verify' ? { sums: seal?.sums ?? null } : {}
  const effects: Effect[] = [{ is: 'count', counts, ...sums }]
  // One that failed leaves its upload to the next pass.
  if (packet.upload !== null && counts.objects.failed === 0) {
    effects.push({ is: 'forget', upload: packet.upload })
  }
  if (failures.length > 0) effects.push({ is: 'fail', failures })
  if (through !== packet.through) {
    const left = {
      objects: Math.max(0, packet.work.objects - counts.objects.listed),
      bytes: Math.max(0, packet.work.bytes - counts.bytes.listed),
      ...(packet.work.deletes !== undefined && {
        deletes: Math.max(0, packet.work.deletes - counts.objects.deleted),
      }),
    }
    const rest = newPacket(packet.kind, { after: through, through: packet.through }, left)
    effects.push({ is: 'insert', packet: { ...rest, prefer: event.heir ?? packet.prefer } })
  }
  const done = { state: 'done', counts, report, ...(seal && { seal }) } as const
  return applied({ ...common(packet), through, failures: 0, error: null, ...done }, effects)
}

function failed(packet: Leased, error: ErrorBody, around: Surroundings): Stepped {
  const failures = packet.failures + 1
  const next = { ...common(packet), failures, error: error.code }
  const effects: Effect[] = packet.kind === 'event' ? [] : [{ is: 'error', error }]
  if (error.retry === 'never' || failures >= maxFailures(error.code))
    return packet.kind === 'event' ? missed(next) : applied({ ...next, state: 'parked' }, effects)
  const notBefore = around.now + retryPause(error, failures, around.random)
  return applied({ ...next, state: 'ready', notBefore }, effects)
}

/**
 * What of a leased packet's work was done, now that it is `after`: null where that says nothing of how fast its agent is. So it is where
 * a copy found all of it equal (somebody lost the packet when it was nearly done), and with a large object, whose work is in its parts.
 */
export function workDone(before: Leased, after: Packet): Work | null {
  if (after.state !== 'done') return null
  if (before.kind === 'parts') return after.md5s === undefined ? null : before.work
  if (after.counts === null || before.upload !== null) return null
  const { objects, bytes } = after.counts
  const isCopy = before.kind === 'copy'
  const acted = isCopy ? objects.listed - objects.same : objects.listed
  if (acted === 0 && objects.listed > 0) return null
  return {
    objects: Math.min(before.work.objects, acted),
    bytes: Math.min(before.work.bytes, isCopy ? bytes.copied : bytes.listed),
  }
}

/** Whether the boundary `a` lies before `b`, both being starts of ranges. */
const isBehind = (a: Key | null, b: Key | null) => b !== null && (a === null || a < b)
