/** One try at copying one object: what its steps share. */
import type { Readable } from 'node:stream'
import type { Evidence } from '../shared/counts.ts'
import { DrayError } from '../shared/error.ts'
import { displayKey } from '../shared/key.ts'
import { type Gauge, gauged, wholeBody } from './body.ts'
import { carry } from './core/carry.ts'
import type { Fidelity } from './fidelity.ts'
import type { Intents } from './intents.ts'
import { discard } from './storage/interrupt.ts'
import type {
  Body,
  ByteRange,
  Entry,
  Expected,
  Head,
  Metadata,
  Reading,
  Storage,
  Written,
} from './storage/storage.ts'

export interface CopyDeps {
  source: Storage
  destination: Storage
  /** What of an object goes along; all that its destination's kind can hold where absent. */
  fidelity?: Pick<Fidelity, 'carry' | 'seal'> & Partial<Pick<Fidelity, 'policy'>>
  /** Told of bytes as they move. What has to be moved again is taken back with a negative number. */
  moved(bytes: number): void
  /** What was listed at the destination, which is written over and nothing else. Absent: whatever stands there. */
  expected?: Expected
  /** What is not as expected is never written over, however often it is tried: it is a conflict. */
  parks?: boolean
  /** False: bytes go through this agent, even where the store could copy by itself. */
  serverSide?: boolean
  /** Each write makes a version on top of what is expected: where that has changed, it is not for this object to look what to do. */
  appends?: boolean
  /** What to remember uploads by, so that a later attempt goes on with them. Absent: they are aborted when they fail. */
  intents?: Intents
  /** Waits until so many bytes more may be under way at once, for parts besides the first. Absent: a few at a time. */
  admit?(bytes: number, signal: AbortSignal): Promise<() => void>
  /** Waits between tries; the clock's where absent. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Stores whose tokens have proved to be MD5s: one that is not, there, belongs to bytes that are not what they were. */
const proved = new WeakSet<Storage>()

/** What a try comes to: the object that was read, what it became, and the proof that they are equal. */
export interface Copied {
  read: Entry
  written: Written
  evidence: Evidence
}

export class CopyJob {
  readonly deps: CopyDeps
  /** The source's listing line, or its HEAD after it changed: the content that this try moves. */
  readonly entry: Entry
  readonly signal: AbortSignal
  /**
   * The MD5 of the source's bytes, where its token said another: null until that happened. The same twice means that the
   * token is no MD5 (KMS makes such), whatever it looks like; once may be the wire's doing. But where tokens of the same
   * store have proved to be MD5s, a disk of it has changed the bytes, and they must not be taken for the object.
   */
  readonly contradiction: string | null
  #contradicted: string | null = null
  /** Found out while reading, and true whatever the destination makes of a body that fails. */
  #fact: DrayError | null = null
  #moved = 0

  constructor(deps: CopyDeps, entry: Entry, contradiction: string | null, signal: AbortSignal) {
    this.deps = deps
    this.entry = entry
    this.contradiction = proved.has(deps.source) ? null : contradiction
    this.signal = signal
  }

  get op(): string {
    return `copy ${displayKey(this.entry.key)}`
  }

  /** That the source is gone or another, where reading showed it; else null. */
  get fact(): DrayError | null {
    return this.#fact
  }

  /** For the next try. */
  get lesson(): string | null {
    return proved.has(this.deps.source) ? null : (this.#contradicted ?? this.contradiction)
  }

  /** The source's object, or that part of it; `gone` and `changed` are thrown. */
  read(range?: ByteRange, signal = this.signal): Promise<Reading> {
    return this.#read(signal, range === undefined ? {} : { range })
  }

  /** All of the source's object, in memory; `gone` and `changed` are thrown. */
  async readAtOnce(): Promise<Head & { bytes: Buffer; release?(): void }> {
    const { size } = this.entry
    const reading = await this.#read(this.signal, { atOnce: size })
    const { entry, metadata, bytes } = reading
    if (bytes?.length === size) return reading as Reading & { bytes: Buffer }
    const gauge = { size, op: this.op, failed: (error: DrayError) => void this.note(error) }
    return { entry, metadata, bytes: await wholeBody(reading.body, gauge, this.signal) }
  }

  async #read(signal: AbortSignal, more: { range?: ByteRange; atOnce?: number }): Promise<Reading> {
    const { key, token, version, size } = this.entry
    const options: Parameters<Storage['read']>[1] = { token, signal, ...more }
    if (version !== undefined) options.version = version
    let reading: Reading | null
    try {
      reading = await this.deps.source.read(key, options)
    } catch (error) {
      throw this.note(error)
    }
    if (reading === null) throw this.gone()
    if (reading.entry.size === size) return reading
    if (reading.bytes === undefined) discard(reading.body)
    throw this.changed()
  }

  /** The source's object once more, without its bytes; `gone` and `changed` are thrown. */
  async head(): Promise<Head> {
    const { key, token, version } = this.entry
    const head = await this.noting(this.deps.source.head(key, this.signal, version))
    if (head === null) throw this.gone()
    if (head.entry.token !== token || head.entry.size !== this.entry.size) throw this.changed()
    return head
  }

  /** What the source answers; its errors are noted. */
  noting<T>(asked: Promise<T>): Promise<T> {
    return asked.catch((error) => {
      throw this.note(error)
    })
  }

  /** The metadata of what was read, as the destination is to have it. */
  carried(head: Head): Metadata | Promise<Metadata> {
    const { fidelity, destination } = this.deps
    return fidelity?.carry(head, this.signal) ?? carry(head.metadata, head.entry, destination.kind)
  }

  /** A body whose every opening reads the source anew; `first` is used up before that. */
  body(options: {
    size: number
    first?: Reading
    range?: ByteRange
    contentMd5?: string | undefined
    /** Called at each opening. */
    begin(): Pick<Gauge, 'digest' | 'ended'>
  }): Body {
    const { size, range, contentMd5, begin } = options
    let first = options.first
    let sent = 0
    const open = async (signal: AbortSignal): Promise<Readable> => {
      this.count(-sent)
      sent = 0
      const reading = first ?? (await this.read(range, signal))
      first = undefined
      return gauged(reading.body, {
        size,
        op: this.op,
        ...begin(),
        moved: (bytes) => {
          sent += bytes
          this.count(bytes)
        },
        failed: (error) => void this.note(error),
      })
    }
    return contentMd5 === undefined ? { size, open } : { size, open, contentMd5 }
  }

  /** The try failed: nothing has moved. */
  takeBack(): void {
    this.count(-this.#moved)
  }

  /** Throws `bad-digest` where the bytes read are not those of an MD5 token, unless it has proved to be none. */
  believe(md5: string, token: string): void {
    if (md5 === token) this.agreed()
    if (md5 === token || md5 === this.lesson) return
    this.#contradicted = md5
    throw this.badDigest(`The source's bytes have the MD5 ${md5}, its ETag says ${token}.`)
  }

  /** Whether the source's tokens have proved to be MD5s. */
  get tokensAreMd5s(): boolean {
    return proved.has(this.deps.source)
  }

  /** The source's token has proved to be the MD5 of its bytes. */
  agreed(): void {
    proved.add(this.deps.source)
  }

  badDigest(message: string): DrayError {
    return new DrayError('bad-digest', this.op, message, { retry: 'now' })
  }

  gone(): DrayError {
    return this.#found(new DrayError('not-found', this.op, 'The object is gone from the source.'))
  }

  changed(): DrayError {
    return this.#found(
      new DrayError('changed', this.op, 'The object changed while it was copied.', { retry: 'later' }),
    )
  }

  /** To be asked of every error on the source's side. */
  note<T>(error: T): T {
    if (error instanceof DrayError && (error.code === 'changed' || error.code === 'not-found'))
      this.#found(error)
    return error
  }

  /** Bytes that moved; `body` counts its own. */
  count(bytes: number): void {
    if (bytes === 0) return
    this.#moved += bytes
    this.deps.moved(bytes)
  }

  #found(fact: DrayError): DrayError {
    this.#fact = fact
    return fact
  }
}
