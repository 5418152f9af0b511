/** An agent that works in two threads, between two S3 servers: what it does is what one thread does. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AgentOptions } from '../../agent/agent.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { saturation } from '../../agent/runner/load.ts'
import { mostThreads } from '../../agent/runner/threads.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { bucket, openWorld, type TestAgent, type World } from './world.ts'

const credentials = { AKIDTEST: 'secret of the test' }
let plane: Plane
let source: S3Server
let destination: S3Server
let world: World
let agent: TestAgent
let stateDir: string
/** Threads that were begun. */
let workers: Worker[]
const onWorker = (worker: Worker) => void workers.push(worker)

beforeAll(async () => {
  plane = await startPlane()
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.AKIDTEST)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  process.on('worker', onWorker)
})
afterEach(async () => {
  await world.close()
  await Promise.all([source.stop(), destination.stop()])
  rmSync(stateDir, { recursive: true, force: true })
})
afterAll(async () => {
  process.off('worker', onWorker)
  vi.unstubAllEnvs()
  await plane.stop()
})

const keyOf = (i: number) => `object-${String(i).padStart(5, '0')}`

async function open(objects: number, size = 100): Promise<void> {
  workers = []
  stateDir = mkdtempSync(join(tmpdir(), 'dray-threads-'))
  ;[source, destination] = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
  destination.createBucket('to')
  source.fill('from', { count: objects, key: keyOf, size })
  const at = (name: string, { url }: S3Server) => ({ ...bucket(name), endpoint: url.href })
  world = await openWorld(plane, {
    locations: { source: at('from', source), destination: at('to', destination) },
  })
  agent = await open2()
}

const open2 = (more: Partial<AgentOptions> = {}) =>
  world.agent({
    stateDir,
    concurrency: 64,
    memory: 4 * leastBudget,
    threads: 2,
    threadsAtOnce: true,
    // The real one: a function does not cross to a thread.
    openStorage: undefined as never,
    env: process.env,
    ...more,
  })

/** Threads, 0 for the main one, that have written rows of the baseline. */
function writers(): Set<number> {
  const leaves = readdirSync(join(stateDir, 'agent', 'baseline'), { recursive: true })
    .map((name) => basename(String(name)))
    .filter((name) => name.endsWith('.leaf'))
  return new Set(leaves.map((name) => Math.floor(Number.parseInt(name, 16) / 2 ** 40)))
}

const contentOf = (server: S3Server, name: string) =>
  [...server.objects(name)].map(({ key, etag }) => [key, etag])

describe('an agent of two threads', () => {
  it('copies in both, counts and reports each object once, and knows afterwards what it did', async () => {
    await open(2_400)
    const first = await world.pass(agent)
    expect(first).toMatchObject({ state: 'complete', inFlight: { objects: 0 } })
    expect(first.counts.objects).toMatchObject({ listed: 2_400, copied: 2_400, same: 0, failed: 0 })
    expect(contentOf(destination, 'to')).toEqual(contentOf(source, 'from'))
    expect(destination.requests.byOperation()).toMatchObject({ PutObject: 2_400 })
    const report = await world.report(first.number)
    expect(new Set(report.map(({ key }) => key)).size).toBe(2_400)
    expect(report).toHaveLength(2_400)
    expect(writers()).toEqual(new Set([0, 1]))

    destination.requests.reset()
    const second = await world.pass(agent)
    expect(second.counts.objects).toMatchObject({ listed: 2_400, same: 2_400, copied: 0 })
    expect(Object.keys(destination.requests.byOperation())).toEqual(['ListMultipartUploads', 'ListObjectsV2'])
    const verified = await world.pass(agent, { kind: 'verify', depth: 'full' })
    expect(verified.counts.objects).toMatchObject({ listed: 2_400, same: 2_400, failed: 0 })
  })

  it('keeps no thread beyond the pass, and leaves nothing in the state directory', async () => {
    await open(1_500)
    await world.pass(agent)
    await agent.stop()
    expect(workers).toHaveLength(1)
    expect(workers[0]!.threadId).toBe(-1)
    expect(readdirSync(join(stateDir, 'agent', 'spill'))).toEqual([])
  })

  it('goes on where a thread is killed in the midst of a packet', async () => {
    await open(2_400)
    let puts = 0
    destination.hooks = {
      async beforeRequest({ operation, key }) {
        // Of the first packet, which is the thread's.
        if (operation === 'PutObject' && key! < keyOf(800) && ++puts === 300) await workers[0]!.terminate()
        return null
      },
    }
    const pass = await world.pass(agent)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 2_400, failed: 0 })
    const { copied, same } = pass.counts.objects
    expect(copied + same).toBe(2_400)
    expect(contentOf(destination, 'to')).toEqual(contentOf(source, 'from'))
    expect(workers).toHaveLength(1)
    const events = agent.events.map(({ event }) => event)
    expect(events).toContain('thread-crashed')
    // What it had in work, and not a mistake of ours.
    expect(pass.counts.objects.same).toBeGreaterThan(0)
  })

  it('ends its threads when it is stopped, and another agent goes on at once', async () => {
    await open(2_400)
    const reached = Promise.withResolvers<void>()
    let puts = 0
    destination.hooks = {
      async beforeRequest({ operation }) {
        if (operation === 'PutObject' && ++puts >= 200) {
          reached.resolve()
          return puts < 1_000 ? { delayMs: 50 } : null
        }
        return null
      },
    }
    const { number } = await world.start()
    await reached.promise
    const [worker] = workers
    const exit = once(worker!, 'exit')
    await agent.stop()
    await exit
    const other = await open2()
    await other.next('pass-ended')
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(contentOf(destination, 'to')).toEqual(contentOf(source, 'from'))
  })

  it('finishes what its threads hold when it drains', async () => {
    await open(2_400)
    const reached = Promise.withResolvers<void>()
    let puts = 0
    destination.hooks = {
      async beforeRequest({ operation }) {
        if (operation === 'PutObject' && ++puts === 200) reached.resolve()
        return null
      },
    }
    const { number } = await world.start()
    await reached.promise
    await agent.drain()
    const pass = await world.status(number)
    expect(pass.inFlight).toEqual({ objects: 0, bytes: 0 })
    expect(pass.counts.objects.copied).toBe(destination.requests.byOperation().PutObject)
  })

  it('copies a large object in both', async () => {
    await open(2, 40 * 1024 * 1024)
    const pass = await world.pass(agent)
    expect(pass).toMatchObject({ state: 'complete', counts: { objects: { listed: 2, copied: 2 } } })
    expect(contentOf(destination, 'to')).toEqual(contentOf(source, 'from'))
  })
})

describe('the number of threads', () => {
  it('is that of the cores, unless each would have too little to work with', () => {
    expect(mostThreads(4, 512, 1024 * 2 ** 20)).toBe(4)
    expect(mostThreads(4, 16, 1024 * 2 ** 20)).toBe(2)
    expect(mostThreads(4, 512, 4 * leastBudget)).toBe(2)
    expect(mostThreads(4, 512, 4 * leastBudget - 1)).toBe(1)
    expect(mostThreads(4, 1, leastBudget)).toBe(1)
  })
})

describe('a thread more', () => {
  it('begins after two looks in a row at which this one had no time and a core had', () => {
    const look = saturation()
    const looks: [used: number, idle: number][] = [
      [1, 3],
      [0.5, 3],
      [0.95, 0.6],
      [0.95, 0.4],
      [0.95, 1],
      [0.95, 1],
      [0.95, 1],
      [0.95, 1],
    ]
    expect(looks.map(([used, idle]) => look(used, idle))).toEqual([
      ...Array(5).fill(false),
      true,
      false,
      true,
    ])
  })
})
