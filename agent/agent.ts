/**
 * The agent: joins the fleet of a control plane, opens a session with each migration that it is assigned to, and puts the
 * parts that those need together. One process may run several, each with a state directory of its own.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { openAnswers } from './answers.ts'
import { factsOf } from './facts.ts'
import { type OpenStorage, spillRoot } from './runner/pass.ts'
import { mostThreads, openThreads } from './runner/threads.ts'
import { openWorkplace } from './runner/workplace.ts'
import { type Fleet, joinFleet } from './session/fleet.ts'
import type { Log } from './session/line.ts'
import { openMigration } from './session/migration.ts'

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
  /** Most threads that packets are worked on in, the main one included; 1 unless told. Fewer where there is too little for each to share. */
  threads?: number
  /** Begins them with each pass, and does not wait until the main one is busy: for tests. */
  threadsAtOnce?: boolean
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

export function startAgent(options: AgentOptions): Agent {
  const { token, log, concurrency, memory } = options
  const session = randomUUID()
  const started = Date.now()
  const base = new URL(options.url)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  let seq = 0
  let fleet: Fleet | null = null
  let isLeaving = false
  const closed = Promise.withResolvers<void>()

  const place = openWorkplace({ ...options, agent: options.id, url: base })
  const threads = openThreads({
    most: mostThreads(options.threads ?? 1, concurrency, memory) - 1,
    place,
    url: base,
    token,
    atOnce: options.threadsAtOnce ?? false,
  })

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
      started,
      site: options.site,
      facts: () => factsOf(options),
      only: options.only ?? null,
      log,
      superseded,
      answer: openAnswers({ secrets: null, env: options.env ?? {}, log }),
      open: (migration) =>
        openMigration({
          migration,
          url: socketUrl(base, `agent/migrations/${encodeURIComponent(migration)}`),
          token,
          agent: options.id,
          session,
          started,
          log,
          nextSeq: () => seq++,
          startRunner: threads.startRunner,
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

  const starting = start().catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    log({ level: 'error', event: 'state-directory', message })
    closed.resolve()
  })

  async function leave(how: 'drain' | 'stop'): Promise<void> {
    isLeaving = true
    await starting
    await fleet?.[how]()
    await threads.close()
    place.close()
    closed.resolve()
  }

  return { drain: () => leave('drain'), stop: () => leave('stop'), closed: closed.promise }
}

function socketUrl(base: URL, path: string): URL {
  const url = new URL(path, base)
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:'
  return url
}
