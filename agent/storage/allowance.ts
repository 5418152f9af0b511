/**
 * What this agent may do at one endpoint now, in memory that all of its threads share: they draw on one budget, and nobody
 * divides it among them. Rates are kept as the time at which all that was taken is paid for (GCRA): it may begin again when
 * that is not in the future. What was not taken is kept for `depth`, so that a thread that is late loses nothing, and no more.
 *
 * Times in nanoseconds of the system's monotonic clock, which all threads read alike.
 */
import type { LimitValues } from '../../shared/limit.ts'

const cells = {
  bytesPaid: 0,
  /** Bytes a second; 0: none, -1: no bound. */
  bytesRate: 1,
  requestsPaid: 2,
  /** Thousandths of a request a second; 0: none, -1: no bound. */
  requestsRate: 3,
  /** Requests at once; -1: no bound. */
  places: 4,
  inFlight: 5,
  /** Of those, such that read a body. */
  reading: 6,
  /** From then on nothing is allowed. */
  validUntil: 7,
  bytes: 8,
  requests: 9,
  heldBandwidth: 10,
  heldRequests: 11,
  heldConcurrency: 12,
} as const
type Cell = keyof typeof cells

const size = Object.keys(cells).length
const second = 1e9
/** Of what was not used. */
const depth = 200_000_000n
export const forever = 2n ** 62n

/** What happened since the beginning. */
export interface Tally {
  readonly bytes: number
  readonly requests: number
  readonly inFlight: number
  /** Nanoseconds, summed over threads, in which something could have gone on but for this bound. */
  readonly held: { readonly bandwidth: number; readonly requests: number; readonly concurrency: number }
}

export class Allowance {
  readonly buffer: SharedArrayBuffer
  readonly #cells: BigInt64Array
  readonly #now: () => bigint

  /** With `buffer`: the one of another thread. Else one that allows nothing yet. */
  constructor(buffer?: SharedArrayBuffer, now: () => bigint = process.hrtime.bigint) {
    this.buffer = buffer ?? new SharedArrayBuffer(size * 8)
    this.#cells = new BigInt64Array(this.buffer)
    this.#now = now
  }

  /** Allows so much until then, whatever it allowed before. What was taken too much is still paid for. */
  allow({ bandwidth, requests, concurrency }: LimitValues, validUntil: bigint): void {
    this.#setRate('bytesPaid', 'bytesRate', bandwidth)
    this.#setRate('requestsPaid', 'requestsRate', requests === null ? null : requests * 1000)
    this.#store('places', BigInt(concurrency ?? -1))
    this.#store('validUntil', validUntil)
  }

  /** Nothing is allowed any more. */
  revoke(): void {
    this.#store('validUntil', 0n)
  }

  get isValid(): boolean {
    return this.#load('validUntil') > this.#now()
  }

  /** Nanoseconds until bytes may pass; 0: now; null: nobody knows. */
  get bytesWait(): number | null {
    return this.#wait('bytesPaid', 'bytesRate')
  }

  /** Nanoseconds until a request may begin, if there is a place for it. */
  get requestsWait(): number | null {
    return this.#wait('requestsPaid', 'requestsRate')
  }

  /** Bytes a second; infinite where there is no bound. */
  get bandwidth(): number {
    const rate = this.#load('bytesRate')
    return rate < 0n ? Number.POSITIVE_INFINITY : Number(rate)
  }

  /** Takes so many bytes, whether there are as many or not; those taken and not used are given back as a negative number. */
  take(bytes: number): void {
    this.#spend('bytesPaid', 'bytesRate', bytes)
  }

  /** So many bytes have passed. */
  count(bytes: number): void {
    this.#add('bytes', BigInt(bytes))
  }

  /**
   * Takes a place for a request. One is kept for those that read no body: a write waits for the body that it is fed from, which is a
   * read, so that reads in all places would wait for ever. Where there is but one place, such a write goes beside the read.
   */
  enter(isReading: boolean): boolean {
    const places = Number(this.#load('places'))
    if (places >= 0) {
      for (;;) {
        const inFlight = this.#load('inFlight')
        const reading = this.#load('reading')
        const most = isReading ? (places > 1 ? places - 1 : places) : Math.max(places, Number(reading) + 1)
        if (places === 0 || Number(inFlight) >= most) return false
        if (this.#exchange('inFlight', inFlight, inFlight + 1n)) break
      }
    } else this.#add('inFlight', 1n)
    if (isReading) this.#add('reading', 1n)
    this.#add('requests', 1n)
    this.#spend('requestsPaid', 'requestsRate', 1000)
    return true
  }

  leave(wasReading: boolean): void {
    this.#add('inFlight', -1n)
    if (wasReading) this.#add('reading', -1n)
  }

  held(kind: keyof Tally['held'], nanoseconds: number): void {
    const cell =
      kind === 'bandwidth' ? 'heldBandwidth' : kind === 'requests' ? 'heldRequests' : 'heldConcurrency'
    this.#add(cell, BigInt(Math.round(nanoseconds)))
  }

  get tally(): Tally {
    const of = (cell: Cell) => Number(this.#load(cell))
    return {
      bytes: of('bytes'),
      requests: of('requests'),
      inFlight: of('inFlight'),
      held: {
        bandwidth: of('heldBandwidth'),
        requests: of('heldRequests'),
        concurrency: of('heldConcurrency'),
      },
    }
  }

  #wait(paid: Cell, rate: Cell): number | null {
    if (!this.isValid) return null
    const bound = this.#load(rate)
    if (bound < 0n) return 0
    if (bound === 0n) return null
    return Math.max(0, Number(this.#load(paid) - this.#now()))
  }

  #spend(paid: Cell, rate: Cell, amount: number): void {
    const bound = this.#load(rate)
    if (bound <= 0n) return
    const cost = BigInt(Math.round((amount * second) / Number(bound)))
    for (;;) {
      const before = this.#load(paid)
      const oldest = this.#now() - depth
      if (this.#exchange(paid, before, (before < oldest ? oldest : before) + cost)) return
    }
  }

  /** What is not paid for yet takes as much longer as the new rate is lower. */
  #setRate(paid: Cell, rate: Cell, value: number | null): void {
    // A share of less than one is still something.
    const bound = value === null ? -1n : BigInt(value > 0 ? Math.max(1, Math.floor(value)) : 0)
    const before = this.#load(rate)
    if (bound === before) return
    this.#store(rate, bound)
    for (;;) {
      const until = this.#load(paid)
      const now = this.#now()
      const owed = until > now && before > 0n && bound > 0n ? ((until - now) * before) / bound : 0n
      if (this.#exchange(paid, until, now + owed)) return
    }
  }

  #load = (cell: Cell): bigint => Atomics.load(this.#cells, cells[cell])
  #store = (cell: Cell, value: bigint): void => void Atomics.store(this.#cells, cells[cell], value)
  #add = (cell: Cell, value: bigint): void => void Atomics.add(this.#cells, cells[cell], value)
  #exchange = (cell: Cell, from: bigint, to: bigint): boolean =>
    Atomics.compareExchange(this.#cells, cells[cell], from, to) === from
}
