/** What a thread of an agent works with: lanes to the endpoints, slots, and the state directory's files. Each thread has its own. */
import { join } from 'node:path'
import { packetBounds } from '../../shared/policy.ts'
import { type AllowList, holdToList } from '../allow/allow-list.ts'
import { bodyBudget, leastBudget } from '../core/budget.ts'
import type { Signer, Signing } from '../identity/signer.ts'
import { openIntents } from '../intents.ts'
import type { Secrets } from '../secrets.ts'
import type { Log } from '../session/line.ts'
import { openStorage } from '../storage/open.ts'
import { type Lanes, openLanes } from '../storage/s3/lanes.ts'
import { Throttles } from '../storage/throttles.ts'
import { createBaselines } from './baselines.ts'
import type { OpenStorage, Workplace } from './pass.ts'
import { openSlots } from './slots.ts'
import { createUpload } from './upload.ts'

export interface WorkplaceOptions {
  agent: string
  signing: Signing
  allow: AllowList
  stateDir: string
  /** Of the control plane. */
  url: URL
  signer: Signer
  concurrency: number
  memory: number
  log: Log
  env?: NodeJS.ProcessEnv
  /** Of connections that are sealed to this agent. */
  secrets?: Secrets
  /** 1, 2, … of a worker thread; absent in the main one. */
  thread?: number
  /** What the limits of endpoints allow; where absent, everything. */
  throttles?: Throttles
  packetBytes?: number
  openStorage?: OpenStorage
}

export interface OwnWorkplace extends Workplace {
  readonly lanes: Lanes
  /** Works with so much (above 0, at most 1) of its requests and objects, and with so many bytes, from now on. */
  share(part: number, memory: number): void
  close(): void
}

/** Of a kind to one endpoint. A small object is read and then written: where there are many, half of them do the one and half the other. */
const mostRequests = (concurrency: number) => Math.max(Math.min(concurrency, 256), Math.ceil(concurrency / 2))

export function openWorkplace(options: WorkplaceOptions): OwnWorkplace {
  const { agent, signing, stateDir, url, signer, concurrency, memory, log, thread } = options
  const throttles = options.throttles ?? new Throttles()
  const lanes = openLanes({ most: mostRequests(concurrency), changed: () => slots.changed(), throttles })
  const limits = { objects: concurrency, bytes: bodyBudget(concurrency, memory), room: () => lanes.room }
  const slots = openSlots(limits)
  const intents = openIntents(join(stateDir, 'agent', 'uploads.sqlite'))
  return {
    agent,
    signing,
    allow: options.allow,
    stateDir,
    concurrency,
    memory,
    slots,
    lanes,
    openStorage: async (location, more) => {
      holdToList(options.allow, location)
      if (options.openStorage) return options.openStorage(location, more)
      const sealed = options.secrets && { sealed: options.secrets.keys }
      return openStorage(location, { ...more, env: options.env ?? {}, ...sealed })
    },
    baselines: createBaselines(thread),
    packetBytes: options.packetBytes ?? packetBounds.workBytes,
    intents,
    log,
    ...(thread !== undefined && { thread }),
    upload: createUpload({ url, signer, log }),
    share(part, bytes) {
      limits.objects = Math.max(1, Math.ceil(concurrency * part))
      // The plans of its places stay what they were.
      limits.bytes = Math.max(leastBudget, bytes) - (memory - bodyBudget(concurrency, memory))
      lanes.bound(Math.max(1, Math.ceil(mostRequests(concurrency) * part)))
      slots.changed()
    },
    close: () => intents.close(),
  }
}
