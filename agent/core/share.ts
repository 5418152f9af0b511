/**
 * Whose turn it is, where several want the same slots: each gets of the slots' time what its weight says, however long each of its
 * turns takes (stride scheduling). What one does not use goes to the others, and is not saved up. Times are in milliseconds.
 */

export interface Flow {
  /** Above 0; only the ratios count. */
  weight: number
  /** The time of slots that it had, divided by its weight, as far as it is known: whoever had least is next. */
  had: number
  /** What one turn usually takes. */
  usual: number
}

/** Turns that one may be behind the others and still catch up: between two of its turns it may be away for an instant. */
const slack = 4
/** How much one turn counts in what is usual. */
const step = 1 / 8

export class Shares {
  /** What those had that were served last. */
  #now = 0
  #usual = 0

  add(weight: number): Flow {
    return { weight, had: this.#now, usual: this.#usual }
  }

  /** To be called when it begins to wait: nothing is owed to it for the time when it did not. */
  wait(flow: Flow): void {
    flow.had = Math.max(flow.had, this.#now - (slack * flow.usual) / flow.weight)
  }

  /** Of those that wait. */
  next<T extends Flow>(waiting: Iterable<T>): T | null {
    let found: T | null = null
    for (const flow of waiting) if (found === null || flow.had < found.had) found = flow
    return found
  }

  /** It gets `slots` at once. What it is charged for them, to be given to `end`: nobody knows yet how long they are held. */
  begin(flow: Flow, slots: number): number {
    this.#now = Math.max(this.#now, flow.had)
    const charge = slots * flow.usual
    flow.had += charge / flow.weight
    return charge
  }

  end(flow: Flow, slots: number, charge: number, ms: number): void {
    flow.had += (slots * ms - charge) / flow.weight
    flow.usual += (ms - flow.usual) * step
    this.#usual += (ms - this.#usual) * step
  }
}

/** One that has packets to work on. */
export interface Sharer {
  readonly weight: number
  /** Places that it has taken. */
  readonly used: number
  /** Whether it would take more than it has and one. */
  readonly wants: boolean
}

/**
 * How many of `places` each may take. By weight; what one does not want is for the others, and what nobody wants is for whoever comes
 * first. Everyone gets one, so that it hears of new work: where there are more of them than places, that is all that they get.
 */
export function divide(places: number, sharers: readonly Sharer[]): number[] {
  const shares = sharers.map(() => 1)
  for (let left = places - sharers.length; left > 0; left--) {
    const next = mostOwed(shares, sharers, true) ?? mostOwed(shares, sharers, false)
    if (next === null) break
    shares[next]!++
  }
  return shares
}

/** Whose share is the least for its weight, of those who would take one more, or of all. */
function mostOwed(shares: readonly number[], sharers: readonly Sharer[], ofTakers: boolean): number | null {
  let found: number | null = null
  let most = 0
  for (const [i, { weight, used, wants }] of sharers.entries()) {
    if (ofTakers && !wants && shares[i]! > used) continue
    // The half keeps heavy ones from being rounded up at the others' cost.
    const owed = weight / (shares[i]! + 0.5)
    if (owed > most) [found, most] = [i, owed]
  }
  return found
}
