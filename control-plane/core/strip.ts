/**
 * The key space of a pass as at most 1,600 buckets in its order, each with what its packets come to: kept up from one packet to the next,
 * never worked out from rows while somebody looks.
 *
 * Invariant: no packet that covers something lies in two buckets. Packets are only ever refined, so the end of any packet, once it is a
 * boundary, stays one. While there are few packets, each has a bucket of its own: a bucket is divided where its upper end is known to be
 * one packet alone, its *top* (what is left of a survey, mostly). Past the bound, neighbours are merged, the emptiest first. All figures are
 * sums, so merging loses where a failure is, never that it is.
 */
import type { Key } from '../../shared/key.ts'
import { covers, type NewPacket, type Packet } from './packet-state.ts'

export const maxBuckets = 1_600
/** Characters that all boundaries together have at most, since one key may have 4,096. */
const maxText = 200_000

const stripStates = ['survey', 'ready', 'leased', 'done', 'parked'] as const

/** Packets by state (`survey`: not surveyed yet, by whomever), objects that failed, and what is known or expected to be there. */
export interface Tally {
  survey: number
  ready: number
  leased: number
  done: number
  parked: number
  failed: number
  objects: number
  bytes: number
}
export const tallied = [...stripStates, 'failed', 'objects', 'bytes'] as const satisfies (keyof Tally)[]

export interface Bucket {
  /** Null: to the end of all keys. It begins where the one before it ends. */
  readonly through: Key | null
  readonly tally: Tally
  /** The strip's revision when it last changed. */
  changed: number
}

interface Top {
  readonly id: number
  after: Key | null
  share: Tally
}

interface Live extends Bucket {
  through: Key | null
  tally: Tally
  /** The packet that ends where the bucket does, where that is known. */
  top: Top | null
}

export const zeroTally = (): Tally => ({
  ...{ survey: 0, ready: 0, leased: 0, done: 0, parked: 0 },
  ...{ failed: 0, objects: 0, bytes: 0 },
})

export function shareOf(packet: NewPacket): Tally {
  const share = zeroTally()
  if (!covers(packet)) return share
  const counts = packet.state === 'done' ? packet.counts : null
  share.failed = counts?.objects.failed ?? 0
  share.objects = counts?.objects.listed ?? packet.work.objects
  share.bytes = counts?.bytes.listed ?? packet.work.bytes
  share[placeOf(packet)] = 1
  return share
}

function placeOf({ kind, state }: NewPacket): (typeof stripStates)[number] {
  if (state === 'parked') return 'parked'
  if (kind === 'survey') return 'survey'
  // A large object whose parts are at work.
  return state === 'expanded' ? 'leased' : state
}

function add(into: Tally, from: Tally, sign: 1 | -1 = 1): void {
  for (const name of tallied) into[name] += sign * from[name]
}

const sum = (a: Tally, b: Tally): Tally => {
  const both = { ...a }
  add(both, b)
  return both
}

export class Strip {
  #buckets: Live[]
  #text: number
  readonly #most: number
  /** Rises with each change. */
  revision = 1

  /** `boundaries`: ends of packets, in any order; the last bucket goes to the end of all keys. */
  constructor(boundaries: Iterable<Key | null> = [], most = maxBuckets) {
    const ends = [...new Set(boundaries)].filter((key) => key !== null).sort((a, b) => (a < b ? -1 : 1))
    this.#most = most
    this.#text = ends.reduce((total, key) => total + key.length, 0)
    this.#buckets = [...ends, null].map((through) => ({
      ...{ through, tally: zeroTally(), changed: 1, top: null },
    }))
    this.#merge()
  }

  /** One that was kept. */
  static of(buckets: readonly { readonly through: Key | null; readonly tally: Tally }[]): Strip {
    const strip = new Strip()
    strip.#buckets = buckets.map((bucket) => ({ ...bucket, changed: 1, top: null }))
    return strip
  }

  get buckets(): readonly Bucket[] {
    return this.#buckets
  }

  /** What the ledger tells of a packet: new (`before` is null) or changed. What leaves its range is told before it is. */
  became(before: Packet | null, after: Packet): void {
    if (before) this.#change(before, after)
    else if (covers(after)) this.#insert(after)
  }

  /** One that was there before this strip was, as it is. */
  count(packet: Packet): void {
    if (!covers(packet)) return
    const bucket = this.#buckets[this.indexOf(packet.through)]!
    this.#put(bucket, packet, shareOf(packet))
  }

  /** Nobody works any more. */
  cancel(): void {
    this.revision++
    for (const bucket of this.#buckets) {
      if (bucket.tally.leased === 0) continue
      bucket.tally.ready += bucket.tally.leased
      bucket.tally.leased = 0
      bucket.changed = this.revision
    }
  }

  /** Of the bucket that a packet ending there lies in. */
  indexOf(through: Key | null): number {
    let low = 0
    let high = this.#buckets.length - 1
    if (through === null) return high
    while (low < high) {
      const middle = (low + high) >> 1
      const end = this.#buckets[middle]!.through
      if (end === null || end >= through) high = middle
      else low = middle + 1
    }
    return low
  }

  #put(bucket: Live, packet: Packet, share: Tally): void {
    add(bucket.tally, share)
    if (packet.through === bucket.through) bucket.top = { id: packet.id, after: packet.after, share }
    bucket.changed = ++this.revision
  }

  #insert(packet: Packet): void {
    const share = shareOf(packet)
    const at = this.indexOf(packet.through)
    const bucket = this.#buckets[at]!
    const { top } = bucket
    const start = at === 0 ? null : this.#buckets[at - 1]!.through
    if (top && packet.through !== bucket.through && packet.after === top.after) {
      // Cut off the lower end of what the top is: that goes on above it.
      const below = this.#divide(at, packet.through!, top.share)
      bucket.top = { ...top, after: packet.through }
      this.#put(below, packet, share)
      if (packet.after !== null && packet.after !== start) this.#divide(at, packet.after, share)
    } else if (top && packet.through === bucket.through && packet.after !== start && packet.after !== null) {
      // The upper part of what the top is; where it takes all of it, that one is about to go.
      const isAll = top.after === packet.after
      const below = this.#divide(at, packet.after, isAll ? top.share : zeroTally())
      if (!isAll) below.top = top
      this.#put(bucket, packet, share)
    } else {
      this.#put(bucket, packet, share)
    }
    this.#merge()
  }

  /** A new bucket below `through`; the one that was there keeps `upper`, and its top. */
  #divide(at: number, through: Key, upper: Tally): Live {
    const bucket = this.#buckets[at]!
    const tally = { ...bucket.tally }
    add(tally, upper, -1)
    const below: Live = { through, tally, changed: ++this.revision, top: null }
    bucket.tally = { ...upper }
    bucket.changed = this.revision
    this.#buckets.splice(at, 0, below)
    this.#text += through.length
    return below
  }

  #change(before: Packet, after: Packet): void {
    const bucket = this.#buckets[this.indexOf(after.through)]!
    const share = shareOf(after)
    add(bucket.tally, shareOf(before), -1)
    if (bucket.top?.id === after.id) bucket.top = null
    if (covers(after)) this.#put(bucket, after, share)
    bucket.changed = ++this.revision
  }

  /** Down to half the bound, so that it takes as many divisions before it is done again. */
  #merge(): void {
    if (this.#buckets.length <= this.#most && this.#text <= maxText) return
    const weightOf = ({ tally }: Live) => 1 + stripStates.reduce((total, state) => total + tally[state], 0)
    const all = this.#buckets.reduce((total, bucket) => total + weightOf(bucket), 0)
    const text = this.#text
    // Of any two neighbours that stay apart, one bound is passed; so there are few.
    const most = { weight: (4 * all) / this.#most, text: (4 * text) / this.#most }
    const bound = text > maxText ? most : { ...most, text: Number.POSITIVE_INFINITY }
    const merged: Live[] = []
    let held = { weight: Number.POSITIVE_INFINITY, text: 0 }
    this.revision++
    for (const bucket of this.#buckets) {
      const its = { weight: weightOf(bucket), text: bucket.through?.length ?? 0 }
      const both = { weight: held.weight + its.weight, text: held.text + its.text }
      const last = merged.at(-1)
      if (!last || both.weight > bound.weight || both.text > bound.text) {
        merged.push(bucket)
        held = its
        continue
      }
      bucket.tally = sum(last.tally, bucket.tally)
      bucket.changed = this.revision
      merged.splice(-1, 1, bucket)
      held = both
    }
    this.#buckets = merged
    this.#text = merged.reduce((total, { through }) => total + (through?.length ?? 0), 0)
    // Long keys that would not fit in any other way.
    if (this.#text > maxText) this.#pair()
  }

  #pair(): void {
    while (this.#text > maxText && this.#buckets.length > 1) {
      const pairs: Live[] = []
      for (let i = 0; i < this.#buckets.length; i += 2) {
        const [first, second] = [this.#buckets[i]!, this.#buckets[i + 1]]
        if (second) {
          second.tally = sum(first.tally, second.tally)
          second.changed = this.revision
        }
        pairs.push(second ?? first)
      }
      this.#buckets = pairs
      this.#text = pairs.reduce((total, { through }) => total + (through?.length ?? 0), 0)
    }
  }
}
