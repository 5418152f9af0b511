/**
 * What changes state at the plane is kept here until the plane has answered it, and sent again, in the order in which it
 * was posted, after each reconnect. Its size is bounded by whoever posts: a survey has one checkpoint under way, a packet
 * one outcome, and no packets are asked for while outcomes pile up.
 */
import type { AgentMessage, PlaneMessage } from '../../shared/protocol.ts'

type Numbered = Extract<AgentMessage, { seq: number }>
/** A state-changing message before it has its number. */
export type StateChange = Numbered extends infer M ? (M extends Numbered ? Omit<M, 'seq'> : never) : never

export type RefusalCode = Extract<PlaneMessage, { t: 'refused' }>['code']
export type Answer = { is: 'ack'; hold: boolean } | { is: 'refused'; code: RefusalCode; message: string }

export interface Outbox {
  /** `answered` is called at once when the answer comes, before any later message is looked at. */
  post(change: StateChange, answered: (answer: Answer) => void): void
  answer(seq: number, answer: Answer): void
  /** Sends everything that has no answer yet. */
  resend(): void
  readonly size: number
  /** Resolves when nothing waits for an answer. */
  empty(): Promise<void>
  /** Answers everything that waits as refused. */
  forget(code: RefusalCode, message: string): void
  /** As stale, and so whatever is posted from now on. */
  close(): void
}

const over = { is: 'refused', code: 'stale', message: 'the session is over' } as const

/** `send` may drop a message (there is no connection): `resend` comes then. */
export function createOutbox(send: (message: Numbered) => void, nextSeq: () => number): Outbox {
  const kept = new Map<number, { message: Numbered; answered: (answer: Answer) => void }>()
  let emptied: (() => void)[] = []
  let closed = false

  function answer(seq: number, given: Answer): void {
    const entry = kept.get(seq)
    if (!entry) return
    kept.delete(seq)
    entry.answered(given)
    if (kept.size > 0) return
    for (const tell of emptied) tell()
    emptied = []
  }

  function forget(code: RefusalCode, message: string): void {
    for (const seq of [...kept.keys()]) answer(seq, { is: 'refused', code, message })
  }

  return {
    post(change, answered) {
      if (closed) return answered(over)
      const message = { ...change, seq: nextSeq() } as Numbered
      kept.set(message.seq, { message, answered })
      send(message)
    },
    answer,
    resend() {
      for (const { message } of kept.values()) send(message)
    },
    get size() {
      return kept.size
    },
    empty: () => (kept.size === 0 ? Promise.resolve() : new Promise((resolve) => emptied.push(resolve))),
    forget,
    close() {
      closed = true
      forget(over.code, over.message)
    },
  }
}
