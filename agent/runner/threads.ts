/**
 * The worker threads of an agent. One begins where the main thread has no time left and a core has (load.ts), while there are packets that it
 * may take; they end when no pass needs them. One that crashes is not begun again: its packets fail, to be tried by others.
 */
import { Worker } from 'node:worker_threads'
import { leastBudget, placesFor } from '../core/budget.ts'
import type { Signing } from '../identity/signer.ts'
import type { Sealing } from '../secrets.ts'
import type { Welcome } from '../session/migration.ts'
import type { Outbox } from '../session/outbox.ts'
import type { Allowance } from '../storage/allowance.ts'
import { FarRunner, type Wire } from './far-runner.ts'
import { watchLoad } from './load.ts'
import { type Runner, startRunner } from './runner.ts'
import { maySpread, sharedRunner } from './shared-runner.ts'
import type { FromThread, ThreadData } from './thread-messages.ts'
import type { OwnWorkplace } from './workplace.ts'

export interface ThreadsOptions {
  /** Worker threads at most, besides the main one. */
  most: number
  place: OwnWorkplace
  /** Of the control plane. */
  url: URL
  signing: Signing
  sealing: Sealing
  /** Begins them with the pass and does not wait for load: for tests. */
  atOnce?: boolean
  /** A thread waits for a share of an endpoint. */
  needed?: (endpoint: string) => void
  /** Whether any endpoint may have a limit of the agent's own. */
  ownLimits?: boolean
}

export interface Threads {
  /** What an endpoint allows, for all threads; null: everything. */
  limit(endpoint: string, allowance: Allowance | null): void
  startRunner(welcome: Welcome, post: Outbox['post'], changed: () => void, weight: number): Runner
  close(): Promise<void>
}

interface Thread extends Wire {
  readonly worker: Worker
  readonly runners: Map<number, FarRunner>
}

interface Sharing {
  readonly welcome: Welcome
  readonly post: Outbox['post']
  readonly changed: () => void
  weight: number
  readonly far: Map<Thread, FarRunner>
}

/** Objects in flight below which a thread is not worth its while. */
const leastConcurrency = 8

/** Bytes that a worker is by itself, its code and V8's young generation, whatever it works on. */
const ofThread = 128 * 2 ** 20

/** How many there may be, the main one included, so that each has enough of what they share. */
export const mostThreads = (cores: number, concurrency: number, memory: number): number =>
  Math.max(
    1,
    Math.min(
      cores,
      Math.floor(concurrency / leastConcurrency),
      1 + Math.floor((memory - leastBudget) / (ofThread + leastBudget)),
    ),
  )

/** From the sources, and from the bundle (scripts/build.ts). */
const entry = new URL(import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js', import.meta.url)

export function openThreads(options: ThreadsOptions): Threads {
  const { most, place, url, signing, sealing, atOnce = false, needed = () => {}, ownLimits = false } = options
  const allowances = new Map<string, SharedArrayBuffer>()
  const threads = new Set<Thread>()
  const sharing = new Set<Sharing>()
  let crashed = 0
  let begun = 0
  let lastRunner = 0
  let isClosed = false
  const part = 1 / (most + 1)
  const memory = Math.floor((place.memory - most * ofThread) * part)
  const load = most > 0 ? watchLoad(more) : null

  /** One more, where there is anything that it could do. */
  function more(): void {
    if (isClosed || threads.size + crashed >= most || sharing.size === 0) return
    try {
      place.intents.make()
      threads.add(begin(++begun))
    } catch (error) {
      // The main thread does what it can.
      crashed++
      place.log({ level: 'warn', event: 'thread-not-begun', message: String(error) })
      return
    }
    share()
    for (const pass of sharing) join(pass)
  }

  function begin(number: number): Thread {
    const { agent, allow, stateDir, packetBytes } = place
    const concurrency = Math.ceil(place.concurrency * part)
    const workerData: ThreadData = {
      agent,
      allow,
      stateDir,
      url: url.href,
      signing,
      sealing,
      concurrency,
      memory,
      packetBytes,
      thread: number,
      allowances: [...allowances],
      ownLimits,
    }
    // node:sqlite would be told of by each thread anew.
    const worker = new Worker(entry, { workerData, execArgv: ['--disable-warning=ExperimentalWarning'] })
    const runners = new Map<number, FarRunner>()
    const thread: Thread = {
      worker,
      runners,
      places: placesFor(concurrency, memory),
      largest: 4 * packetBytes,
      tell: (message) => worker.postMessage(message),
    }
    worker.on('message', (message: FromThread) => {
      if (message.t === 'log') place.log(message.event)
      else if (message.t === 'needed') needed(message.endpoint)
      else runners.get(message.runner)?.hear(message)
    })
    let message = 'it was ended from outside'
    worker.on('error', (error: unknown) => {
      message = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', () => {
      // We ended it ourselves.
      if (!threads.delete(thread)) return
      place.log({ level: 'error', event: 'thread-crashed', thread: number, message })
      crashed++
      share()
      for (const runner of runners.values()) runner.lose()
    })
    place.log({ level: 'info', event: 'thread-begun', thread: number })
    return thread
  }

  const share = () => place.share(1 - threads.size * part, place.memory - threads.size * (memory + ofThread))

  /** Each thread that it has nothing to do with yet. */
  function join(pass: Sharing): void {
    for (const thread of threads) {
      if (pass.far.has(thread)) continue
      const id = ++lastRunner
      const runner = new FarRunner(thread, id, pass)
      thread.runners.set(id, runner)
      pass.far.set(thread, runner)
    }
    pass.changed()
  }

  /** The pass is over; without any, threads only take memory. */
  async function leave(pass: Sharing): Promise<void> {
    sharing.delete(pass)
    for (const [thread, runner] of pass.far) thread.runners.delete(runner.id)
    if (sharing.size > 0) return
    const ending = [...threads]
    threads.clear()
    share()
    await Promise.all(ending.map(({ worker }) => worker.terminate()))
  }

  return {
    limit(endpoint, allowance) {
      const buffer = allowance?.buffer ?? null
      if ((allowances.get(endpoint) ?? null) === buffer && buffer !== null) return
      if (buffer) allowances.set(endpoint, buffer)
      else allowances.delete(endpoint)
      for (const { tell } of threads) tell({ t: 'limit', endpoint, buffer })
    },
    startRunner(welcome, post, changed, weight) {
      const near = startRunner(welcome, post, place, changed, weight)
      if (most === 0 || !maySpread(welcome)) return near
      const pass: Sharing = { welcome, post, changed, weight, far: new Map() }
      sharing.add(pass)
      join(pass)
      if (atOnce) while (!isClosed && threads.size + crashed < most) more()
      const shared = sharedRunner(
        near,
        () => [...pass.far.values()],
        () => leave(pass),
      )
      const { weigh } = shared
      shared.weigh = (weight) => {
        // Threads that begin later are told this one.
        pass.weight = weight
        weigh(weight)
      }
      return shared
    },
    async close() {
      isClosed = true
      load?.stop()
      const ending = [...threads]
      threads.clear()
      await Promise.all(ending.map(({ worker }) => worker.terminate()))
    },
  }
}
