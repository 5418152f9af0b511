/** What the main thread and a worker thread say to each other. `runner` numbers the passes that the worker has to do with. */
import type { Held, LeasedPacket, Work } from '../../shared/protocol.ts'
import type { Log } from '../session/line.ts'
import type { Welcome } from '../session/migration.ts'
import type { Answer, StateChange } from '../session/outbox.ts'

/** What a worker begins with. `concurrency` and `memory` are its share. */
export interface ThreadData {
  readonly agent: string
  readonly stateDir: string
  readonly url: string
  readonly token: string
  readonly concurrency: number
  readonly memory: number
  readonly packetBytes: number
  readonly thread: number
}

export type ToThread =
  | { t: 'start'; runner: number; welcome: Welcome }
  | { t: 'take'; runner: number; packet: LeasedPacket }
  | { t: 'abort'; runner: number; held: Held; why: string }
  | { t: 'yield'; runner: number; packet: number }
  /** Of what it posted as `n`. */
  | { t: 'answer'; n: number; answer: Answer }
  | { t: 'drain'; runner: number }
  | { t: 'stop'; runner: number }

export type FromThread =
  | { t: 'post'; runner: number; n: number; change: StateChange }
  /** It is done with a packet, whether or not it posted anything. */
  | { t: 'gone'; runner: number; held: Held }
  | { t: 'inFlight'; runner: number; work: Work }
  | { t: 'drained'; runner: number }
  | { t: 'stopped'; runner: number }
  | { t: 'log'; event: Parameters<Log>[0] }
