/**
 * A survey's way to the plane: finished pieces are gathered and sent as `cut` checkpoints, one under way at a time, each of
 * them at once after the first and then a quarter of a second apart, or sooner where many are waiting. After an ack that says
 * `hold` nothing is sent until `proceed`.
 *
 * Invariant: `from` is where the packet begins at the plane, once everything sent so far is acknowledged.
 */
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Cut, LeasedPacket } from '../../shared/protocol.ts'
import type { Outbox } from '../session/outbox.ts'
import { interrupted } from '../storage/interrupt.ts'

export interface Checkpoint {
  /** Waits while many pieces wait to be sent. Throws `stale` where the plane has refused one: the lease is gone. */
  offer(cuts: readonly Cut[]): Promise<void>
  /** Until everything offered is acknowledged. */
  flush(): Promise<void>
  proceed(): void
  /**
   * Ends the waits of `offer` and `flush` as `interrupted`, and resolves when everything offered is acknowledged or the plane
   * has asked to wait.
   */
  leave(): Promise<void>
  /** Whether the plane has asked to wait. */
  readonly isHeld: boolean
  close(): void
}

export interface CheckpointOptions {
  packet: LeasedPacket
  post: Outbox['post']
  signal: AbortSignal
  /** Whenever `isHeld` changes. */
  changed(): void
  /** Milliseconds between two checkpoints. */
  everyMs?: number
}

/** Pieces in one message; at 4,096 bytes a key, and JSON's worst escapes, below what a message may have. */
const most = 400
const patience = 250

export function createCheckpoint(options: CheckpointOptions): Checkpoint {
  const { packet, post, signal } = options
  const everyMs = options.everyMs ?? patience
  const waiting: Cut[] = []
  let from: Key | null = packet.after
  let isHeld = false
  let isSending = false
  let isHurried = false
  let isLeaving = false
  let sentAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let failure: DrayError | null = null
  let wake: (() => void)[] = []

  function changed(): void {
    const woken = wake
    wake = []
    for (const tell of woken) tell()
  }

  function fail(error: DrayError): void {
    failure ??= error
    clearTimeout(timer)
    changed()
  }

  function pump(): void {
    if (failure || isSending || isHeld || waiting.length === 0) return
    const left = sentAt + everyMs - performance.now()
    if (left > 0 && waiting.length < most && !isHurried) {
      clearTimeout(timer)
      timer = setTimeout(pump, left)
      return
    }
    const cuts = waiting.splice(0, most)
    const through = cuts.at(-1)!.through
    isSending = true
    sentAt = performance.now()
    post({ t: 'cut', packet: packet.id, generation: packet.generation, from, cuts }, (answer) => {
      isSending = false
      if (answer.is === 'refused') {
        const code = answer.code === 'stale' ? 'stale' : 'protocol'
        return fail(new DrayError(code, 'checkpoint', answer.message, { retry: 'later' }))
      }
      from = through
      hold(answer.hold)
      changed()
      pump()
    })
  }

  function hold(held: boolean): void {
    if (isHeld === held) return
    isHeld = held
    options.changed()
  }

  async function until(isDone: () => boolean, mayWait: () => boolean): Promise<void> {
    for (;;) {
      if (failure) throw failure
      if (isDone()) return
      if (!mayWait()) throw interrupted('checkpoint')
      await new Promise<void>((resolve) => wake.push(resolve))
    }
  }

  const allTold = () => waiting.length === 0 && !isSending
  const isStaying = () => !isLeaving
  const abort = () => fail(interrupted('checkpoint'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })

  return {
    async offer(cuts) {
      waiting.push(...cuts)
      pump()
      await until(() => waiting.length < most, isStaying)
    },
    async flush() {
      isHurried = true
      pump()
      await until(allTold, isStaying)
    },
    async leave() {
      isLeaving = isHurried = true
      changed()
      pump()
      await until(
        () => allTold() || (isHeld && !isSending),
        () => true,
      )
    },
    proceed() {
      hold(false)
      pump()
    },
    get isHeld() {
      return isHeld
    },
    close() {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    },
  }
}
