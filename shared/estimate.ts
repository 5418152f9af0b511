/**
 * What a migration is going to take, from the sums of a scan: time as a range, requests and their price at both ends. Pure. It is an estimate of a first
 * pass into an empty destination, where nothing fails; each assumption is written beside its number.
 */
import { packetBounds } from './policy.ts'
import type { Prices } from './prices.ts'

/** Of a scan (api/browse.ts), of all its parts added up. */
export interface Sums {
  readonly taken: { readonly objects: number; readonly bytes: number }
  /** What the filter leaves out is listed too. */
  readonly left: { readonly objects: number }
  /** How many of what is taken have below 1 KiB, 1 MiB, 64 MiB, 1 GiB, and more. */
  readonly sizes: readonly number[]
}

/** Per second, of the whole migration. */
export interface Rate {
  readonly bytes: number
  readonly objects: number
}

/** Of one agent where nothing was measured: between a busy line and distant stores, and a line of 1 Gbit/s and stores near by. */
export const assumedRates: { readonly slow: Rate; readonly fast: Rate } = {
  slow: { bytes: 20_000_000, objects: 100 },
  fast: { bytes: 110_000_000, objects: 1_000 },
}
/** What was measured goes on between these shares of it. */
const spread = { slow: 0.6, fast: 1.2 }

/** Objects from the fourth size class on go up in parts of this many bytes, unless the source's own parts are known and others. */
export const partBytes = 16 * 1024 * 1024
const pageKeys = 1_000

/** `prices`: null for a directory, of which nothing is asked. */
export interface EstimateOptions {
  readonly source: Prices | null
  readonly destination: Prices | null
  /** What this migration, or one like it, has moved already. */
  readonly measured?: Rate | null
}

export interface Requests {
  readonly list: number
  readonly read: number
  readonly write: number
}

export interface EndEstimate {
  readonly requests: Requests
  /** In US dollars; null where nobody is paid for requests (a directory). */
  readonly cost: { readonly requests: number; readonly egress: number; readonly total: number } | null
}

export interface Estimate {
  readonly objects: number
  readonly bytes: number
  /** Seconds, at the least and at the most. */
  readonly seconds: { readonly least: number; readonly most: number }
  readonly packets: number
  readonly source: EndEstimate
  readonly destination: EndEstimate
}

export function estimate(sums: Sums, { source, destination, measured }: EstimateOptions): Estimate {
  const { objects, bytes } = sums.taken
  const packets = Math.max(
    Math.ceil(objects / packetBounds.workObjects),
    Math.ceil(bytes / packetBounds.workBytes),
  )
  const large = (sums.sizes[3] ?? 0) + (sums.sizes[4] ?? 0)
  const parts = large === 0 ? 0 : Math.ceil(largeBytes(sums) / partBytes) + large
  // By the survey, and by each packet its own range, which begins within a page and ends within one.
  const pages = Math.ceil((objects + sums.left.objects) / pageKeys)
  const lists = Math.max(1, pages) + 2 * Math.max(pages, packets)
  const asked: Requests = {
    list: lists,
    // A large one is looked at before its parts are read, and after.
    read: objects - large + parts + 2 * large,
    write: 0,
  }
  const given: Requests = {
    list: 1 + packets,
    // A large one is looked at when it is whole.
    read: large,
    // A large one is begun and completed.
    write: objects - large + parts + 2 * large,
  }
  return {
    objects,
    bytes,
    seconds: secondsOf(sums.taken, measured ?? null),
    packets,
    source: endOf(source, asked, bytes),
    destination: endOf(destination, given, 0),
  }
}

/** At the most: as if all others were as small as their class allows. */
function largeBytes({ taken, sizes }: Sums): number {
  const [, small = 0, middle = 0] = sizes
  return Math.max(0, taken.bytes - small * 1024 - middle * 1024 ** 2)
}

function secondsOf({ objects, bytes }: Rate, measured: Rate | null): { least: number; most: number } {
  const scaled = (share: number, rate: Rate) => ({ bytes: rate.bytes * share, objects: rate.objects * share })
  const isUsable = measured !== null && measured.bytes > 0 && measured.objects > 0
  const slow = isUsable ? scaled(spread.slow, measured) : assumedRates.slow
  const fast = isUsable ? scaled(spread.fast, measured) : assumedRates.fast
  const at = (rate: Rate) => Math.max(bytes / rate.bytes, objects / rate.objects)
  return { least: at(fast), most: at(slow) }
}

function endOf(prices: Prices | null, requests: Requests, leaving: number): EndEstimate {
  if (prices === null) return { requests: { list: 0, read: 0, write: 0 }, cost: null }
  const { list, read, write, egress } = prices
  const paid = (requests.list * list + requests.read * read + requests.write * write) / 1_000
  const out = (leaving / 1e9) * egress
  return { requests, cost: { requests: paid, egress: out, total: paid + out } }
}
