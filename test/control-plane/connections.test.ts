/** Connections over the real API, with real agents and a real S3 server. */
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import type { Identity } from '../../agent/identity/identity.ts'
import type { ConnectionStatus, ConnectionView } from '../../shared/api/connections.ts'
import type { PassStatus, Problem } from '../../shared/api/migrations.ts'
import type { ConnectionTest } from '../../shared/connection-test.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'
import { seal } from '../../shared/seal.ts'
import { type CertifiedAgents, certifiedIn } from '../support/certified.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'

let plane: Plane
let certified: CertifiedAgents
let s3: TestS3
const agents: Agent[] = []
const dirs: string[] = []

beforeAll(async () => {
  plane = await startPlane()
  certified = certifiedIn(plane)
  s3 = await testS3({ credentials: { AKIDONE: 'secret-one', AKIDTWO: 'secret-two' } })
  for (const name of ['source', 'destination']) s3.server.createBucket(name)
})

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop()))
  await plane.stop()
  await Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true })))
})

const all = '/api/workspaces/local/connections'
const api = <T = unknown>(method: string, path: string, body?: unknown) => plane.api<T>(method, path, body)

async function create(id: string, more: Record<string, unknown> = {}): Promise<ConnectionView> {
  const body = { id, endpoint: s3.server.url.href, credential: { kind: 'sealed' }, ...more }
  const { status, json } = await api<ConnectionView>('POST', all, body)
  expect(status).toBe(201)
  return json
}

const keys = {
  one: { accessKeyId: 'AKIDONE', secretAccessKey: 'secret-one' },
  two: { accessKeyId: 'AKIDTWO', secretAccessKey: 'secret-two' },
  wrong: { accessKeyId: 'AKIDNONE', secretAccessKey: 'secret-none' },
}

async function sealTo(
  connection: ConnectionView,
  version: number,
  which: keyof typeof keys,
  to: readonly Identity[],
) {
  const copies = await Promise.all(
    to.map(async ({ agent, site, sealing, workspace }) => ({
      agent,
      envelope: await seal(JSON.stringify(keys[which]), sealing.public, {
        workspace,
        site,
        connection: connection.id,
        endpoint: connection.endpoint,
      }),
    })),
  )
  return api<ConnectionStatus & Problem>('PUT', `${all}/${connection.id}/sealed`, { version, copies })
}

async function start(identity: Identity): Promise<EventEmitter> {
  const stateDir = await mkdtemp(join(tmpdir(), 'dray-connections-'))
  dirs.push(stateDir)
  const events = new EventEmitter()
  const connected = once(events, 'connected')
  const agent = startAgent({
    url: plane.url,
    identity,
    stateDir,
    version: 'test',
    concurrency: 8,
    memory: leastBudget,
    allow: allowAll,
    log: (event) => events.emit(event.event, event),
  })
  agents.push(agent)
  await connected
  return events
}

describe('a connection', () => {
  it('is made, listed, read, edited by whoever read it last, and deleted', async () => {
    const made = await create('plain', { credential: { kind: 'profile', profile: 'backup' }, region: 'r' })
    expect(made).toMatchObject({
      id: 'plain',
      kind: 's3',
      sites: [],
      secretVersion: 0,
      rotate: [],
      revision: 1,
    })
    expect((await api('POST', all, { id: 'plain', credential: { kind: 'sealed' } })).status).toBe(409)
    const { json } = await api<{ connections: ConnectionView[] }>('GET', all)
    expect(json.connections.map(({ id }) => id)).toContain('plain')

    const edit = (ifMatch: string, body: unknown) =>
      fetch(new URL(`${all}/plain`, plane.url), {
        method: 'PATCH',
        headers: { authorization: `Bearer ${plane.token}`, 'if-match': ifMatch },
        body: JSON.stringify(body),
      })
    const edited = await edit('"1"', { region: null })
    expect(edited.headers.get('etag')).toBe('"2"')
    expect(await edited.json()).toMatchObject({ region: null, revision: 2, endpoint: made.endpoint })
    expect((await edit('"1"', { region: 'other' })).status).toBe(412)

    expect((await api('DELETE', `${all}/plain`)).status).toBe(204)
    expect((await api('GET', `${all}/plain`)).status).toBe(404)
  })

  it('keeps nothing that could be a password: an endpoint has no place for one', async () => {
    for (const endpoint of ['http://u:p@127.0.0.1', 'http://127.0.0.1/?key=1', 'ftp://127.0.0.1', 'x']) {
      const body = { id: 'open', endpoint, credential: { kind: 'sealed' } }
      expect((await api('POST', all, body)).status, endpoint).toBe(400)
    }
  })

  it('is not deleted while a migration uses it, and no migration uses one that is not there', async () => {
    await create('used', { credential: { kind: 'anonymous' } })
    const place = { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null }
    const definition = (connection: string) => ({
      source: { ...place, bucket: 'a', connection },
      destination: { ...place, bucket: 'b' },
      filter: noFilter,
    })
    const migrations = '/api/workspaces/local/migrations'
    expect((await api('PUT', `${migrations}/uses-it`, definition('used'))).status).toBe(201)
    const refused = await api<Problem>('DELETE', `${all}/used`)
    expect(refused.status).toBe(409)
    expect(refused.json.detail).toContain('uses-it')
    expect((await api('PUT', `${migrations}/uses-none`, definition('nothing'))).status).toBe(409)
    const both = { ...definition('used'), source: { ...place, bucket: 'a', connection: 'used', region: 'x' } }
    expect((await api('PUT', `${migrations}/uses-both`, both)).status).toBe(400)
  })

  it('loses the copies of its secret with its endpoint, and keeps them with anything else', async () => {
    const one = await certified.agent('agent-of-edits')
    const connection = await create('edited')
    await sealTo(connection, 1, 'one', [one])
    const holders = async () => {
      const { json } = await api<ConnectionStatus>('GET', `${all}/edited/status`)
      return json.agents.filter(({ agent }) => agent === one.agent).map(({ secret }) => secret)
    }
    await api('PATCH', `${all}/edited`, { region: 'elsewhere', endpoint: connection.endpoint })
    expect(await holders()).toEqual(['current'])
    await api('PATCH', `${all}/edited`, { endpoint: 'https://other.example.com' })
    expect(await holders()).toEqual(['missing'])
  })
})

describe('sealing', () => {
  it('takes the version that there is, or the next one, for agents of its sites that are not revoked', async () => {
    const [here, there] = [await certified.agent('a-here'), await certified.agent('a-there', 'there')]
    const connection = await create('versions', { sites: ['here'] })
    expect((await sealTo(connection, 2, 'one', [here])).status).toBe(409)
    expect((await sealTo(connection, 0, 'one', [here])).status).toBe(400)
    expect((await sealTo(connection, 1, 'one', [there])).json.detail).toContain('is at site there')
    expect((await sealTo(connection, 1, 'one', [{ ...here, agent: 'nobody' }])).json.detail).toContain(
      'is unknown',
    )
    expect((await sealTo(connection, 1, 'one', [here])).status).toBe(200)
    expect((await sealTo(connection, 1, 'one', [here])).status).toBe(200)
    expect((await sealTo(connection, 3, 'one', [here])).json.code).toBe('stale')
    const second = await sealTo(connection, 2, 'two', [here])
    expect(second.json.secretVersion).toBe(2)
    expect(second.json.agents.find(({ agent }) => agent === 'a-here')?.secret).toBe('current')

    const revoked = await api<{ secrets: unknown }>('POST', '/api/workspaces/local/agents/a-here/revoke')
    expect(revoked.json.secrets).toEqual([{ connection: 'versions', version: 2 }])
    expect((await sealTo(connection, 3, 'one', [here])).json.detail).toContain('is revoked')
    const { json } = await api<ConnectionView>('GET', `${all}/versions`)
    expect(json.rotate).toEqual(['a-here'])
  })

  it('is not for connections that have another credential, and not for what is no envelope', async () => {
    const one = await certified.agent('agent-of-none')
    const connection = await create('unsealed', { credential: { kind: 'profile', profile: null } })
    expect((await sealTo(connection, 1, 'one', [one])).status).toBe(409)
    await create('bare')
    const copies = [{ agent: one.agent, envelope: 'secret-one' }]
    expect((await api('PUT', `${all}/bare/sealed`, { version: 1, copies })).status).toBe(400)
  })

  it('gives a copy to the agent that it was sealed to, and to no other', async () => {
    const [mine, other] = [
      await certified.agent('holder-1', 'quiet'),
      await certified.agent('holder-2', 'quiet'),
    ]
    const connection = await create('fetched', { sites: ['quiet'] })
    await sealTo(connection, 1, 'one', [mine])
    const { proofOf } = await import('../support/identities.ts')
    const url = new URL('/agent/connections/fetched', plane.url)
    const fetched = async (identity: Identity) =>
      fetch(url, { headers: { authorization: await proofOf(identity, 'GET', url) } })
    expect(await (await fetched(mine)).json()).toMatchObject({ connection: 'fetched', version: 1 })
    expect((await fetched(other)).status).toBe(404)
    expect((await fetched(await certified.agent('holder-3', 'elsewhere'))).status).toBe(404)
    expect((await api('GET', '/agent/connections/fetched')).status).toBe(403)
  })
})

it('moves objects with a sealed secret, brings it to new agents, and goes on when it is another one', async () => {
  const first = await certified.agent('mover-1', 'plant')
  const connection = await create('store', { sites: ['plant'] })
  await sealTo(connection, 1, 'one', [first])
  await start(first)

  // A new agent gets it through the one that has it.
  const second = await certified.agent('mover-2', 'plant')
  await start(second)
  await expect.poll(async () => holding('store'), { timeout: 10_000 }).toEqual(['current', 'current'])

  for (let i = 0; i < 20; i++) await s3.server.put('source', `key-${i}`, `body ${i}`)
  expect(await move('plain-move')).toMatchObject({ state: 'complete' })
  expect([...s3.server.objects('destination')]).toHaveLength(20)

  // The store knows the old key no more, and the plane has the next one.
  s3.server.hooks = {
    beforeRequest: ({ headers }) =>
      /AKIDONE/.test(headers.get('authorization') ?? '')
        ? { status: 403, code: 'InvalidAccessKeyId', message: 'It is not known' }
        : null,
  }
  await sealTo(connection, 2, 'two', [first])
  await s3.server.put('source', 'late', 'late body')
  expect(await move('plain-move')).toMatchObject({ state: 'complete' })
  expect([...s3.server.objects('destination')]).toHaveLength(21)
  expect(await holding('store')).toEqual(['current', 'current'])
  s3.server.hooks = {}
})

it('is tested by a real agent', async () => {
  const tested = await api<ConnectionTest & { agent: string; site: string }>('POST', `${all}/store/test`, {
    bucket: 'destination',
    prefix: 'tried/',
  })
  expect(tested.status).toBe(200)
  expect(tested.json.site).toBe('plant')
  expect(tested.json.checks.filter(({ outcome }) => outcome !== 'yes')).toEqual([])
  const nobody = await api<Problem>('POST', `${all}/store/test`, { bucket: 'destination', site: 'moon' })
  expect(nobody.status).toBe(409)
  await create('far', { sites: ['moon'] })
  const none = await api<Problem>('POST', `${all}/far/test`, { bucket: 'destination' })
  expect(none.json.detail).toBe('no agent of moon is connected')
})

async function holding(id: string): Promise<string[]> {
  const { json } = await api<ConnectionStatus>('GET', `${all}/${id}/status`)
  return json.agents.map(({ secret }) => secret)
}

/** A pass between the two buckets, to its end. */
async function move(migration: string): Promise<PassStatus> {
  const at = (bucket: string) => ({
    kind: 's3',
    bucket,
    prefix: '',
    endpoint: null,
    region: null,
    profile: null,
    site: null,
    connection: 'store',
  })
  const path = `/api/workspaces/local/migrations/${migration}`
  await api('PUT', path, { source: at('source'), destination: at('destination'), filter: noFilter })
  const started = await api<{ pass: PassStatus }>('POST', `${path}/passes`, defaultPassOptions)
  expect(started.status).toBe(201)
  const { number } = started.json.pass
  let pass = started.json.pass
  await expect
    .poll(
      async () => {
        pass = (await api<PassStatus>('GET', `${path}/passes/${number}`)).json
        return pass.state
      },
      { timeout: 15_000 },
    )
    .not.toBe('running')
  return pass
}
