/**
 * The agent: joins the fleet of a control plane, opens a session with each migration that it is assigned to, and puts the
 * parts that those need together. One process may run several, each with a state directory of its own.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import type { LimitValues } from '../shared/limit.ts'
import type { AllowList } from './allow/allow-list.ts'
import { openAnswers } from './answers.ts'
import { openFacts } from './facts.ts'
import type { Identity } from './identity/identity.ts'
import { createSigner } from './identity/signer.ts'
import { listen } from './listening/listening.ts'
import { type OpenStorage, spillRoot } from './runner/pass.ts'
import { openPlaces } from './runner/places.ts'
import { mostThreads, openThreads } from './runner/threads.ts'
import { openWorkplace } from './runner/workplace.ts'
import { openSecrets } from './secrets.ts'
import { openBudgets } from './session/budgets.ts'
import { type Fleet, joinFleet } from './session/fleet.ts'
import type { Log } from './session/line.ts'
import { openMigration } from './session/migration.ts'
import { createFetchCopy } from './session/sealed-copy.ts'
import { Throttles } from './storage/throttles.ts'

export interface AgentOptions {
  /** Of the control plane. */
  url: URL
  /** Who it is. */
  identity: Identity
  /** What it may touch. */
  allow: AllowList
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
  /** What it keeps to at an endpoint by itself, besides what the control plane says; null: nothing. */
  ownLimit?: ((endpoint: string) => LimitValues | null) | undefined
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
  /** Resolves when the agent has left: because an operator had it drained, or for whatever other reason. */
  readonly closed: Promise<'drained' | 'left'>
}

export function startAgent(options: AgentOptions): Agent {
  const { identity, log, concurrency, memory } = options
  const signer = createSigner(identity)
  const session = randomUUID()
  const started = Date.now()
  const base = new URL(options.url)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  let seq = 0
  let fleet: Fleet | null = null
  let isLeaving = false
  let isDrained = false
  const closed = Promise.withResolvers<'drained' | 'left'>()
  const places = openPlaces()

  const facts = openFacts({
    ...options,
    env: options.env ?? {},
    clockMs: () => signer.at(0),
    changed: () => fleet?.tellFacts(),
  })
  const budgets = openBudgets({
    own: options.ownLimit,
    changed(endpoint, allowance) {
      throttles.limit(endpoint, allowance)
      threads.limit(endpoint, allowance)
    },
  })
  const throttles = new Throttles(budgets)
  const secrets = openSecrets({ of: identity, fetchCopy: createFetchCopy({ url: base, signer }) })
  const { workspace, agent, signing: keys } = identity
  const signing = { workspace, agent, signing: keys }
  const place = openWorkplace({ ...options, agent, signing, url: base, signer, secrets, throttles })
  const threads = openThreads({
    most: mostThreads(options.threads ?? 1, concurrency, memory) - 1,
    place,
    url: base,
    signing,
    sealing: {
      workspace: identity.workspace,
      site: identity.site,
      sealing: identity.sealing,
      rootKey: identity.rootKey,
    },
    atOnce: options.threadsAtOnce ?? false,
    needed: budgets.needed,
    ownLimits: options.ownLimit !== undefined,
  })

  function sentAway(why: 'superseded' | 'revoked'): void {
    if (isLeaving) return
    log({ level: 'error', event: why, agent: identity.agent, message: reasons[why] })
    void leave('stop')
  }

  function toldToDrain(): void {
    if (isLeaving) return
    log({ level: 'info', event: 'drains', agent: identity.agent })
    isDrained = true
    void leave('drain')
  }

  function join(): Fleet {
    return joinFleet({
      url: socketUrl(base, 'agent/fleet'),
      signer,
      session,
      started,
      facts: facts.now,
      only: options.only ?? null,
      log,
      sentAway,
      toldToDrain,
      answer: openAnswers({
        ...{ secrets, allow: options.allow, env: options.env ?? {}, log, lanes: place.lanes },
        ...{ stateDir: options.stateDir, intents: place.intents },
        open: (location) =>
          place.openStorage(location, {
            stateDir: options.stateDir,
            agentId: identity.agent,
            symlinks: 'skip',
            connections: 4,
            lanes: place.lanes,
            env: options.env ?? {},
          }),
      }),
      budgets,
      open: (migration, weight) =>
        openMigration({
          migration,
          weight,
          url: socketUrl(base, `agent/migrations/${encodeURIComponent(migration)}`),
          signer,
          session,
          started,
          log,
          nextSeq: () => seq++,
          startRunner(welcome, post, changed, weight) {
            for (const location of [welcome.source, welcome.destination]) facts.note(location)
            return places.join(
              (changed) => threads.startRunner(welcome, post, changed, weight),
              weight,
              changed,
            )
          },
          listen: (welcome, tell) =>
            listen(welcome, { tell, allow: options.allow, sealed: secrets.keys, log }),
          sentAway,
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
    closed.resolve('left')
  })

  async function leave(how: 'drain' | 'stop'): Promise<void> {
    isLeaving = true
    await starting
    await fleet?.[how]()
    await threads.close()
    place.close()
    facts.close()
    closed.resolve(isDrained ? 'drained' : 'left')
  }

  return { drain: () => leave('drain'), stop: () => leave('stop'), closed: closed.promise }
}

const reasons = {
  superseded: 'Another process works with the identity of this agent, and began later; this one leaves.',
  revoked: 'The control plane has revoked this agent.',
}

function socketUrl(base: URL, path: string): URL {
  const url = new URL(path, base)
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:'
  return url
}
