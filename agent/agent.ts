/**
 * The agent: joins the fleet of a control plane, opens a session with each migration that it is assigned to, and puts the
 * parts that those need together. One process may run several, each with a state directory of its own.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { packetBounds } from '../shared/policy.ts'
import { bodyBudget } from './core/budget.ts'
import { openIntents } from './intents.ts'
import { createBaselines } from './runner/baselines.ts'
import { type OpenStorage, spillRoot, type Workplace } from './runner/pass.ts'
import { startRunner } from './runner/runner.ts'
import { openSlots } from './runner/slots.ts'
import { createUpload } from './runner/upload.ts'
import { type Fleet, joinFleet } from './session/fleet.ts'
import type { Log } from './session/line.ts'
import { openMigration } from './session/migration.ts'
import { openStorage } from './storage/open.ts'
import { openLanes } from './storage/s3/lanes.ts'

export interface AgentOptions {
  /** Of the control plane. */
  url: URL
  token: string
  id: string
  site: string
  stateDir: string
  version: string
  /** Most objects in flight, and most requests of a kind at one endpoint; within that they follow what the endpoints take. */
  concurrency: number
  /** Bytes that work may hold, besides the program itself. */
  memory: number
  /** Works for this migration alone, whatever else it is assigned: `dray copy` moves nothing that it was not asked for. */
  only?: string
  log: Log
  /** The environment, for what locations leave to it. */
  env?: NodeJS.ProcessEnv
  /** Bytes of a large object that are one packet; as in all packets unless told: for tests. */
  packetBytes?: number
  /** Instead of the real ones: for tests. */
  openStorage?: OpenStorage
}

export interface Agent {
  /** Finishes what is held, takes no more, closes. */
  drain(): Promise<void>
  /** Aborts within 2 seconds, gives the leases back, closes. */
  stop(): Promise<void>
  /** Resolves when the agent has left, for whatever reason. */
  readonly closed: Promise<void>
}

/** Of a kind to one endpoint. A small object is read and then written: where there are many, half of them do the one and half the other. */
const mostRequests = (concurrency: number) => Math.max(Math.min(concurrency, 256), Math.ceil(concurrency / 2))

export function startAgent(options: AgentOptions): Agent {
  const { token, log, concurrency, memory } = options
  const lanes = openLanes({ most: mostRequests(concurrency), changed: () => slots.changed() })
  const slots = openSlots({
    objects: concurrency,
    bytes: bodyBudget(concurrency, memory),
    room: () => lanes.room,
  })
  const session = randomUUID()
  const base = new URL(options.url)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  let seq = 0
  let fleet: Fleet | null = null
  let isLeaving = false
  const closed = Promise.withResolvers<void>()

  const place: Workplace = {
    agent: options.id,
    stateDir: options.stateDir,
    concurrency,
    memory,
    slots,
    lanes,
    openStorage:
      options.openStorage ?? ((location, more) => openStorage(location, { ...more, env: options.env ?? {} })),
    baselines: createBaselines(),
    packetBytes: options.packetBytes ?? packetBounds.workBytes,
    intents: openIntents(joinPath(options.stateDir, 'agent', 'uploads.sqlite')),
    log,
    upload: createUpload({ url: base, token, log }),
  }

  function superseded(): void {
    if (isLeaving) return
    log({
      level: 'error',
      event: 'superseded',
      agent: options.id,
      message: 'Another process works under the name of this agent; this one leaves.',
    })
    void leave('stop')
  }

  function join(): Fleet {
    return joinFleet({
      url: socketUrl(base, 'agent/fleet'),
      token,
      agent: options.id,
      session,
      site: options.site,
      version: options.version,
      only: options.only ?? null,
      log,
      superseded,
      open: (migration) =>
        openMigration({
          migration,
          url: socketUrl(base, `agent/migrations/${encodeURIComponent(migration)}`),
          token,
          agent: options.id,
          session,
          log,
          nextSeq: () => seq++,
          startRunner: (welcome, post, changed) => startRunner(welcome, post, place, changed),
          superseded,
        }),
    })
  }

  /** What an earlier process spilled is worth nothing to this one. */
  async function start(): Promise<void> {
    await rm(spillRoot(options.stateDir), { recursive: true, force: true })
    await mkdir(spillRoot(options.stateDir), { recursive: true })
    if (!isLeaving) fleet = join()
  }

  const started = start().catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    log({ level: 'error', event: 'state-directory', message })
    closed.resolve()
  })

  async function leave(how: 'drain' | 'stop'): Promise<void> {
    isLeaving = true
    await started
    await fleet?.[how]()
    place.intents.close()
    closed.resolve()
  }

  return { drain: () => leave('drain'), stop: () => leave('stop'), closed: closed.promise }
}

function socketUrl(base: URL, path: string): URL {
  const url = new URL(path, base)
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:'
  return url
}
