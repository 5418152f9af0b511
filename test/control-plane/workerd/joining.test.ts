import { env, exports } from 'cloudflare:workers'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type AgentView, joinText } from '../../../shared/api/agents.ts'
import { certify } from '../../../shared/identity/certificate.ts'
import { makeKeys, sign } from '../../../shared/identity/keys.ts'
import { digestHeader, maxSkewMs, timeHeader } from '../../../shared/identity/signature.ts'
import { sha256 } from '../../../shared/octets.ts'
import { closeCodes, protocolVersion } from '../../../shared/protocol.ts'
import { someFacts } from '../../support/facts.ts'
import { identityOf, proofOf } from '../../support/identities.ts'
import { heldOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, call, connect, identity, json, prepare, toMigration } from './inside.ts'

const api = '/api/workspaces/local'
const eventually = <T>(check: () => T | Promise<T>) => vi.waitFor(check, { timeout: 15_000, interval: 5 })

beforeAll(async () => {
  await prepare()
  await json('POST', `${api}/sites`, { id: 'paris' })
  await json('POST', `${api}/sites`, { id: 'rome' })
})

const tokenFor = async (site: string, more: object = {}) =>
  (await json<{ id: string; token: string }>('POST', `${api}/sites/${site}/tokens`, more)).body

/** Asks to join as a new agent; `over` is what is different from what an agent would say. */
async function ask(token: string, name: string, over: object = {}) {
  const { signing, sealing, ...rest } = await identityOf(name)
  const keys = { signing: signing.public, sealing: sealing.public }
  const signature = await sign(joinText(await sha256(token), name, keys.signing, keys.sealing), signing)
  const body = JSON.stringify({ token, name, ...keys, signature, ...over })
  const response = await call('POST', '/agent/join', { token: '', body })
  const answer = (await response.json()) as { detail?: string; site: string; rootKey: string | null }
  return { status: response.status, answer, who: { ...rest, signing, sealing, site: answer.site } }
}

/** A request as `who` signs it, with whatever is different on its way. */
async function request(
  who: Awaited<ReturnType<typeof identityOf>>,
  method: string,
  path: string,
  {
    time = Date.now(),
    body,
    over = {},
    to = path,
  }: { time?: number; body?: string; over?: Record<string, string>; to?: string } = {},
) {
  const digest = body === undefined ? '' : await sha256(body)
  const authorization = await proofOf(who, method, new URL(`http://plane${path}`), digest, time)
  return exports.default.fetch(`http://plane${to}`, {
    method,
    headers: { authorization, ...(digest && { [digestHeader]: digest }), ...over },
    ...(body === undefined ? {} : { body }),
  })
}
const upgrade = { upgrade: 'websocket' }

const agent = async (id: string) => (await json<AgentView>('GET', `${api}/agents/${id}`)).body

describe('a join token', () => {
  it('says what it is, and is kept as a digest alone', async () => {
    const { token } = await tokenFor('paris')
    expect(token).toMatch(/^drayjoin_local_paris_[\w-]{43}$/)
    const rows = await env.DB.prepare('SELECT * FROM join_tokens').all()
    expect(JSON.stringify(rows)).not.toContain(token.slice(-43))
  })

  it('lets an agent join its site, once', async () => {
    const { token } = await tokenFor('paris')
    expect(await ask(token, 'once')).toMatchObject({ status: 201, answer: { site: 'paris', rootKey: null } })
    expect(await agent('once')).toMatchObject({
      site: 'paris',
      connected: false,
      certificate: null,
      revokedAt: null,
    })
    const again = await ask(token, 'twice')
    expect(again).toMatchObject({
      status: 403,
      answer: { detail: expect.stringContaining('was used before') },
    })
  })

  it('lets as many join as it says, also when they come at once', async () => {
    const { token } = await tokenFor('paris', { uses: 2 })
    const asked = await Promise.all(['p1', 'p2', 'p3', 'p4'].map((name) => ask(token, name)))
    expect(asked.map(({ status }) => status).sort()).toEqual([201, 201, 403, 403])
  })

  it('costs nothing where the name is taken', async () => {
    const { token } = await tokenFor('paris')
    expect((await ask(token, 'once')).status).toBe(409)
    expect((await ask(token, 'free-name')).status).toBe(201)
  })

  it('is of no use when it has expired, was taken back, or is of another site', async () => {
    const short = await tokenFor('paris', { expiresIn: 1 })
    await env.DB.prepare('UPDATE join_tokens SET expires_at = 1 WHERE id = ?').bind(short.id).run()
    expect((await ask(short.token, 'late')).answer.detail).toContain('has expired')
    const back = await tokenFor('paris')
    expect((await call('DELETE', `${api}/sites/paris/tokens/${back.id}`)).status).toBe(204)
    expect((await ask(back.token, 'back')).answer.detail).toContain('was taken back')
    const { token } = await tokenFor('paris')
    const elsewhere = await ask(token.replace('_paris_', '_rome_'), 'elsewhere')
    expect(elsewhere).toMatchObject({ status: 403, answer: { detail: expect.stringContaining('unknown') } })
    expect((await ask(token.replace('_local_', '_other_'), 'elsewhere')).status).toBe(403)
    expect((await ask('dray_abc', 'elsewhere')).status).toBe(400)
  })

  it('takes keys of nobody else', async () => {
    const { token } = await tokenFor('paris')
    const { signing } = await identityOf('thief')
    expect((await ask(token, 'thief', { signing: signing.public })).status).toBe(403)
    expect((await ask(token, 'thief', { name: 'other' })).status).toBe(403)
  })

  it('ends within a day', async () => {
    expect((await json('POST', `${api}/sites/paris/tokens`, { expiresIn: 86_401 })).status).toBe(400)
  })
})

describe('a signed request', () => {
  it('opens a socket once: the same again is refused', async () => {
    const who = await identity('replayed')
    const path = '/agent/fleet'
    const authorization = await proofOf(who, 'GET', new URL(`http://plane${path}`))
    const once = () =>
      exports.default.fetch(`http://plane${path}`, { headers: { ...upgrade, authorization } })
    const first = await once()
    expect(first.status).toBe(101)
    first.webSocket!.accept()
    expect((await once()).status).toBe(401)
    first.webSocket!.close()
  })

  it.each([
    ['for another path', { to: '/agent/migrations/signed' }],
    ['changed on its way', { over: { ...upgrade, authorization: 'tampered' } }],
  ])('is refused %s', async (_, how) => {
    await begin('signed')
    const who = await identity('tampered')
    const over: Record<string, string> = { ...upgrade, ...('over' in how ? how.over : {}) }
    if (over.authorization === 'tampered') {
      const good = await proofOf(who, 'GET', new URL('http://plane/agent/fleet'))
      over.authorization = good.replace(
        /signature=./,
        (text) => `signature=${text.endsWith('A') ? 'B' : 'A'}`,
      )
    }
    const response = await request(who, 'GET', '/agent/fleet', { ...how, over })
    expect(response.status).toBe(401)
  })

  it('is refused with another body than was signed', async () => {
    const { who } = await ask((await tokenFor('paris')).token, 'body')
    const root = await makeKeys('Ed25519')
    const certificate = await certify({ ...certified(who), issuedAt: 1 }, root)
    const body = JSON.stringify({ rootKey: root.public, certificate })
    const digest = await sha256(`${body} `)
    expect(
      (await request(who, 'PUT', '/agent/certificate', { body, over: { [digestHeader]: digest } })).status,
    ).toBe(401)
    expect((await agent('body')).certificate).toBeNull()
  })

  it('of a clock that is off is refused with the plane’s time', async () => {
    const who = await identity('slow-clock')
    const response = await request(who, 'GET', '/agent/fleet', {
      time: Date.now() - maxSkewMs - 1_000,
      over: upgrade,
    })
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ code: 'clock-skew' })
    expect(Math.abs(Number(response.headers.get(timeHeader)) - Date.now())).toBeLessThan(60_000)
  })

  it('of an agent that nobody knows is refused, and one of another workspace’s agent too', async () => {
    const stranger = await identityOf('stranger')
    expect((await request(stranger, 'GET', '/agent/fleet', { over: upgrade })).status).toBe(401)
    const known = await identity('of-local')
    expect(
      (await request({ ...known, workspace: 'other' }, 'GET', '/agent/fleet', { over: upgrade })).status,
    ).toBe(401)
  })
})

const certified = ({ workspace, site, agent, signing, sealing }: Awaited<ReturnType<typeof identityOf>>) => ({
  ...{ workspace, site, agent, signing: signing.public, sealing: sealing.public },
})

describe('a certificate', () => {
  it('of a site’s first agent brings the root key; of the others it must be by that one', async () => {
    await json('POST', `${api}/sites`, { id: 'oslo' })
    const { token } = await tokenFor('oslo', { uses: 3 })
    const [first, second] = [await ask(token, 'oslo-1'), await ask(token, 'oslo-2')]
    const [root, other] = [await makeKeys('Ed25519'), await makeKeys('Ed25519')]
    const put = async (who: typeof first.who, by: typeof root, over: object = {}) => {
      const certificate = await certify({ ...certified(who), issuedAt: 1, ...over }, by)
      const body = JSON.stringify({ rootKey: by.public, certificate })
      return (await request(who, 'PUT', '/agent/certificate', { body })).status
    }
    expect(await put(first.who, root)).toBe(204)
    expect((await json('GET', `${api}/sites/oslo`)).body).toMatchObject({ rootKey: root.public, agents: 2 })
    expect(await put(second.who, other)).toBe(409)
    expect(await put(second.who, root, { sealing: first.who.sealing.public })).toBe(400)
    expect(await put(second.who, root, { site: 'paris' })).toBe(400)
    expect((await agent('oslo-2')).certificate).toBeNull()

    // By an operator who has the root key.
    const certificate = await certify({ ...certified(second.who), issuedAt: 2 }, root)
    expect((await json('PUT', `${api}/agents/oslo-2/certificate`, certificate)).status).toBe(200)
    expect((await agent('oslo-2')).certificate).toEqual(certificate)
    expect((await ask(token, 'oslo-3')).answer.rootKey).toBe(root.public)

    expect((await json('PATCH', `${api}/sites/oslo`, { rootKey: null })).body).toMatchObject({
      rootKey: null,
    })
    expect((await agent('oslo-2')).certificate).toBeNull()
  })
})

const joinFleet = async (name: string, started = 1) => {
  const socket = await connect('/agent/fleet', name)
  const hello = {
    t: 'hello',
    protocol: protocolVersion,
    session: `${name}-${started}`,
    started,
    facts: someFacts,
  }
  socket.raw(JSON.stringify(hello))
  return socket
}

describe('revoking an agent', () => {
  it('closes its sockets, gives its leases back at once, and shuts it out', async () => {
    await begin('revoked')
    const [fleet, lost] = [await joinFleet('lost'), await toMigration('revoked', 'lost')]
    await lost.hello('lost')
    const [survey] = await lost.lease()
    const other = await toMigration('revoked', 'other')
    await other.hello('other')
    other.free(1)
    expect((await json<AgentView>('POST', `${api}/agents/lost/revoke`)).body.revokedAt).toBeGreaterThan(0)
    expect(await Promise.all([fleet.closed, lost.closed])).toMatchObject([
      { code: closeCodes.revoked },
      { code: closeCodes.revoked },
    ])
    // Long before its leases would have run out.
    const [again] = (await other.next('lease')).packets
    expect(again).toMatchObject({ id: survey!.id, generation: survey!.generation + 1 })

    for (const path of ['/agent/fleet', '/agent/migrations/revoked']) {
      const response = await request(await identity('lost'), 'GET', path, { over: upgrade })
      expect([path, response.status]).toEqual([path, 410])
    }
    expect((await json('POST', `${api}/agents/lost/revoke`)).status).toBe(200)
    expect((await agent('lost')).connected).toBe(false)
  })

  it('is what leaving does', async () => {
    const { who } = await ask((await tokenFor('rome')).token, 'leaver')
    expect((await call('DELETE', `${api}/sites/rome`)).status).toBe(409)
    expect((await request(who, 'POST', '/agent/leave')).status).toBe(204)
    expect((await agent('leaver')).revokedAt).not.toBeNull()
    expect((await call('DELETE', `${api}/sites/rome`)).status).toBe(204)
  })
})

describe('two processes of one agent', () => {
  it('are noticed: the one that began later stays, whichever comes last', async () => {
    await begin('twins')
    const newer = await joinFleet('twin', 2)
    await newer.next('welcome' as never)
    const older = await joinFleet('twin', 1)
    expect((await older.closed).code).toBe(closeCodes.superseded)
    const [a, b] = [await toMigration('twins', 'twin'), await toMigration('twins', 'twin')]
    await a.hello('twin', 'twin-2')
    const [survey] = await a.lease()
    await expect(b.hello('twin', 'twin-1', heldOf([survey!]))).rejects.toThrow(String(closeCodes.superseded))
    expect((await a.ask(outcomeOf(survey!))).t).not.toBe('ack')
    await eventually(async () => expect((await agent('twin')).twinAt).toBeGreaterThan(0))
    const { body } = await json<{ entries: { action: string; after: unknown }[] }>('GET', `${api}/audit`)
    expect(JSON.stringify(body)).toContain('"agent.twins"')
  })
})

describe('draining an agent', () => {
  it('tells it to finish and end', async () => {
    const socket = await joinFleet('drained')
    await socket.next('welcome' as never)
    expect((await json('POST', `${api}/agents/drained/drain`)).status).toBe(202)
    await socket.next('drain' as never)
    socket.close()
    await socket.closed
    await eventually(async () => expect((await agent('drained')).connected).toBe(false))
    expect((await json('POST', `${api}/agents/drained/drain`)).status).toBe(409)
  })
})

describe('facts', () => {
  it('are kept as the agent tells them, with the address that it comes from', async () => {
    const socket = await joinFleet('factual')
    await eventually(async () =>
      expect(await agent('factual')).toMatchObject({ facts: someFacts, address: null }),
    )
    const facts = { ...someFacts, reach: [{ endpoint: 'https://s3.example.com', ms: 3, error: null }] }
    socket.raw(JSON.stringify({ t: 'facts', facts }))
    await eventually(async () => expect((await agent('factual')).facts).toEqual(facts))
    expect((await json('GET', `${api}/sites/here`)).body).toMatchObject({
      reaches: ['https://s3.example.com'],
    })
  })
})
