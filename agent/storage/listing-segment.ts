/**
 * One walk of a storage from some key on, as far as anybody needed it: its rows so far are spilled, and its walker goes on from there.
 * It remembers `(after, covered]`, and everything past `covered` too once it is complete.
 */
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import { interrupted } from './interrupt.ts'
import type { Block, Chunk, ListingSpill } from './listing-spill.ts'
import type { Entry, Storage } from './storage.ts'

/** What driving a walker brought: its next rows, none where it has come to its end. */
export type Progress = { readonly rows: Entry[]; readonly ended: boolean }

/** Null, the open beginning, stands before every key. */
const isAtOrBefore = (a: Key | null, b: Key | null) => a === null || (b !== null && a <= b)

export class ListingSegment {
  /** Milliseconds: what is younger may be missing. */
  readonly began: number
  /** When it was last of use; only its order counts. */
  used = 0
  /** Who reads it or waits for it now. */
  users = 0
  #after: Key | null
  #covered: Key | null
  #complete = false
  #failed = false
  #blocks: Block[] = []
  #chunk: Chunk | null = null
  #driving: Promise<Progress> | null = null
  #walker: AsyncIterator<Entry[]> | null
  readonly #abort = new AbortController()
  readonly #spill: ListingSpill

  constructor(storage: Storage, after: Key | null, spill: ListingSpill, now: number) {
    this.began = now
    this.#after = after
    this.#covered = after
    this.#spill = spill
    this.#walker = storage
      .list({ after, through: null }, { signal: this.#abort.signal })
      [Symbol.asyncIterator]()
  }

  get isOpen(): boolean {
    return this.#walker !== null
  }

  get covered(): Key | null {
    return this.#covered
  }

  /** Whether it knows what comes next after `at`. */
  knows(at: Key | null): boolean {
    if (!isAtOrBefore(this.#after, at)) return false
    return this.#complete || !isAtOrBefore(this.#covered, at)
  }

  /** Whether its walker comes to `at` if it is driven on. */
  leadsTo(at: Key | null): boolean {
    return this.isOpen && isAtOrBefore(this.#covered, at)
  }

  /** Whether its walk failed. A walker that failed once would say that it has come to its end when asked again. */
  get hasFailed(): boolean {
    return this.#failed
  }

  /** Whether it remembers nothing and never will. */
  get isSpent(): boolean {
    return !this.isOpen && !this.#complete && this.#blocks.length === 0
  }

  /** Of what it knows: rows that hold the first after `at`, where there is one. Null: they are gone meanwhile. */
  async read(at: Key | null): Promise<Progress | null> {
    const block = this.#blocks[this.#find(at)]
    if (block === undefined) return this.knows(at) ? { rows: [], ended: true } : null
    const rows = await this.#spill.read(block)
    return rows && { rows, ended: false }
  }

  /** Walks a page further. Whoever calls while that is under way gets the same page, or the same error. */
  drive(): Promise<Progress> {
    if (this.#driving === null) {
      const driving = this.#advance()
      const idle = () => {
        this.#driving = null
      }
      this.#driving = driving
      driving.then(idle, idle)
    }
    return this.#driving
  }

  async #advance(): Promise<Progress> {
    try {
      if (this.#walker === null) throw interrupted('list')
      const { value: rows, done } = await this.#walker.next()
      if (done) {
        this.#walker = null
        this.#complete = true
        return { rows: [], ended: true }
      }
      if (rows.length > 0) await this.#remember(rows)
      return { rows, ended: false }
    } catch (error) {
      this.#walker = null
      this.#failed = true
      throw error
    }
  }

  async #remember(rows: Entry[]): Promise<void> {
    let last = this.#covered
    for (const { key } of rows) {
      // Whoever looks keys up by their order would otherwise lose this one without a word.
      if (last !== null && key <= last) {
        throw new DrayError('unordered', 'list', 'The listing does not rise strictly.')
      }
      last = key
    }
    if (this.#chunk === null || this.#spill.isFull(this.#chunk)) {
      const chunk: Chunk = this.#spill.begin(() => this.#forget(chunk))
      this.#chunk = chunk
    }
    const chunk = this.#chunk
    const block = await this.#spill.append(chunk, rows)
    this.#covered = last
    if (this.#chunk === chunk) this.#blocks.push(block)
    else this.#after = last // The chunk had to go while it was written to.
    await this.#spill.shrink()
  }

  /** The place of the first block that reaches past `at`. */
  #find(at: Key | null): number {
    let low = 0
    let high = this.#blocks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAtOrBefore(this.#blocks[middle]!.last, at)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** A segment's oldest chunk holds its lowest keys, and chunks go by age: what is left still has no hole. */
  #forget(chunk: Chunk): void {
    const left = this.#blocks.findIndex((block) => block.chunk !== chunk)
    const lost = left < 0 ? this.#blocks.length : left
    this.#after = this.#blocks[lost - 1]?.last ?? this.#after
    this.#blocks.splice(0, lost)
    if (this.#chunk === chunk) this.#chunk = null
  }

  /** Walks no further; what it knows it keeps. */
  async stop(): Promise<void> {
    const walker = this.#walker
    this.#walker = null
    this.#abort.abort()
    await this.#driving?.catch(() => {})
    await walker?.return?.().catch(() => {})
  }

  async drop(): Promise<void> {
    await this.stop()
    for (const chunk of new Set(this.#blocks.map((block) => block.chunk))) await this.#spill.drop(chunk)
    if (this.#chunk) await this.#spill.drop(this.#chunk)
  }
}
