/**
 * Turns leases into bounded work, for one pass. A packet is here from its lease until the plane has answered its outcome:
 *
 *   state     leaves it when
 *   working   its work ends → telling; it is aborted → gone
 *   telling   its last message is answered, or it is aborted → gone
 *
 * Only `working` takes one of the places; a survey that waits for `proceed` does not, or surveys that run ahead could keep
 * out the very packets that they wait for. Whatever an aborted packet still brings is dropped.
 */
import { setMaxListeners } from 'node:events'
import { DrayError, toDrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Held, LeasedPacket, Work } from '../../shared/protocol.ts'
import { placesFor } from '../core/budget.ts'
import { isBounded, type Stillness, watchStillness } from '../core/stillness.ts'
import type { Welcome } from '../session/migration.ts'
import type { Answer, Outbox, StateChange } from '../session/outbox.ts'
import { within } from '../session/within.ts'
import { copyChains } from './copy-chains.ts'
import { copyPacket, type Job } from './copy-packet.ts'
import type { Instead } from './large-object.ts'
import { createObserved } from './observed.ts'
import { openPass, type Pass, type Workplace } from './pass.ts'
import { noReport, openReport } from './report.ts'
import { createSurvey, type Survey } from './survey.ts'
import { createTally } from './tally.ts'
import { verifyChains } from './verify-chains.ts'
import { verifyPacket } from './verify-packet.ts'

export interface Runner {
  take(packets: readonly LeasedPacket[]): void
  /** Aborts those of them that it has; the rest it has never heard of, or is done with. */
  abort(held: readonly Held[], why: string): void
  /** Lets a survey go on, or all of them. */
  proceed(packet: number | null): void
  split(packet: number, parts: number): void
  /** Ends a copy or verify packet where it stands. */
  yield(packet: number): void
  /** Every lease, those with an unanswered outcome included. */
  held(): Held[]
  /** Those that are still being worked on. */
  working(): Held[]
  inFlight(): Work
  /** Those that stand still, and for how many milliseconds (core/stillness.ts). */
  still(): (Held & { ms: number })[]
  /** Of all packets since it began, those in flight included. Falls where a copy begins anew. */
  moved(): Work
  /** Whether both sides are open: worker threads rely on what is done then. */
  readonly isOpen: boolean
  /** How many packets it works on at once, at most. */
  readonly places: number
  /** How many packets it could take now. */
  free(): number
  /** Its share of the agent, beside other migrations', is this from now on. */
  weigh(weight: number): void
  /** Resolves when nothing is being worked on. Surveys stop at their next checkpoint; the rest is finished. */
  drain(): Promise<void>
  /** Aborts everything and closes both sides. */
  stop(): Promise<void>
}

interface Holding {
  readonly packet: LeasedPacket
  readonly controller: AbortController
  readonly progress: Work
  survey: Survey | null
  /** It waits for a store, and takes no place. */
  isWaiting: boolean
  mustYield: boolean
  /** Null until both sides are open, and where nobody is to hear of it. */
  stillness: Stillness | null
  state: 'working' | 'telling'
}

/** How long a stop waits for work to notice that it is aborted. */
const stopMs = 900
const closeMs = 500
const eventsInPlace = 8
/** Leases that one runner keeps at most, held surveys included. */
const mostLeases = 64

export function startRunner(
  welcome: Welcome,
  post: Outbox['post'],
  place: Workplace,
  changed: () => void,
  weight = 1,
): Runner {
  const slots = place.slots.share(weight)
  const places = placesFor(place.concurrency, place.memory)
  const holdings = new Map<number, Holding>()
  const tasks = new Set<Promise<void>>()
  /** What packets had done that are not here any more. */
  const done: Work = { objects: 0, bytes: 0 }
  let opening: Promise<Pass> | null = null
  let isDraining = false
  let isOpen = false

  function thePass(): Promise<Pass> {
    // What could not be opened is tried again with the next packet: a network may be back by then.
    const cleared = (upload: number) => post({ t: 'cleared', upload }, () => {})
    opening ??= openPass(welcome, place, slots, cleared).then(
      (pass) => {
        isOpen = true
        return pass
      },
      (error) => {
        opening = null
        throw error
      },
    )
    return opening
  }

  function take(packet: LeasedPacket): void {
    const before = holdings.get(packet.id)
    before?.controller.abort()
    if (before) remove(before)
    const controller = new AbortController()
    setMaxListeners(0, controller.signal)
    const holding: Holding = {
      packet,
      controller,
      progress: { objects: 0, bytes: 0 },
      survey: null,
      isWaiting: false,
      mustYield: false,
      stillness: null,
      state: 'working',
    }
    holdings.set(packet.id, holding)
    const task = work(holding).finally(() => {
      tasks.delete(task)
      changed()
    })
    tasks.add(task)
  }

  async function work(holding: Holding): Promise<void> {
    const { packet, controller } = holding
    try {
      const pass = await thePass()
      controller.signal.throwIfAborted()
      if (isBounded(packet, 4 * place.packetBytes)) holding.stillness = watchStillness(performance.now())
      tell(holding, packet.kind === 'survey' ? await survey(pass, holding) : await settle(pass, holding))
    } catch (thrown) {
      if (controller.signal.aborted) return
      const error = toDrayError(thrown, packet.kind)
      // The plane says that the lease is gone: nobody wants to hear more of it.
      if (error.code === 'stale') return forget(holding)
      place.log({
        level: 'warn',
        event: 'packet-failed',
        migration: welcome.migration,
        packet: packet.id,
        kind: packet.kind,
        code: error.code,
        message: error.message,
      })
      tell(holding, { t: 'failed', ...named(packet), error: presentable(error).toBody() })
    }
  }

  async function survey(pass: Pass, holding: Holding): Promise<StateChange | null> {
    const { packet, controller } = holding
    holding.survey = createSurvey({ pass, packet, post, signal: controller.signal, changed })
    if (isDraining) holding.survey.drain()
    const end = await holding.survey.run()
    return end === 'done' ? null : { t: 'release', held: [named(packet)] }
  }

  async function settle(pass: Pass, holding: Holding): Promise<StateChange> {
    const { packet, controller, progress } = holding
    const { signal } = controller
    const { migration, number } = pass
    const address = { migration, pass: number, packet: packet.id, generation: packet.generation }
    const report = packet.kind === 'event' ? noReport : openReport(pass, address)
    const tally = createTally(report, progress)
    try {
      const waits = (isWaiting: boolean) => {
        holding.isWaiting = isWaiting
        changed()
      }
      const mustYield = () => holding.mustYield
      const observed = packet.kind === 'verify' ? createObserved(pass) : null
      const job = { pass, packet, report, tally, observed, signal, mustYield, waits }
      const through = await workOn(job)
      if (through !== null && typeof through === 'object') return { ...through, ...named(packet) }
      const { counts, failures } = tally
      const isTold = await report.send(signal)
      const seal = await observed?.seal({ after: packet.after, through }, counts)
      const outcome = { t: 'outcome', ...named(packet), through, counts, failures, report: isTold } as const
      return seal ? { ...outcome, seal } : outcome
    } finally {
      await report.discard()
    }
  }

  /** The last message of a packet; null where the plane knows already. */
  function tell(holding: Holding, message: StateChange | null): void {
    if (holding.controller.signal.aborted) return
    if (message === null) {
      forget(holding)
      return
    }
    holding.state = 'telling'
    changed()
    post(message, (answer) => {
      if (isRejected(message, answer)) {
        const error = new DrayError('protocol', 'outcome', answer.message, { retry: 'later' })
        tell(holding, { t: 'failed', ...named(holding.packet), error: error.toBody() })
      } else {
        forget(holding)
      }
    })
  }

  function forget(holding: Holding): void {
    if (holdings.get(holding.packet.id) === holding) remove(holding)
    changed()
  }

  function remove({ packet, progress }: Holding): void {
    holdings.delete(packet.id)
    add(done, progress)
  }

  function abort(held: readonly Held[], why: string): void {
    for (const { packet, generation } of held) {
      const holding = holdings.get(packet)
      if (holding?.packet.generation !== generation) continue
      remove(holding)
      holding.controller.abort(new DrayError('interrupted', holding.packet.kind, why, { retry: 'later' }))
    }
  }

  const list = (state: Holding['state'] | null) =>
    [...holdings.values()].filter((h) => state === null || h.state === state).map((h) => named(h.packet))

  return {
    take(packets) {
      for (const packet of packets) take(packet)
    },
    abort,
    proceed(packet) {
      for (const { survey, packet: mine } of holdings.values()) {
        if (packet === null || mine.id === packet) survey?.proceed()
      }
    },
    split: (packet, parts) => holdings.get(packet)?.survey?.split(parts),
    yield(packet) {
      const holding = holdings.get(packet)
      if (holding) holding.mustYield = true
    },
    held: () => list(null),
    working: () => list('working'),
    get isOpen() {
      return isOpen
    },
    inFlight() {
      const sum = { objects: 0, bytes: 0 }
      for (const { progress } of holdings.values()) add(sum, progress)
      return sum
    },
    still() {
      const now = performance.now()
      return [...holdings.values()].flatMap(({ packet, stillness, survey, progress, isWaiting, state }) => {
        const waits = isWaiting || state === 'telling' || survey?.isHeld === true
        const ms = stillness?.look(now, progress, survey?.seen ?? 0, waits) ?? null
        return ms === null ? [] : [{ ...named(packet), ms: Math.round(ms) }]
      })
    },
    moved() {
      const sum = { ...done }
      for (const { progress } of holdings.values()) add(sum, progress)
      return sum
    },
    places,
    weigh: slots.weigh,
    free() {
      if (isDraining) return 0
      const all = [...holdings.values()]
      const busy = placesOf(all.filter((h) => h.state === 'working' && !h.survey?.isHeld && !h.isWaiting))
      // Outcomes that the plane does not answer must not pile up.
      const untold = Math.max(0, placesOf(all.filter((h) => h.state === 'telling')) - places)
      return Math.max(0, Math.min(places - busy - untold, mostLeases - all.length))
    },
    async drain() {
      isDraining = true
      for (const { survey } of holdings.values()) survey?.drain()
      while (tasks.size > 0) await Promise.allSettled(tasks)
    },
    async stop() {
      isDraining = true
      abort(list(null), 'the session is over')
      await within(stopMs, Promise.allSettled(tasks))
      const closed = opening?.then((pass) => pass.close()).catch(() => {})
      if (closed) await within(closeMs, closed)
    },
  }
}

function workOn(job: Job): Promise<Key | null | Instead> {
  const all = job.pass.options.versions === 'all'
  if (job.packet.kind === 'verify') return all ? verifyChains(job) : verifyPacket(job)
  return all ? copyChains(job) : copyPacket(job)
}

/** The plane cannot take this outcome: the packet has failed instead. After any other answer it is no longer ours. */
export const isRejected = (message: StateChange, answer: Answer): answer is Answer & { is: 'refused' } =>
  answer.is === 'refused' && answer.code !== 'stale' && message.t === 'outcome'

function add(sum: Work, { objects, bytes }: Work): void {
  sum.objects += objects
  sum.bytes += bytes
}

/** Whole ones: an event, of which there may be hundreds a second, is one object mostly, and waits for answers most of its time. */
function placesOf(all: readonly Holding[]): number {
  const events = all.filter(({ packet }) => packet.kind === 'event').length
  return all.length - events + Math.ceil(events / eventsInPlace)
}

const named = ({ id, generation }: LeasedPacket): Held => ({ packet: id, generation })

/** The plane parks what is never to be tried again; a packet that was merely interrupted is not that. */
function presentable(error: DrayError): DrayError {
  if (error.code !== 'interrupted') return error
  return new DrayError('interrupted', error.op, error.message, { retry: 'later', cause: error })
}
