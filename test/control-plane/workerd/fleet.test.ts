import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { listAgents } from '../../../shared/api/agents.ts'
import type { MigrationView, PassStatus } from '../../../shared/api/migrations.ts'
import { closeCodes, type FleetPlaneMessage, protocolVersion } from '../../../shared/protocol.ts'
import { version } from '../../../shared/version.ts'
import { someFacts } from '../../support/facts.ts'
import type { ScriptedAgent } from '../../support/scripted-agent.ts'
import { begin, connect, definition, file, identity, json, prepare, s3 } from './inside.ts'

/** For what is told in the background: as long as it takes, on a busy machine too. */
const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 15_000, interval: 5 })

beforeAll(prepare)

async function join(agent: string, site: string, started = 1): Promise<ScriptedAgent> {
  await identity(agent, site)
  const socket = await connect('/agent/fleet', agent)
  socket.raw(
    JSON.stringify({
      t: 'hello',
      protocol: protocolVersion,
      session: `${agent}-${started}`,
      started,
      facts: { ...someFacts, host: `${agent}.local` },
    }),
  )
  await socket.next('welcome')
  return socket
}

const ids = ({ migrations }: FleetPlaneMessage & { t: 'assign' }) => migrations.map(({ id }) => id)

/** The next list in which `which` holds. */
async function assigned(agent: ScriptedAgent, which: (migrations: string[]) => boolean): Promise<string[]> {
  const next = agent.next.bind(agent) as unknown as (
    t: 'assign',
    which: (message: FleetPlaneMessage & { t: 'assign' }) => boolean,
  ) => Promise<FleetPlaneMessage & { t: 'assign' }>
  return ids(await next('assign', (message) => which(ids(message))))
}

const agents = async () =>
  listAgents.answer.parse((await json('GET', '/api/workspaces/local/agents')).body).agents
const agentNamed = async (id: string) => (await agents()).find((agent) => agent.id === id)

describe('the fleet', () => {
  it('assigns a migration to the agents that reach both of its locations', async () => {
    const [x, y] = await Promise.all([join('at-x', 'x'), join('at-y', 'y')])
    await begin('everywhere', {}, definition)
    await begin('only-x', {}, { ...definition, source: file('/data', 'x') })
    expect(await assigned(x, (all) => all.includes('only-x'))).toEqual(
      expect.arrayContaining(['everywhere', 'only-x']),
    )
    expect(await assigned(y, (all) => all.includes('everywhere'))).not.toContain('only-x')
    await begin('s3-at-y', {}, { ...definition, source: { ...s3('a'), site: 'y' } as never })
    expect(await assigned(y, (all) => all.includes('s3-at-y'))).not.toContain('only-x')
  })

  it('lets no agent in that a migration is out of reach for, whether or not it was assigned', async () => {
    await begin('elsewhere', {}, { ...definition, source: file('/data', 'elsewhere') })
    await expect(connect('/agent/migrations/elsewhere', 'intruder')).rejects.toThrow(/403.*does not reach/)
  })

  it('gives each migration the weight of its priority, which can be changed while it runs', async () => {
    const agent = await join('weigher', 'x')
    const weights = async (which: (weight: number | undefined) => boolean) => {
      const of = (message: FleetPlaneMessage & { t: 'assign' }) =>
        message.migrations.find(({ id }) => id === 'weighed')?.weight
      const next = agent.next.bind(agent) as unknown as (
        t: 'assign',
        which: (message: FleetPlaneMessage & { t: 'assign' }) => boolean,
      ) => Promise<FleetPlaneMessage & { t: 'assign' }>
      return of(await next('assign', (message) => which(of(message))))
    }
    const path = '/api/workspaces/local/migrations/weighed'
    await json('PUT', path, { ...definition, priority: 'low' })
    await json('POST', `${path}/passes`, {})
    expect(await weights((weight) => weight === 1)).toBe(1)
    const { body } = await json<MigrationView>('PATCH', path, { priority: 'high' })
    expect(body).toMatchObject({ priority: 'high', revision: 2 })
    expect(await weights((weight) => weight === 16)).toBe(16)
    await json('POST', `${path}/passes/1/cancel`)
  })

  it('says what a migration waits for that no agent reaches', async () => {
    const path = '/api/workspaces/local/migrations/far/passes/1'
    await begin('far', {}, { ...definition, source: file('/data', 'far-away') })
    const waitsFor = async () => (await json<PassStatus>('GET', path)).body.waitsFor
    await eventually(async () =>
      expect(await waitsFor()).toMatchObject({
        sites: ['far-away'],
        message: expect.stringMatching(/^No agent of site far-away is connected/),
      }),
    )
    const agent = await join('comer', 'far-away')
    expect(await assigned(agent, (all) => all.includes('far'))).toContain('far')
    expect(await waitsFor()).toBe(undefined)
    agent.raw('{"t":"draining"}')
    await eventually(async () => expect(await waitsFor()).toMatchObject({ sites: ['far-away'] }))
    agent.close()
  })

  it('goes on with what an earlier version had assigned', async () => {
    const fleet = env.FLEET.getByName('older')
    await runInDurableObject(fleet, (_, { storage }) => {
      storage.sql.exec('DROP TABLE assignment')
      storage.sql.exec('CREATE TABLE active (migration TEXT PRIMARY KEY, sites TEXT NOT NULL) WITHOUT ROWID')
      storage.sql.exec(`INSERT INTO active VALUES ('anywhere', '[]'), ('at-x', '["x"]')`)
      storage.sql.exec(`DELETE FROM schema WHERE part = 'assignments'`)
    })
    await evictDurableObject(fleet)
    expect(await fleet.waitsFor('anywhere')).toMatchObject({ sites: null })
    expect(await fleet.waitsFor('at-x')).toMatchObject({ sites: ['x'] })
  })

  it('dismisses everybody when the pass is over', async () => {
    const agent = await join('dismissed', 'x')
    await begin('short')
    await assigned(agent, (all) => all.includes('short'))
    await json<PassStatus>('POST', '/api/workspaces/local/migrations/short/passes/1/cancel')
    await assigned(agent, (all) => !all.includes('short'))
  })

  it('knows after its sleep what is going on, and tells whoever comes', async () => {
    await begin('lasting')
    const agent = await join('sleeper', 'x')
    await assigned(agent, (all) => all.includes('lasting'))
    await evictDurableObject(env.FLEET.getByName('local'))
    await begin('after-sleep')
    await assigned(agent, (all) => all.includes('lasting') && all.includes('after-sleep'))
    await evictDurableObject(env.FLEET.getByName('local'), { webSockets: 'close' })
    const back = await join('sleeper', 'x')
    await assigned(back, (all) => all.includes('lasting'))
  })

  it('shows who is there, and who was', async () => {
    const agent = await join('present', 'x')
    await eventually(async () => {
      expect(await agentNamed('present')).toMatchObject({
        facts: { host: 'present.local', version: '0.1.0' },
        site: 'x',
        connected: true,
      })
    })
    agent.close()
    await agent.closed
    await eventually(async () => expect(await agentNamed('present')).toMatchObject({ connected: false }))
  })

  it('shows what an agent does now, a second, and whether it is to be another version', async () => {
    const agent = await join('worker', 'x')
    const migrations = [{ id: 'photos', packets: 4, objects: 10, bytes: 5_000 }]
    await eventually(async () =>
      expect(await agentNamed('worker')).toMatchObject({
        ...{ connected: true, draining: false, doing: [], upgradeTo: null },
      }),
    )
    agent.raw(JSON.stringify({ t: 'doing', ms: 2_000, migrations }))
    const doing = [{ migration: 'photos', packets: 4, objects: 5, bytes: 2_500 }]
    await eventually(async () => expect(await agentNamed('worker')).toMatchObject({ doing }))
    agent.raw(JSON.stringify({ t: 'doing', ms: 2_000, migrations: [] }))
    agent.raw('{"t":"draining"}')
    await eventually(async () =>
      expect(await agentNamed('worker')).toMatchObject({ draining: true, doing: [] }),
    )
    agent.raw(JSON.stringify({ t: 'facts', facts: { ...someFacts, version: '0.0.9' } }))
    await eventually(async () => expect(await agentNamed('worker')).toMatchObject({ upgradeTo: version }))
    agent.close()
    await eventually(async () =>
      expect(await agentNamed('worker')).toMatchObject({ connected: false, draining: false, doing: null }),
    )
  })

  it('lets a newer process of an agent take over', async () => {
    const old = await join('twin', 'x', 1)
    const young = await join('twin', 'x', 2)
    expect((await old.closed).code).toBe(closeCodes.superseded)
    await begin('for-twins')
    await assigned(young, (all) => all.includes('for-twins'))
    await eventually(async () => expect(await agentNamed('twin')).toMatchObject({ connected: true }))
  })

  it('gives nothing new to an agent that drains', async () => {
    const [draining, other] = await Promise.all([join('draining', 'x'), join('other', 'x')])
    draining.raw('{"t":"draining"}')
    // Both sockets are served in order: once the other has heard, this one would have.
    await eventually(async () => expect(await agentNamed('draining')).toMatchObject({ connected: true }))
    draining.inbox.splice(0)
    await begin('too-late')
    await assigned(other, (all) => all.includes('too-late'))
    expect(JSON.stringify(draining.inbox)).not.toContain('too-late')
  })

  it.each([
    ['what is not JSON', 'hello'],
    ['another protocol', '{"t":"hello","protocol":99,"session":"s","started":1}'],
    ['a message before hello', '{"t":"draining"}'],
    ['a message that it does not know', '{"t":"goodbye"}'],
  ])('closes the socket on %s', async (_, text) => {
    const socket = await connect('/agent/fleet')
    socket.raw(text)
    expect(await socket.closed).toMatchObject({ code: closeCodes.protocol })
  })
})
