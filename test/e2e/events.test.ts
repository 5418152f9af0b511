/** A migration that follows: a bucket that tells of its changes, another one that has them soon after, and passes that find what nobody told of. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { LifeView } from '../../shared/life.ts'
import { noFilter } from '../../shared/policy.ts'
import { bucket } from '../agent/world.ts'
import { type Plane, startPlane } from '../support/plane.ts'

let s3: S3Server
let plane: Plane
let agents: Agent[]
let dir: string
const path = '/api/workspaces/local/migrations/m'

beforeEach(async () => {
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'testsecret',
    AWS_REGION: 'us-east-1',
  })
  dir = await mkdtemp(join(tmpdir(), 'dray-events-'))
  s3 = await startS3Server({ credentials: { test: 'testsecret' } })
  s3.createBucket('old')
  s3.createBucket('new')
  plane = await startPlane({ dir: join(dir, 'plane'), port: await freePort() })
  agents = []
})
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()))
  await plane.stop()
  await s3.stop()
  await rm(dir, { recursive: true, force: true })
})

/** One that stays the same where the control plane is started again. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function enrol(): Promise<Agent> {
  const agent = startAgent({
    ...{ url: plane.url, identity: await plane.identity('one', 'here'), allow: allowAll, log: () => {} },
    ...{ stateDir: join(dir, 'agent'), version: 'test', concurrency: 8, memory: leastBudget },
    env: process.env,
  })
  agents.push(agent)
  return agent
}

async function api<T>(method: string, rest: string, body?: unknown): Promise<T> {
  const { status, json } = await plane.api<T>(method, `${path}${rest}`, body)
  if (status >= 300) throw new Error(`${method} ${rest}: ${status} ${JSON.stringify(json)}`)
  return json
}
const life = () => api<LifeView>('GET', '/life')
const lastPass = async () => api<PassStatus>('GET', `/passes/${(await life()).pass}`)
const eventually = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 })

/** Backfilled, and following by events; no pass comes by itself for an hour. */
async function following(): Promise<void> {
  for (let i = 0; i < 30; i++) await s3.put('old', `object-${i}`, `as it was ${i}`)
  const at = (name: string) => ({ ...bucket(name), endpoint: s3.url.origin })
  await api('PUT', '', {
    ...{ source: at('old'), destination: at('new'), filter: noFilter, policy: { delete: true } },
    follow: { events: [{ kind: 'webhook' }], pauseAtLeast: 3_600, pauseAtMost: 3_600 },
  })
  await api('POST', '/life/start')
  await eventually(async () => {
    expect(await life()).toMatchObject({ state: 'following' })
    const { packets } = await lastPass()
    expect(packets.ready + packets.leased).toBe(0)
  })
}

const listed = (name: string) => [...s3.objects(name)].map(({ key, etag }) => [key, etag])

it('changes are carried over as they are told of, by no other pass, and lost ones by the next', async () => {
  await enrol()
  await following()
  const { pass } = await life()
  s3.notify({ url: new URL(`${path}/changes`, plane.url).href, token: plane.token })
  await s3.put('old', 'object-3', 'written over')
  await s3.put('old', 'made/ü +%.txt', 'made')
  s3.delete('old', 'object-5')
  await eventually(() => expect(listed('new')).toEqual(listed('old')))
  await eventually(async () => expect(await lastPass()).toMatchObject({ events: { waiting: 0, objects: 3 } }))
  expect(await life()).toMatchObject({ pass, lag: { age: 0, events: 0 } })
  // Of these nobody tells.
  s3.notify(null)
  await s3.put('old', 'object-7', 'written over, and lost')
  s3.delete('old', 'object-8')
  expect(listed('new')).not.toEqual(listed('old'))
  await api('PATCH', '', { follow: { events: [{ kind: 'webhook' }], pauseAtLeast: 1, pauseAtMost: 1 } })
  const namespace = await plane.miniflare.getDurableObjectNamespace('MIGRATION')
  const object = namespace.get(namespace.idFromName('local/m')) as unknown as {
    holdPass(pass: number, until: null): Promise<unknown>
  }
  await object.holdPass(pass!, null)
  await eventually(() => expect(listed('new')).toEqual(listed('old')))
}, 60_000)

it('what waits outlives the control plane, and is carried over when there is an agent again', async () => {
  const agent = await enrol()
  await following()
  await agent.stop()
  await s3.put('old', 'object-3', 'written over')
  const at = Date.now() - 5_000
  expect(await api('POST', '/changes', { keys: ['object-3', 'made'], at })).toEqual({ taken: 2, ignored: 0 })
  const { lag } = await life()
  expect(lag).toMatchObject({ of: 'event', events: 2 })
  expect(lag.age).toBeGreaterThanOrEqual(5_000)
  const port = Number(plane.url.port)
  await plane.stop()
  plane = await startPlane({ dir: join(dir, 'plane'), port })
  expect((await life()).lag).toMatchObject({ of: 'event', events: 2 })
  await s3.put('old', 'made', 'meanwhile')
  await enrol()
  await eventually(() => expect(listed('new')).toEqual(listed('old')))
  await eventually(async () => expect((await life()).lag).toMatchObject({ age: 0, events: 0 }))
}, 60_000)
