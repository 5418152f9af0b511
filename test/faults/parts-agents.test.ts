/**
 * One large object and several agents, each a process of its own, that are killed: the object is whole, was counted once, and of its
 * parts none that was there went up again.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { addToAllowList } from '../../agent/allow/allow-file.ts'
import { keepIdentity } from '../../agent/identity/identity-file.ts'
import { type S3Server, startS3Server } from '../../agent/s3-server/s3-server.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'
import { all, numbers, openLarge } from '../agent/large-world.ts'
import { type FaultProxy, startProxy } from '../agent/proxy.ts'
import { bucket, type World } from '../agent/world.ts'
import { type Running, start } from '../support/dray.ts'
import { type Plane, startPlane } from '../support/plane.ts'

const partSize = 16 * 1024 * 1024
const parts = 75

let work: string
let plane: Plane
let source: S3Server
let destination: S3Server
const agents: Running[] = []
const worlds: World[] = []
const proxies: FaultProxy[] = []

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dray-agents-'))
  plane = await startPlane({ leaseMs: 1_500 })
  const credentials = { KEY: 'secret' }
  source = await startS3Server({ credentials })
  destination = await startS3Server({ credentials, dir: work })
}, 60_000)
afterEach(async () => {
  for (const { child } of agents) child.kill('SIGKILL')
  await Promise.all(agents.splice(0).map(({ ended }) => ended))
  await Promise.all(worlds.splice(0).map((world) => world.close()))
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()))
})
afterAll(async () => {
  await Promise.all([plane.stop(), source.stop(), destination.stop()])
  rmSync(work, { recursive: true, force: true })
})

/** `dray agent run`, with a state directory of that name. */
async function beginAgent(name: string): Promise<Running> {
  const stateDir = join(work, name)
  mkdirSync(stateDir)
  keepIdentity(stateDir, { ...(await plane.identity(name)), url: plane.url.href })
  addToAllowList(stateDir, ['*'])
  const env = { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' }
  const running = start(['agent', 'run', '--state-dir', stateDir], env)
  agents.push(running)
  return running
}

it('agents that are killed one after the other leave a large object to the next', async () => {
  source.fill('film', { count: 1, key: () => 'film', size: parts * partSize - 9, partSize })
  destination.createBucket('film')
  destination.hooks = {
    beforeRequest: ({ operation }) => (operation === 'UploadPart' ? { delayMs: 20 } : null),
  }
  await plane.api('PUT', '/api/workspaces/local/migrations/film', {
    source: { ...bucket('film'), endpoint: source.url.href },
    destination: { ...bucket('film'), endpoint: destination.url.href },
    filter: noFilter,
  })
  await plane.api('POST', '/api/workspaces/local/migrations/film/passes', defaultPassOptions)
  const there = () => destination.uploads('film').reduce((sum, upload) => sum + upload.parts, 0)
  const until = async (condition: () => boolean | Promise<boolean>) => {
    while (!(await condition())) await setTimeout(10)
  }
  const kill = async ({ child, ended }: Running) => {
    child.kill('SIGKILL')
    await ended
  }

  const [first, second] = [await beginAgent('first'), await beginAgent('second')]
  await until(() => there() >= 10)
  await kill(first)
  await until(() => there() >= 25)
  await beginAgent('third')
  await until(() => there() >= 35)
  await kill(second)
  const status = async () =>
    (await plane.api<PassStatus>('GET', '/api/workspaces/local/migrations/film/passes/1')).json
  await until(async () => (await status()).state !== 'running')
  expect(await status()).toMatchObject({
    state: 'complete',
    counts: { objects: { listed: 1, copied: 1 }, evidence: { etag: 1 } },
    inFlight: { bytes: 0 },
  })
  const [made] = [...destination.objects('film')]
  const [given] = [...source.objects('film')]
  expect(made).toMatchObject({ etag: given!.etag, size: given!.size })
  expect(destination.uploads('film')).toEqual([])
}, 180_000)

it.each(['create', 'complete'] as const)(
  'the loss of an agent right after its %s of an upload is made good by another one',
  async (verb) => {
    const { world, destination, sent, agent, isWhole, openUploads } = await openLarge(plane, { small: 3 })
    worlds.push(world)
    const proxy = await startProxy(plane.url)
    proxies.push(proxy)
    const stuck = Promise.withResolvers<void>()
    const multipart = destination.multipart!
    const act = multipart[verb] as (...args: unknown[]) => Promise<unknown>
    let times = 0
    Object.assign(multipart, {
      async [verb](...args: unknown[]) {
        const result = await act.apply(multipart, args)
        if (++times > 1) return result
        stuck.resolve()
        return new Promise(() => {})
      },
    })
    await agent('lost', { url: proxy.url })
    const { number } = await world.start()
    await stuck.promise
    proxy.close()
    await (await agent('other')).next('pass-ended')
    const pass = await world.status(number)
    expect(pass).toMatchObject({ state: 'complete' })
    expect(pass.counts.objects).toMatchObject({ listed: 4, failed: 0 })
    expect(numbers(sent)).toEqual(all)
    expect(times).toBe(verb === 'create' ? 2 : 1)
    expect(isWhole()).toBe(true)
    expect(await openUploads()).toEqual([])
  },
)
