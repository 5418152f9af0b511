/**
 * Limits on real parts: a control plane on a real workerd, agents, S3 servers. What is held here is that nothing goes quicker than the limit
 * (a matter of no chance), and that shares move; how near to it things come, test/bench/limits.ts measures.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AgentOptions } from '../../agent/agent.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { LimitView, ShareView } from '../../shared/api/limits.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { bucket, openWorld, type TestAgent, type World } from './world.ts'

const credentials = { AKIDTEST: 'secret of the test' }
const MB = 1e6
let plane: Plane
let source: S3Server
let destination: S3Server
let worlds: World[] = []

beforeAll(async () => {
  plane = await startPlane()
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.AKIDTEST)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await plane.stop()
})
afterEach(async () => {
  for (const world of worlds) await world.close()
  worlds = []
  await Promise.all([source.stop(), destination.stop()])
})

async function openServers(): Promise<void> {
  ;[source, destination] = await Promise.all([startS3Server({ credentials }), startS3Server({ credentials })])
}

/** A migration of so many objects, between two buckets of its own. */
async function open(name: string, objects: number, size: number): Promise<World> {
  source.fill(name, { count: objects, key: (i) => `object-${String(i).padStart(5, '0')}`, size })
  destination.createBucket(name)
  const at = ({ url }: S3Server) => ({ ...bucket(name), endpoint: url.href })
  const world = await openWorld(plane, { locations: { source: at(source), destination: at(destination) } })
  worlds.push(world)
  return world
}

/** Works for this world alone: what earlier tests began is not over. */
const agentOf = (world: World, id: string, more: Partial<AgentOptions> = {}): Promise<TestAgent> =>
  world.agent({
    ...{ id, only: world.migration, openStorage: undefined, memory: 2 * leastBudget },
    ...more,
  } as Partial<AgentOptions>)

const pathOf = (server: S3Server) => `/api/workspaces/local/limits/${encodeURIComponent(server.url.origin)}`
const put = (server: S3Server, limit: object) => plane.api<LimitView>('PUT', pathOf(server), limit)
const sharesOf = async (server: S3Server) =>
  (await plane.api<LimitView & { shares: ShareView[] }>('GET', pathOf(server))).json.shares

/** Asks until it is so. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (isSo(answer)) return answer
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const sum = (shares: ShareView[], kind: 'bandwidth' | 'requests' | 'concurrency') =>
  shares.reduce((all, { share }) => all + share[kind]!, 0)

describe('a limit of an endpoint', () => {
  it('is divided among the agents of all migrations, and what one lets go of is given to the others', async () => {
    await openServers()
    await put(source, { bandwidth: 2 * MB, requests: 1_000, concurrency: 8 })
    const [one, two] = [await open('one', 9_000, 5_000), await open('two', 3, 9_000_000)]
    const agents = await Promise.all(['a', 'b', 'c'].map((id, i) => agentOf(i === 0 ? two : one, id)))
    await Promise.all([one.start(), two.start()])
    const among = (count: number) =>
      until(
        () => sharesOf(source),
        (shares) =>
          shares.length === count &&
          shares.every(({ share }) => share.bandwidth! > 0.9 * ((2 * MB) / count) && share.concurrency! > 0),
      )
    const shares = await among(3)
    expect(shares.map(({ agent }) => agent)).toEqual(['a', 'b', 'c'])
    expect(sum(shares, 'bandwidth')).toBeLessThanOrEqual(2 * MB * 1.000001)
    expect(sum(shares, 'requests')).toBeLessThanOrEqual(1_000.001)
    expect(sum(shares, 'concurrency')).toBeLessThanOrEqual(8)
    await agents[0]!.stop()
    expect(sum(await among(2), 'bandwidth')).toBeLessThanOrEqual(2 * MB * 1.000001)
  })

  it('is kept by all of them together, while it is changed too', async () => {
    await openServers()
    await put(source, { bandwidth: 4 * MB })
    const world = await open('kept', 240, 50_000)
    const agents = await Promise.all(['a', 'b', 'c'].map((id) => agentOf(world, id)))
    const ended = agents[0]!.next('pass-ended')
    const began = performance.now()
    await world.start()
    await until(
      async () => source.requests.count('GetObject'),
      (count) => count >= 60,
    )
    await put(source, { bandwidth: 12 * MB })
    const raised = performance.now()
    const before = source.requests.count('GetObject')
    await ended
    expect((await world.status(1)).state).toBe('complete')
    // Each agent may have a fifth of a second's worth at once, and one body that is larger than it had expected.
    const least = (bytes: number, rate: number) => ((bytes - 0.2 * rate - 3 * 50_000) / rate / 1.05) * 1000
    expect(raised - began).toBeGreaterThan(least((before - 20) * 50_000, 4 * MB))
    expect(performance.now() - raised).toBeGreaterThan(least((240 - before) * 50_000, 12 * MB))
  })

  it('holds for writes too, and goes when it is taken away', async () => {
    await openServers()
    await put(destination, { bandwidth: 20_000 })
    const world = await open('writes', 20, 1_000_000)
    const agent = await agentOf(world, 'a')
    const ended = agent.next('pass-ended')
    await world.start()
    await until(
      () => sharesOf(destination),
      ([share]) => share?.held.bandwidth === true,
    )
    expect(destination.requests.count('PutObject')).toBeLessThan(20)
    expect((await plane.api('DELETE', pathOf(destination))).status).toBe(204)
    await ended
    expect(destination.requests.count('PutObject')).toBe(20)
    expect((await plane.api('GET', pathOf(destination))).status).toBe(404)
  })

  it('is one for all threads of an agent', async () => {
    await openServers()
    const world = await open('threads', 600, 10_000)
    const agent = await agentOf(world, 'a', {
      threads: 2,
      threadsAtOnce: true,
      concurrency: 16,
      memory: 2 ** 30,
    })
    await put(source, { bandwidth: 3 * MB })
    const ended = agent.next('pass-ended')
    const began = performance.now()
    await world.start()
    await ended
    expect((await world.status(1)).counts.objects.copied).toBe(600)
    expect(performance.now() - began).toBeGreaterThan(
      ((6 * MB - 0.2 * 3 * MB - 100_000) / (3 * MB) / 1.05) * 1000,
    )
  })

  it('of a command by itself holds without any of the control plane’s', async () => {
    await openServers()
    const world = await open('own', 30, 100_000)
    const limit = { bandwidth: 3 * MB, requests: 1_000, concurrency: null }
    const agent = await agentOf(world, 'a', {
      ownLimit: (endpoint) => (endpoint === source.url.origin ? limit : null),
    })
    const ended = agent.next('pass-ended')
    const began = performance.now()
    await world.start()
    await ended
    expect((await world.status(1)).state).toBe('complete')
    expect(performance.now() - began).toBeGreaterThan(
      ((3 * MB - 0.2 * 3 * MB - 100_000) / (3 * MB) / 1.05) * 1000,
    )
  })
})

describe('the limits of a workspace', () => {
  it('are set, listed, changed under If-Match and taken away', async () => {
    await openServers()
    const at = '/api/workspaces/local/limits'
    const path = `${at}/${encodeURIComponent('S3.Example.com:443')}`
    const ask = (method: string, body?: object, ifMatch?: string) =>
      fetch(new URL(path, plane.url), {
        method,
        headers: {
          authorization: `Bearer ${plane.token}`,
          'content-type': 'application/json',
          ...(ifMatch && { 'if-match': ifMatch }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
    const window = { days: ['mon'], from: '08:00', to: '18:00', bandwidth: null }
    const made = await ask('PUT', { bandwidth: 1_000_000, zone: 'Europe/Berlin', windows: [window] })
    expect([made.status, made.headers.get('etag')]).toEqual([201, '"1"'])
    expect(await made.json()).toMatchObject({
      endpoint: 'https://s3.example.com',
      requests: null,
      windows: [window],
    })
    expect((await ask('PUT', { requests: 5 }, '"7"')).status).toBe(412)
    const edited = await ask('PUT', { requests: 5 }, '"1"')
    expect([edited.status, edited.headers.get('etag')]).toEqual([200, '"2"'])
    const listed = await plane.api<{ limits: LimitView[] }>('GET', at)
    const of = listed.json.limits.find(({ endpoint }) => endpoint === 'https://s3.example.com')
    expect(of).toMatchObject({ bandwidth: null, now: { requests: 5 }, nextChange: null, zone: 'UTC' })
    expect(await sharesOf({ url: new URL('https://s3.example.com') } as S3Server)).toEqual([])
    const refused = await ask('PUT', { bandwidth: 5 })
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('bandwidth')
    expect((await ask('DELETE', undefined, '"1"')).status).toBe(412)
    expect((await ask('DELETE', undefined, '"2"')).status).toBe(204)
    expect((await ask('GET')).status).toBe(404)
  })
})
