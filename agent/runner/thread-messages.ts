/** What the main thread and a worker thread say to each other. `runner` numbers the passes that the worker has to do with. */
import type { Held, LeasedPacket, Work } from '../../shared/protocol.ts'
import type { AllowList } from '../allow/allow-list.ts'
import type { Signing } from '../identity/signer.ts'
import type { Sealing } from '../secrets.ts'
import type { Log } from '../session/line.ts'
import type { Welcome } from '../session/migration.ts'
import type { Answer, StateChange } from '../session/outbox.ts'

/** What a worker begins with. `concurrency` and `memory` are its share. */
export interface ThreadData {
  readonly agent: string
  readonly allow: AllowList
  readonly stateDir: string
  readonly url: string
  readonly signing: Signing
  readonly sealing: Sealing
  readonly concurrency: number
  readonly memory: number
  readonly packetBytes: number
  readonly thread: number
  /** What endpoints with a limit allow (storage/allowance.ts). */
  readonly allowances: readonly (readonly [endpoint: string, buffer: SharedArrayBuffer])[]
  /** Whether an endpoint that is not among them may have a limit all the same: the main thread must be asked. */
  readonly ownLimits: boolean
}

export type ToThread =
  | { t: 'start'; runner: number; welcome: Welcome; weight: number }
  | { t: 'weigh'; runner: number; weight: number }
  | { t: 'take'; runner: number; packet: LeasedPacket }
  | { t: 'abort'; runner: number; held: Held; why: string }
  | { t: 'yield'; runner: number; packet: number }
  /** Of what it posted as `n`. */
  | { t: 'answer'; n: number; answer: Answer }
  /** The same from now on; null: no limit. */
  | { t: 'limit'; endpoint: string; buffer: SharedArrayBuffer | null }
  | { t: 'drain'; runner: number }
  | { t: 'stop'; runner: number }

export type FromThread =
  | { t: 'post'; runner: number; n: number; change: StateChange }
  /** It is done with a packet, whether or not it posted anything. */
  | { t: 'gone'; runner: number; held: Held }
  | { t: 'inFlight'; runner: number; work: Work; moved: Work }
  | { t: 'drained'; runner: number }
  | { t: 'stopped'; runner: number }
  | { t: 'log'; event: Parameters<Log>[0] }
  /** Somebody waits for a share of an endpoint. */
  | { t: 'needed'; endpoint: string }
