/** What is kept of a migration's life, and what brings it on (life.ts). */
import type { Check, Direction, Follow, LifeCommand, LifeState, LifeView } from '../../shared/life.ts'
import { type CutOverStep, defaultFollow } from '../../shared/life.ts'
import type { Depth } from '../../shared/policy.ts'

/** What a pass of the life is for. `verify`: somebody asked for one. The last three are steps of the checklist. */
export type Purpose = 'follow' | 'verify' | 'last-pass' | 'quiet' | 'verification'

/** A pass that the life has begun, and that runs. `settled`: nothing was left to do of it when it had made so many changes, and it holds. */
export interface Own {
  readonly number: number
  readonly purpose: Purpose
  readonly settled: number | null
}

/** Sums of what a verification saw of both sides; where the agents seal nothing, counts. */
export interface Seen {
  readonly source: string
  readonly destination: string
}

/** How a pass stands. */
export interface PassFacts {
  readonly number: number
  readonly state: 'running' | 'complete' | 'incomplete' | 'cancelled'
  readonly startedAt: number
  /** Objects that were copied or deleted, by its events too. */
  readonly changes: number
  /** Failures that nobody has done anything about, and those that are waived. */
  readonly open: number
  readonly waived: number
  /** Of both: conflicts. */
  readonly conflicts: number
  /** Packets that were given up. */
  readonly parked: number
  /** Of a verification: objects that are at the side alone that follows. */
  readonly extra: number
  readonly seen: Seen
}

/** What is so at the moment, besides the life itself. */
export interface Surroundings {
  readonly now: number
  /** The pass that runs, whoever has begun it; null: none does. */
  readonly running: number | null
  /** Failures and packets that the last pass has left open, and failures that are waived. */
  readonly open: number
  readonly parked: number
  readonly waived: number
  /** When the oldest event was that waits, and since when there is what the running pass has found and not done (ms); null: there is none. */
  readonly oldestEvent: number | null
  readonly oldestFound: number | null
  /** Until then (ms) what an agent that has lost its lease was writing may still land. */
  readonly looseUntil: number
}

/** The checklist of a cut-over, or of a roll-back (checklist.ts). */
export interface Checklist {
  /** Where `abandon` leads. */
  readonly before: LifeState
  /** All of them, in their order. */
  readonly checks: readonly Check[]
  /** Of the two listings that have to agree, the first: its pass, when that began, what it saw. */
  readonly first: { readonly pass: number; readonly startedAt: number; readonly seen: Seen } | null
  /** How often it had to go back to the last pass. */
  readonly rounds: number
  /** When the last pass began; null: none has come to its end. */
  readonly lastAt: number | null
  /** Conflicts that the last pass left, each waived: so many objects may be at one side alone. */
  readonly conflicts: number
  /** How the next last pass compares, where a verification found what the one before took for equal. */
  readonly compare: 'checksum' | 'full' | null
}

/** What could not be done, so often in a row; when it is tried again (ms). */
export interface Trouble {
  readonly tries: number
  readonly at: number
  readonly message: string
}

export interface Life {
  readonly revision: number
  readonly state: LifeState
  /** Which way it follows. The application writes to the source while that is `forward`. */
  readonly direction: Direction
  readonly since: number
  readonly paused: { readonly since: number; readonly by: string } | null
  readonly follow: Follow
  /** Why the source could not follow the destination; null: it could. */
  readonly noWayBack: Refused | null
  /** Whether a pass has looked at everything, once. */
  readonly isBackfilled: boolean
  /** Whether the application was ever at the destination: what was changed there is a conflict from then on. */
  readonly wasOver: boolean
  readonly own: Own | null
  /** The last pass that it began. */
  readonly pass: number | null
  /** Seconds between the last pass and the next, and when that begins (ms). */
  readonly pause: number
  readonly nextAt: number
  /** A verification that somebody asked for. */
  readonly verify: { readonly depth: Depth; readonly sample: number | null } | null
  readonly checklist: Checklist | null
  readonly trouble: Trouble | null
  /** Since when something is open (ms): from the start of the first pass in a row that left something. */
  readonly failingSince: number | null
  readonly provenAt: number | null
  readonly certificate: LifeView['certificate']
  /** Whether uploads that its passes have begun are still to be aborted. */
  readonly clears: boolean
  /** The newest first. */
  readonly history: LifeView['history']
}

export const newLife: Life = {
  revision: 0,
  state: 'draft',
  direction: 'forward',
  since: 0,
  paused: null,
  follow: defaultFollow,
  noWayBack: null,
  isBackfilled: false,
  wasOver: false,
  own: null,
  pass: null,
  pause: 0,
  nextAt: 0,
  verify: null,
  checklist: null,
  trouble: null,
  failingSince: null,
  provenAt: null,
  certificate: null,
  clears: false,
  history: [],
}

export type Deed = 'declare' | 'retry' | 'waive'

export type Command =
  | { readonly do: Exclude<LifeCommand, 'pause' | 'verify'> }
  | { readonly do: 'pause'; readonly inFlight: 'finish' | 'stop' }
  | { readonly do: 'verify'; readonly depth: Depth; readonly sample: number | null }
  | { readonly do: Deed; readonly step: CutOverStep; readonly reason?: string | undefined }

export type LifeEvent =
  | { readonly t: 'command'; readonly command: Command; readonly by: string }
  /** The migration as the catalogue has it now. */
  | { readonly t: 'defined'; readonly follow: Follow; readonly noWayBack: Refused | null }
  /** A pass of its own. */
  | { readonly t: 'began'; readonly pass: number; readonly purpose: Purpose }
  | { readonly t: 'surveyed'; readonly pass: number }
  | { readonly t: 'settled'; readonly pass: PassFacts }
  | { readonly t: 'ended'; readonly pass: PassFacts; readonly by: string | null }
  | { readonly t: 'tick' }
  /** Of what it wanted done (errand.ts). */
  | { readonly t: 'failed'; readonly message: string }
  | { readonly t: 'uploads'; readonly open: number; readonly more: boolean }
  | { readonly t: 'certified'; readonly pass: number; readonly root: string; readonly issuedAt: number }
  | { readonly t: 'cleared' }

/** What is done about the pass that runs, in the same transaction. */
export type LifeEffect =
  | { readonly is: 'hold'; readonly until: number | null }
  | { readonly is: 'pause'; readonly inFlight: 'finish' | 'stop'; readonly by: string }
  | { readonly is: 'resume' }
  | { readonly is: 'cancel' }

export interface Refused {
  readonly message: string
  /** What can be done instead. */
  readonly hint: string
}

/** `refused`: the life is as it was. */
export interface Stepped {
  readonly life: Life
  readonly effects: readonly LifeEffect[]
  readonly refused: Refused | null
}

/** Of a command: what comes of it, or why it does not fit. */
export interface Done {
  readonly life: Life
  readonly effects?: readonly LifeEffect[]
}
export type Answer = Done | Refused
export const no = (message: string, hint: string): Refused => ({ message, hint })

/** When, and by whom something was asked. */
export interface Said {
  readonly now: number
  readonly by: string
}

/** Of a pass that holds, which has nothing left to do. */
export const endsNow = { is: 'hold', until: null } as const

/** Who does what nobody asked for. */
export const itself = 'Dray'
const mostHistory = 100

/** In another state, or way; `why` is a sentence. */
export function became(
  life: Life,
  to: Partial<Life>,
  { now, by, why }: { readonly now: number; readonly by: string; readonly why: string },
): Life {
  const { state, direction } = { ...life, ...to }
  const entry = { at: now, by, state, direction, why }
  return {
    ...life,
    ...to,
    since: state === life.state && direction === life.direction ? life.since : now,
    history: [entry, ...life.history].slice(0, mostHistory),
  }
}

type Standing = Pick<Life, 'state' | 'wasOver' | 'noWayBack'>

/** Whether passes follow one another in this state, by themselves. */
export const follows = ({ state, wasOver, noWayBack }: Standing): boolean =>
  state === 'surveying' ||
  state === 'backfilling' ||
  state === 'following' ||
  (state === 'cut-over' && noWayBack === null) ||
  (state === 'rolled-back' && wasOver)

export const inChecklist = ({ state }: Pick<Life, 'state'>): boolean =>
  state === 'verifying' || state === 'ready'

/** Whether anything goes on, or waits for an operator in the middle of it. */
export const isUnderWay = (life: Standing): boolean =>
  follows(life) || inChecklist(life) || life.state === 'cut-over'

/** The side that the application writes to, and the other one. */
export const sideLeft = ({ direction }: Pick<Life, 'direction'>) =>
  direction === 'forward' ? 'source' : 'destination'
export const sideNext = ({ direction }: Pick<Life, 'direction'>) =>
  direction === 'forward' ? 'destination' : 'source'
