/**
 * The agent's part of the governor: asks the control plane for shares of the limited endpoints that it uses, tells what it does there,
 * and keeps to what it is told, in what all of its threads share (storage/allowance.ts).
 *
 *   free      it has no limit
 *   limited   it has one, and nobody here uses it: nothing is allowed
 *   claimed   somebody does: told of every second; a share counts from its budget on, for as long as that is valid since the
 *             usage that it answers was sent. Without one nothing is allowed.
 *
 * The plane gives a share away when it has run out by its own clock, which begins later than ours.
 */
import type { LimitValues } from '../../shared/limit.ts'
import type { EndpointUse, FleetAgentMessage, FleetPlaneMessage } from '../../shared/protocol.ts'
import { Allowance, forever, type Tally } from '../storage/allowance.ts'

export type BudgetMessage = FleetPlaneMessage & { t: 'limited' | 'budget' }

export interface BudgetsOptions {
  /** Of an endpoint by itself, whatever the plane says: for a command that was told. */
  own?: ((endpoint: string) => LimitValues | null) | undefined
  /** An endpoint has an allowance now, or (null) no limit any more: for all threads. */
  changed(endpoint: string, allowance: Allowance | null): void
}

export interface Budgets {
  /** To whom usage is told. */
  connect(send: (message: FleetAgentMessage & { t: 'usage' }) => void): void
  /** The line is open: what is used must be known there. */
  opened(): void
  heard(message: BudgetMessage): void
  /** Somebody uses it for the first time. */
  used(endpoint: string): void
  /** Somebody waits for a share of it. */
  needed(endpoint: string): void
  /** Gives everything back. */
  close(): void
}

interface Limited {
  readonly allowance: Allowance
  /** By the plane. */
  governed: boolean
  /** Of the first usage that told of it; null where none has. */
  claimed: number | null
  share: LimitValues | null
  /** As last told. */
  told: Tally
  toldAt: number
  usedAt: number
}

/** Milliseconds. */
const tellEvery = 1_000
/** An endpoint that nobody has used for so long is given back. */
const keepFor = 3_000
/** Of the time: less is no want, but the grain of traffic. */
const heldShare = 0.1

export function openBudgets({ own = () => null, changed }: BudgetsOptions): Budgets {
  const all = new Map<string, Limited>()
  /** When usages were sent that no budget has answered yet, in nanoseconds. */
  const sent = new Map<number, bigint>()
  let send: (message: FleetAgentMessage & { t: 'usage' }) => void = () => {}
  let seq = 0
  let applied = 0
  let ticking: NodeJS.Timeout | null = null

  function limit(endpoint: string, governed: boolean): void {
    let limited = all.get(endpoint)
    if (!limited) {
      const allowance = new Allowance()
      const told = allowance.tally
      limited = { allowance, governed, claimed: null, share: null, told, toldAt: 0, usedAt: 0 }
      all.set(endpoint, limited)
    }
    limited.governed = governed
    if (governed) limited.allowance.revoke()
    else limited.allowance.allow(own(endpoint)!, forever)
    changed(endpoint, limited.allowance)
  }

  function free(endpoint: string): void {
    const limited = all.get(endpoint)!
    if (own(endpoint)) {
      Object.assign(limited, { claimed: null, share: null })
      limit(endpoint, false)
      return
    }
    all.delete(endpoint)
    changed(endpoint, null)
  }

  function limitedAre(endpoints: readonly string[]): void {
    const named = new Set(endpoints)
    for (const [endpoint, { governed }] of all) if (governed && !named.has(endpoint)) free(endpoint)
    for (const endpoint of named) if (!all.get(endpoint)?.governed) limit(endpoint, true)
  }

  function obey({ number, heard, validMs, shares }: BudgetMessage & { t: 'budget' }): void {
    const sentAt = sent.get(heard)
    for (const each of sent.keys()) if (each < heard) sent.delete(each)
    applied = Math.max(applied, number)
    if (sentAt === undefined) return
    let isLower = false
    for (const { endpoint, share } of shares) {
      const limited = all.get(endpoint)
      // It was given back since.
      if (limited?.claimed == null || limited.claimed > heard) continue
      isLower ||= limited.share !== null && lowers(limited.share, share)
      limited.share = share
      limited.allowance.allow(lesser(share, own(endpoint)), sentAt + BigInt(validMs) * 1_000_000n)
      changed(endpoint, limited.allowance)
    }
    // Others wait for what was taken.
    if (isLower) tell()
  }

  function tell(): void {
    const now = performance.now()
    const endpoints: EndpointUse[] = []
    const number = ++seq
    for (const [endpoint, limited] of all) {
      if (!limited.governed || limited.claimed === null) continue
      const { allowance, told, toldAt } = limited
      const tally = allowance.tally
      const ms = Math.max(1, Math.round(now - toldAt))
      if (
        tally.inFlight > 0 ||
        tally.requests > told.requests ||
        tally.bytes > told.bytes ||
        held(told, tally, 0)
      )
        limited.usedAt = now
      if (now - limited.usedAt > keepFor) {
        Object.assign(limited, { claimed: null, share: null })
        allowance.revoke()
        continue
      }
      const isHeld = (kind: keyof Tally['held']) =>
        limited.share === null || tally.held[kind] - told.held[kind] > heldShare * ms * 1e6
      endpoints.push({
        endpoint,
        ms,
        bytes: Math.max(0, tally.bytes - told.bytes),
        requests: tally.requests - told.requests,
        inFlight: Math.max(0, tally.inFlight),
        held: {
          bandwidth: isHeld('bandwidth'),
          requests: isHeld('requests'),
          concurrency: isHeld('concurrency'),
        },
        share: allowance.isValid ? limited.share : null,
      })
      // What is told at once, for another reason, is no measure of anything.
      if (ms < tellEvery / 4) continue
      limited.told = tally
      limited.toldAt = now
    }
    sent.set(number, process.hrtime.bigint())
    send({ t: 'usage', seq: number, applied, endpoints })
    if (endpoints.length > 0) ticking ??= setInterval(tell, tellEvery)
    else rest()
  }

  function rest(): void {
    if (ticking) clearInterval(ticking)
    ticking = null
    sent.clear()
  }

  return {
    connect(to) {
      send = to
    },
    opened() {
      if (ticking) tell()
    },
    heard: (message) => (message.t === 'limited' ? limitedAre(message.endpoints) : obey(message)),
    used(endpoint) {
      if (!all.has(endpoint) && own(endpoint)) limit(endpoint, false)
    },
    needed(endpoint) {
      const limited = all.get(endpoint)
      if (!limited) {
        // A thread was quicker than the main one.
        if (own(endpoint)) limit(endpoint, false)
        else changed(endpoint, null)
        return
      }
      if (!limited.governed || limited.claimed !== null) return
      Object.assign(limited, { claimed: seq + 1, told: limited.allowance.tally, toldAt: performance.now() })
      limited.usedAt = limited.toldAt
      tell()
    },
    close() {
      const isTold = ticking !== null
      for (const limited of all.values()) limited.claimed = null
      if (isTold) tell()
      rest()
    },
  }
}

const held = (before: Tally, now: Tally, least: number): boolean =>
  now.held.bandwidth - before.held.bandwidth > least ||
  now.held.requests - before.held.requests > least ||
  now.held.concurrency - before.held.concurrency > least

const amount = (value: number | null) => value ?? Number.POSITIVE_INFINITY

const lowers = (before: LimitValues, now: LimitValues): boolean =>
  amount(now.bandwidth) < amount(before.bandwidth) ||
  amount(now.requests) < amount(before.requests) ||
  amount(now.concurrency) < amount(before.concurrency)

function lesser(share: LimitValues, own: LimitValues | null): LimitValues {
  if (own === null) return share
  const least = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.min(a, b))
  return {
    bandwidth: least(share.bandwidth, own.bandwidth),
    requests: least(share.requests, own.requests),
    concurrency: least(share.concurrency, own.concurrency),
  }
}
