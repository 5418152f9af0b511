/**
 * Divides what an endpoint may be used for among the agents that use it. A holder is an agent's session, with what it was last told and,
 * apart from that, what it may be using at most (`bound`): a share that was lowered counts in full until the agent has said that it
 * obeys, and one that has fallen silent until its budget has run out by its own clock too. Only what nobody is bound to is given
 * away, so that the sum of what may be used never exceeds the limit, while shares move either.
 *
 * Who wants little gets it; the rest is for those that want more, in equal parts (max-min). What nobody wants is spread
 * over all, so that whoever wakes begins at once. Requests at once are whole; where there are fewer than holders, they take turns.
 */
import type { LimitValues } from '../../shared/limit.ts'

export const kinds = ['bandwidth', 'requests', 'concurrency'] as const
export type Kind = (typeof kinds)[number]
type Each = Readonly<Record<Kind, number>>

/** How long a budget holds since the agent sent the usage that it answers, in milliseconds. */
export const validMs = 15_000
/** The agent's clock begins earlier than ours; this is for clocks of different speed. */
const graceMs = 500

export interface Holder {
  readonly told: LimitValues
  /** Of the message that told it first; numbers rise. */
  readonly number: number
  /** What it may be using at most. Infinite where it was told of no bound. */
  readonly bound: Each
  /** Infinite: all that it can get. */
  readonly wants: Each
  readonly heardAt: number
  /** As it said last, a second. */
  readonly used: Each
  readonly held: Use['held']
}
export type Holders = ReadonlyMap<string, Holder>

/** What an agent says of one endpoint, of the last `ms` milliseconds. */
export interface Use {
  readonly ms: number
  readonly bytes: number
  readonly requests: number
  readonly inFlight: number
  /** What it could have used more of. */
  readonly held: Readonly<Record<Kind, boolean>>
  /** The share that it obeys now; null where it has none, and uses nothing. */
  readonly share: LimitValues | null
}

/** `applied`: the number of the last budget that it obeys. One that we do not know has its share from before we were started. */
export function heard(holder: Holder | undefined, use: Use, applied: number, now: number): Holder {
  const seconds = Math.max(use.ms, 1) / 1000
  const used = { bandwidth: use.bytes / seconds, requests: use.requests / seconds, concurrency: use.inFlight }
  const obeyed = holder === undefined ? use.share : holder.told
  const bound = holder !== undefined && applied < holder.number ? holder.bound : boundOf(obeyed)
  return {
    told: obeyed ?? nothing,
    number: holder?.number ?? 0,
    // What has begun goes on to its end.
    bound: { ...bound, concurrency: Math.max(bound.concurrency, use.inFlight) },
    wants: {
      bandwidth: wanted('bandwidth', holder, use, used),
      requests: wanted('requests', holder, use, used),
      concurrency: Math.max(1, Math.ceil(wanted('concurrency', holder, use, used))),
    },
    heardAt: now,
    used,
    held: use.held,
  }
}

/** A little more than it used; and what was wanted a moment ago is let go of slowly, since use comes in waves. */
function wanted(kind: Kind, holder: Holder | undefined, use: Use, used: Each): number {
  if (use.held[kind]) return Number.POSITIVE_INFINITY
  const before = holder?.wants[kind] ?? Number.POSITIVE_INFINITY
  return Math.max(used[kind] * 1.25, Number.isFinite(before) ? before * 0.8 : used[kind] * 1.5)
}

const nothing: LimitValues = { bandwidth: 0, requests: 0, concurrency: 0 }

const boundOf = (share: LimitValues | null): Each => ({
  bandwidth: amount((share ?? nothing).bandwidth),
  requests: amount((share ?? nothing).requests),
  concurrency: amount((share ?? nothing).concurrency),
})

const amount = (value: number | null) => value ?? Number.POSITIVE_INFINITY

/** Whether its budget has run out by any clock. */
export const isOver = ({ heardAt }: Holder, now: number): boolean => now - heardAt > validMs + graceMs

/** Of the holder's own share: less than that is not worth a message. */
const worthwhile = 0.02
/** How long one has a request that others wait for, in milliseconds. */
const turnMs = 3_000

/**
 * What each is told from now on; those that are over are gone. `mayRaise` false: others may be using what nobody here is
 * known to have. `number`: of the messages that this leads to; holders that it stands at are to be told.
 */
export function divide(
  limit: LimitValues,
  holders: Holders,
  now: number,
  number: number,
  mayRaise = true,
): Map<string, Holder> {
  const alive = [...holders].filter(([, holder]) => !isOver(holder, now))
  const told = alive.map(([, holder]) => ({ ...holder.told }))
  const bounds = alive.map(([, holder]) => ({ ...holder.bound }))
  for (const kind of kinds) {
    const bound = bounds.map((each) => each[kind])
    const wants = alive.map(([, holder]) => holder.wants[kind])
    const before = told.map((each) => amount(each[kind]))
    const most = limit[kind]
    const next =
      most === null
        ? {
            told: before.map(() => Number.POSITIVE_INFINITY),
            bound: bound.map(() => Number.POSITIVE_INFINITY),
          }
        : moved(most, targets(kind, most, wants, now), before, bound, kind === 'concurrency', mayRaise)
    next.told.forEach((value, i) => {
      told[i]![kind] = Number.isFinite(value) ? value : null
      bounds[i]![kind] = next.bound[i]!
    })
  }
  return new Map(
    alive.map(([id, holder], i) => {
      const isNew = kinds.some((kind) => told[i]![kind] !== holder.told[kind])
      return [id, { ...holder, told: told[i]!, bound: bounds[i]!, number: isNew ? number : holder.number }]
    }),
  )
}

function targets(kind: Kind, limit: number, wants: readonly number[], now: number): number[] {
  if (kind === 'concurrency') return fairPlaces(limit, wants, Math.floor(now / turnMs))
  // So that nobody is ever at nothing, and what somebody begins with is seen.
  const least = limit / 50 / Math.max(1, wants.length)
  return fairShares(
    limit,
    wants.map((want) => Math.max(want, least)),
  )
}

/** All of `limit`: to each what it wants as far as equal parts of what is left allow, and what is left then in equal parts. */
export function fairShares(limit: number, wants: readonly number[]): number[] {
  const shares = wants.map(() => 0)
  const order = wants.map((_, i) => i).toSorted((a, b) => wants[a]! - wants[b]!)
  let left = limit
  order.forEach((i, place) => {
    shares[i] = Math.min(wants[i]!, left / (order.length - place))
    left -= shares[i]!
  })
  const more = Math.max(0, left) / Math.max(1, wants.length)
  return shares.map((share) => share + more)
}

/** The same in whole numbers. `turn`: with whom odd ones begin, where there are too few for all. */
export function fairPlaces(limit: number, wants: readonly number[], turn: number): number[] {
  const shares = fairShares(limit, wants).map(Math.floor)
  const n = shares.length
  const begin = shares.some((share) => share === 0) ? turn : 0
  let left = limit - shares.reduce((sum, share) => sum + share, 0)
  for (const hungry of [true, false]) {
    for (let i = 0; i < n && left > 0; i++) {
      const at = (begin + i) % n
      if (hungry !== shares[at]! < wants[at]!) continue
      shares[at]!++
      left--
    }
  }
  return shares
}

/** From what was told towards the targets, as far as nothing is given twice. */
function moved(
  limit: number,
  target: readonly number[],
  before: readonly number[],
  bound: readonly number[],
  isWhole: boolean,
  mayRaise: boolean,
): { told: number[]; bound: number[] } {
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0)
  const isTooMuch = sum(bound) > limit
  const told = before.map((value, i) => {
    const wanted = target[i]!
    // What it may be using as yet it can as well be told of again.
    if (wanted >= value) return Math.max(value, Math.min(wanted, bound[i]!))
    const isLittle = !isWhole && value - wanted < value * worthwhile
    return isLittle && !isTooMuch ? value : wanted
  })
  const free = mayRaise ? limit - sum(bound) : 0
  const missing = target.map((value, i) => Math.max(0, value - bound[i]!))
  const all = sum(missing)
  if (!(free > 0) || all === 0) return { told, bound: [...bound] }
  const isEnough = free >= all
  let left = free
  const given = missing.map((value, i) => {
    const part = isEnough ? value : (free * value) / all
    const isLittle = !isWhole && part < bound[i]! * worthwhile
    const whole = Math.min(left, isWhole ? (isEnough ? value : Math.ceil(part)) : isLittle ? 0 : part)
    const gives = isWhole ? Math.floor(whole) : whole
    left -= gives
    return gives
  })
  return {
    told: told.map((value, i) => (given[i]! > 0 ? bound[i]! + given[i]! : value)),
    bound: bound.map((value, i) => value + given[i]!),
  }
}
