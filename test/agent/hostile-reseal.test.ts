/** A control plane that would like to have the secrets of an agent, over real sockets: what it asks, and what it gets. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import type { Identity } from '../../agent/identity/identity.ts'
import type { Answer, Ask } from '../../shared/asks.ts'
import { type Certificate, certify } from '../../shared/identity/certificate.ts'
import { type KeyPair, makeKeys } from '../../shared/identity/keys.ts'
import { fleetAgentMessageSchema, protocolVersion } from '../../shared/protocol.ts'
import { open, seal } from '../../shared/seal.ts'

const endpoint = 'https://s3.example.com'
const secret = JSON.stringify({ accessKeyId: 'AKID', secretAccessKey: 'the-very-secret' })

let http: Server
let agent: Agent
let stateDir: string
let root: KeyPair
let victim: Identity
/** Its own: it would have secrets sealed to these. */
let evil: { signing: KeyPair; sealing: KeyPair }
const copies = new Map<string, string>()
let ask: (ask: Ask) => Promise<Answer>

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'dray-hostile-'))
  const [signing, sealing] = [await makeKeys('Ed25519'), await makeKeys('X25519')]
  root = await makeKeys('Ed25519')
  evil = { signing: await makeKeys('Ed25519'), sealing: await makeKeys('X25519') }
  const named = { workspace: 'acme', site: 'paris', agent: 'victim' }
  const certificate = await certify(
    { ...named, signing: signing.public, sealing: sealing.public, issuedAt: 1 },
    root,
  )
  victim = { url: null, ...named, signing, sealing, rootKey: root.public, certificate }
  const place = { workspace: 'acme', site: 'paris', endpoint }
  for (const connection of ['photos', 'other']) {
    copies.set(connection, await seal(secret, sealing.public, { ...place, connection }))
  }

  http = createServer((request, response) => {
    const connection = /^\/agent\/connections\/([^/]+)$/.exec(request.url ?? '')?.[1] ?? ''
    const envelope = copies.get(connection)
    response.writeHead(envelope ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(envelope ? { connection, version: 1, envelope } : {}))
  })
  const sockets = new WebSocketServer({ server: http })
  const connected = Promise.withResolvers<void>()
  const waiting = new Map<string, (answer: Answer) => void>()
  let asked = 0
  sockets.on('connection', (socket) => {
    const say = (message: unknown) => socket.send(JSON.stringify(message))
    socket.on('message', (data) => {
      if (data.toString() === 'ping') return socket.send('pong')
      const message = fleetAgentMessageSchema.parse(JSON.parse(data.toString()))
      if (message.t === 'answer') waiting.get(message.request)?.(message.answer)
      if (message.t !== 'hello') return
      say({ t: 'welcome', protocol: protocolVersion, heartbeatMs: 1_000 })
      connected.resolve()
    })
    ask = (what) =>
      new Promise((resolve) => {
        const request = `r${++asked}`
        waiting.set(request, resolve)
        say({ t: 'ask', request, ask: what })
      })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  agent = startAgent({
    url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}`),
    identity: victim,
    allow: allowAll,
    stateDir,
    version: 'test',
    concurrency: 8,
    memory: leastBudget,
    log: () => {},
  })
  await connected.promise
})

afterAll(async () => {
  await agent?.stop()
  http?.closeAllConnections()
  http?.close()
  await rm(stateDir, { recursive: true, force: true })
})

const certified = (more: Partial<Certificate> = {}, by = root) =>
  certify(
    {
      workspace: 'acme',
      site: 'paris',
      agent: 'second',
      signing: evil.signing.public,
      sealing: evil.sealing.public,
      issuedAt: 1,
      ...more,
    },
    by,
  )

const wanting = (certificate: Certificate, more: Partial<Ask & { kind: 'reseal' }> = {}): Ask => ({
  kind: 'reseal',
  connection: 'photos',
  endpoint,
  version: 1,
  agent: 'second',
  certificate,
  ...more,
})

async function refusedWith(what: Ask): Promise<string> {
  const answer = await ask(what)
  expect(JSON.stringify(answer)).not.toContain('the-very-secret')
  return answer.kind === 'refused' ? answer.error.code : answer.kind
}

it('gets nothing for a key that the site’s root does not certify', async () => {
  const ownRoot = await makeKeys('Ed25519')
  const good = await certified()
  expect(await refusedWith(wanting(await certified({}, ownRoot)))).toBe('access-denied')
  expect(await refusedWith(wanting({ ...good, signature: 'A'.repeat(86) }))).toBe('access-denied')
  expect(await refusedWith(wanting({ ...victim.certificate!, sealing: evil.sealing.public }))).toBe(
    'access-denied',
  )
})

it('gets nothing for a certificate of another site, workspace or agent', async () => {
  for (const more of [{ site: 'rome' }, { workspace: 'evil' }, { agent: 'third' }]) {
    const certificate = await certified(more)
    expect(await refusedWith(wanting(certificate)), JSON.stringify(more)).toBe('access-denied')
    const renamed = { ...certificate, site: 'paris', workspace: 'acme', agent: 'second' }
    expect(await refusedWith(wanting(renamed)), JSON.stringify(more)).toBe('access-denied')
  }
})

it('gets nothing for a secret that it swapped, or for an endpoint of its own', async () => {
  const certificate = await certified()
  const before = copies.get('photos')!
  expect(await refusedWith(wanting(certificate, { endpoint: 'https://evil.example.com' }))).toBe(
    'bad-credentials',
  )
  expect(await refusedWith(wanting(certificate, { endpoint: null }))).toBe('bad-credentials')
  copies.set('photos', copies.get('other')!)
  expect(await refusedWith(wanting(certificate))).toBe('bad-credentials')
  copies.set('photos', before)
  expect(await refusedWith(wanting(certificate, { version: 2 }))).toBe('stale')
  expect(await refusedWith(wanting(certificate, { connection: 'none' }))).not.toBe('reseal')
})

it('gets an envelope for a certified key, which opens with that key alone and at that place alone', async () => {
  const answer = await ask(wanting(await certified()))
  if (answer.kind !== 'reseal') throw new Error(JSON.stringify(answer))
  const binding = { workspace: 'acme', site: 'paris', connection: 'photos', endpoint }
  expect(await open(answer.envelope, evil.sealing.private, binding)).toBe(secret)
  await expect(open(answer.envelope, victim.sealing.private, binding)).rejects.toThrow()
  await expect(open(answer.envelope, evil.sealing.private, { ...binding, site: 'rome' })).rejects.toThrow()
})
