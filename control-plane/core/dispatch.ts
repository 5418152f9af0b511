/**
 * Who gets which packet: pure choices over the queue and the agents' free slots.
 *
 * Where there is less than the idle slots could take, the fastest agents get it (speed.ts): a slow one is never given what
 * a faster one with nothing to do could have. Agents of like speed share it.
 *
 * Events come first, in most of an agent's slots. Surveys come first while little is ready, so that there is always something to copy; copying comes first once enough
 * is. One survey is kept going, and no agent surveys in all its slots, so that copying starts with the first packet.
 * A survey that is far ahead is held: its agent cuts on when the others have caught up.
 */
import type { ReadyQueue } from './queue.ts'
import { bySpeed, isSlower } from './speed.ts'

/** Below this many ready packets a survey is worth more than a copy. */
export const fewReady = 200
/** Above this many a survey is held, and goes on below half. */
export const manyReady = 2_000
/** Leases that one session may hold, whatever it asks for. */
export const maxHeld = 1_000

/** An agent that is connected. `dispatch` takes from `free` and adds to the others. */
export interface Slots {
  readonly session: number
  free: number
  held: number
  surveys: number
  events: number
  /** Packets a second that one of its slots settles; null: not measured yet. */
  readonly rate: number | null
}

export interface Grant {
  readonly session: number
  readonly packet: number
}

/**
 * Milliseconds for which an agent is given nothing after so many packets in a row that it could not work on, while there are others: one
 * that does not reach a store after all would fail one packet after the other, until each is parked.
 */
export const restAfter = (failures: number): number =>
  failures < restsFrom ? 0 : Math.min(60_000, 1_000 * 2 ** (failures - 2))
export const restsFrom = 3

/** What is leased now, in rounds of one packet an agent, so that little work is spread over all that are alike. */
export function dispatch(queue: ReadyQueue, agents: readonly Slots[], surveysGoing: number): Grant[] {
  const ready = queue.work + queue.surveys + queue.events
  if (ready === 0) return []
  const bySession = new Map(agents.map((agent) => [agent.session, agent]))
  const grants: Grant[] = []
  let going = surveysGoing

  /** Whether `asking` may take what the session `whose` surveyed. */
  function isLeft(whose: number, asking: Slots): boolean {
    const owner = bySession.get(whose)
    return !owner || !hasRoom(owner) || isSlower(owner.rate, asking.rate)
  }

  function give(agent: Slots): void {
    const event = wantsEvent(queue, agent) ? queue.takeEvent() : null
    const survey = event === null && wantsSurvey(queue, agent, going) ? queue.takeSurvey() : null
    const packet = event ?? survey ?? queue.takeWork(agent.session, (whose) => isLeft(whose, agent))
    if (packet === null) return
    agent.free--
    agent.held++
    if (event !== null) agent.events++
    if (survey !== null) {
      agent.surveys++
      going++
    }
    grants.push({ session: agent.session, packet })
  }

  const idle = agents.filter(hasRoom)
  const slots = idle.reduce((sum, { free, held }) => sum + Math.min(free, maxHeld - held), 0)
  const groups = ready < slots ? bySpeed(idle) : [idle]
  /** Until nobody in it can be given any more. */
  function giveAll(group: readonly Slots[]): void {
    for (let before = -1; before < grants.length; ) {
      before = grants.length
      for (const agent of group) if (hasRoom(agent)) give(agent)
    }
  }
  // Once the others are full, what they surveyed is left to whoever is not.
  for (let before = -1; before < grants.length; ) {
    before = grants.length
    groups.forEach(giveAll)
  }
  return grants
}

const hasRoom = ({ free, held }: Slots) => free > 0 && held < maxHeld

function wantsSurvey(queue: ReadyQueue, agent: Slots, going: number): boolean {
  if (queue.surveys === 0 || queue.work >= manyReady) return false
  if (going === 0) return true
  return agent.surveys < mostOf(agent) && queue.work < fewReady
}

/** At once, but not in every slot of an agent while there is something else to do: what changes all the time must not keep it from ever being done. */
function wantsEvent(queue: ReadyQueue, agent: Slots): boolean {
  if (queue.events === 0) return false
  return queue.work + queue.surveys === 0 || agent.events < mostOf(agent)
}

/** How many of an agent's slots go to one kind of work, where there are others. */
function mostOf({ free, held }: Slots): number {
  const slots = free + held
  return Math.max(1, slots - Math.max(1, slots >> 2))
}

/** Whether a survey waits before its next cut. Never while nobody works on what it found: nothing would ever catch up. */
export const holds = (ready: number, working: number): boolean => ready > manyReady && working > 0

/** Whether those that were held go on. */
export const proceeds = (ready: number, working: number): boolean => ready < manyReady / 2 || working === 0

/** Milliseconds that a survey runs before it is asked to give a part away, and between two such requests. */
export const splitAfterMs = 400
export const splitPauseMs = 2_000

export interface RunningSurvey {
  readonly packet: number
  /** When it was leased, and when it was last asked (0: never). */
  readonly since: number
  readonly asked: number
}

/**
 * Which surveys to divide, and into how many pieces, for the idle slots that nothing is ready for; and when to look
 * again, where one cannot be asked yet.
 */
export function pleaseSplit(
  surveys: Iterable<RunningSurvey>,
  idleSlots: number,
  now: number,
): { ask: { packet: number; parts: number }[]; again: number | null } {
  const due: number[] = []
  let again: number | null = null
  for (const { packet, since, asked } of surveys) {
    const at = Math.max(since + splitAfterMs, asked === 0 ? 0 : asked + splitPauseMs)
    if (at > now) again = Math.min(again ?? at, at)
    else if (due.length < idleSlots) due.push(packet)
  }
  if (due.length > 0) again = Math.min(again ?? Number.POSITIVE_INFINITY, now + splitPauseMs)
  // Each gives to as many idle slots as fall to it.
  const ask = due.map((packet, i) => ({ packet, parts: 1 + Math.ceil((idleSlots - i) / due.length) }))
  return { ask, again: idleSlots > 0 ? again : null }
}
