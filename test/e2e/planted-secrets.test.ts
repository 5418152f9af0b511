/**
 * Distinctive secrets go through a whole run: a connection is sealed, objects are moved under a customer's key, something goes wrong, the
 * connection is tested, a new agent gets the secret, another is revoked. Then everything that the control plane stores, logs, answers and
 * says, everything that the agents log and leave on their disks, and everything that passed between them is searched for them.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Agent, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { runProgram } from '../../agent/cli/program.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type ControlPlane, startControlPlane } from '../../agent/embed/control-plane.ts'
import { readIdentity } from '../../agent/identity/identity-file.ts'
import type { ConnectionStatus } from '../../shared/api/connections.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'
import { disguises } from '../support/disguises.ts'
import { startReceiver } from '../support/receiver.ts'
import { type RecordingProxy, startRecordingProxy } from '../support/recording-proxy.ts'
import { type TestS3, testS3 } from '../support/s3-server.ts'
import { Visitor } from '../support/visitor.ts'

/** What must be nowhere. Those that the control plane makes itself are added when it has shown them. */
const secrets: Record<string, string> = {
  'the secret access key': 'PLANTED/secret+access=key-7f3a',
  'the secret access key before': 'PLANTED/earlier+access=key-91c0',
  'the session token': 'PLANTED+session/token=='.repeat(3),
  'the customer key': Buffer.from(randomBytes(32)).toString('base64'),
  'a password': 'PLANTED horse battery staple?&',
}
const accessKey = 'AKIDPLANTED'

const dir = mkdtempSync(join(tmpdir(), 'dray-planted-'))
const stateDir = join(dir, 'plane')
const agents: Agent[] = []
/** Whatever anybody wrote. */
const logs: string[] = []
const answers: string[] = []
let plane: ControlPlane
let proxy: RecordingProxy
let s3: TestS3

beforeAll(async () => {
  process.env.XDG_CONFIG_HOME = join(dir, 'config')
  mkdirSync(stateDir)
  plane = await startControlPlane({
    stateDir,
    calls: true,
    // With the library that signs people in.
    console: true,
    log: (level, message) => void logs.push(`plane ${level} ${message}`),
  })
  proxy = await startRecordingProxy(plane.url)
  s3 = await testS3({
    credentials: { [accessKey]: secrets['the secret access key']! },
    sessionTokens: { [accessKey]: secrets['the session token']! },
  })
  for (const name of ['source', 'destination']) s3.server.createBucket(name)
})

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.stop()))
  await proxy?.stop()
  await plane?.stop()
  rmSync(dir, { recursive: true, force: true })
})

async function api<T>(method: string, path: string, body?: unknown, isShownOnce = false): Promise<T> {
  const response = await fetch(new URL(`/api/workspaces/local/${path}`, plane.url), {
    method,
    headers: { authorization: `Bearer ${plane.token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  if (!isShownOnce) answers.push(text)
  return (text === '' ? null : JSON.parse(text)) as T
}

/** The command line, in this process; what it prints is searched too. */
async function dray(...args: string[]): Promise<string> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const said: string[] = []
  for (const stream of [stdout, stderr]) stream.on('data', (data: Buffer) => void said.push(data.toString()))
  const code = await runProgram(args, {
    stdin: () => process.stdin,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    cwd: dir,
    version: 'test',
    signal: new AbortController().signal,
    exitBy() {},
    env: {
      DRAY_CONTROL_PLANE: plane.url.href,
      DRAY_TOKEN: plane.token,
      ...(tokenOfJoining && { DRAY_JOIN_TOKEN: tokenOfJoining }),
    },
    debug: true,
    stateDirFor: (option) => join(dir, option ?? 'nobody'),
  })
  logs.push(...said)
  if (code > 1) throw new Error(`dray ${args.join(' ')}: ${said.join('')}`)
  return said.join('')
}
let tokenOfJoining = ''

/** Joins as people do, by the proxy, and works. */
async function joined(name: string, ...more: string[]): Promise<void> {
  const made = await api<{ token: string }>('POST', 'sites/plant/tokens', {}, true)
  secrets[`the join token of ${name}`] = tokenOfJoining = made.token
  await dray('agent', 'join', proxy.url.href, '--name', name, '--state-dir', name, ...more)
  tokenOfJoining = ''
  const directory = join(dir, name)
  mkdirSync(join(directory, 'customer-keys'))
  const file = join(directory, 'customer-keys', 'planted')
  writeFileSync(file, secrets['the customer key']!, { mode: 0o600 })
  const connected = Promise.withResolvers<void>()
  agents.push(
    startAgent({
      url: proxy.url,
      identity: readIdentity(directory)!,
      allow: allowAll,
      stateDir: directory,
      version: 'test',
      concurrency: 8,
      memory: leastBudget,
      log: (event) => {
        logs.push(JSON.stringify(event))
        if (event.event === 'connected') connected.resolve()
      },
    }),
  )
  await connected.promise
}

async function sealed(secretAccessKey: string): Promise<void> {
  const file = join(dir, 'keys.json')
  const keys = { accessKeyId: accessKey, secretAccessKey, sessionToken: secrets['the session token'] }
  writeFileSync(file, JSON.stringify(keys), { mode: 0o600 })
  await dray('connection', 'seal', 'store', '--from-file', file)
  rmSync(file)
}

async function moved(): Promise<PassStatus> {
  const { pass } = await api<{ pass: PassStatus }>('POST', 'migrations/planted/passes', defaultPassOptions)
  await expect
    .poll(
      () => api<PassStatus>('GET', `migrations/planted/passes/${pass.number}`).then(({ state }) => state),
      {
        timeout: 30_000,
      },
    )
    .not.toBe('running')
  return api<PassStatus>('GET', `migrations/planted/passes/${pass.number}`)
}

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** As it is, and unpacked where it is packed. */
function contentOf(file: string): string {
  const bytes = readFileSync(file)
  const text = bytes.toString('latin1')
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return text
  return text + gunzipSync(bytes).toString('latin1')
}

it('leaves no secret anywhere', { timeout: 90_000 }, async () => {
  // People and programs.
  const visitor = new Visitor(plane.url)
  const person = { name: 'Olga', email: 'olga@example.com', password: secrets['a password'] }
  const setUp = await visitor.call('POST', '/api/setup', { token: plane.setupToken, ...person })
  expect(setUp.status).toBe(201)
  secrets['the set-up token'] = plane.setupToken
  // Of which the database has one half, which is nothing without the other: its signature.
  for (const [name, value] of visitor.cookies) secrets[`the cookie ${name}`] = decodeURIComponent(value)
  const wrong = { email: person.email, password: `${person.password} not` }
  logs.push(
    JSON.stringify((await new Visitor(plane.url).call('POST', '/api/auth/sign-in/email', wrong)).json),
  )
  const token = { name: 'ci', scopes: ['migrations:read'], days: 1 }
  const { secret } = await api<{ secret: string }>('POST', 'tokens', token, true)
  secrets['the API token'] = secret
  secrets['the operator token'] = plane.token
  const receiver = await startReceiver()
  const hook = { id: 'planted', url: receiver.url, events: ['pass.finished'] }
  const webhook = await api<{ secret: string }>('POST', 'webhooks', hook, true)
  secrets['the webhook secret'] = webhook.secret
  secrets['the webhook key'] = webhook.secret.replace(/^whsec_/, '')

  // A connection, with a secret that is good for nothing at first: something goes wrong.
  await api('POST', 'sites', { id: 'plant' })
  await joined('planted-1')
  await api('POST', 'connections', {
    id: 'store',
    endpoint: s3.server.url.href,
    sites: ['plant'],
    credential: { kind: 'sealed' },
  })
  await sealed(secrets['the secret access key before']!)
  const place = {
    kind: 's3',
    prefix: '',
    endpoint: null,
    region: null,
    profile: null,
    site: null,
    connection: 'store',
  }
  await api('PUT', 'migrations/planted', {
    source: { ...place, bucket: 'source' },
    destination: { ...place, bucket: 'destination', customerKey: 'planted' },
    filter: noFilter,
  })
  for (let i = 0; i < 30; i++) await s3.server.put('source', `key-${i}`, `body ${i}`)
  expect(await moved()).toMatchObject({ state: 'incomplete' })
  await dray('connection', 'test', 'store', 's3://destination/', '--json')

  // The right one. A store that tells in its errors what it was given.
  await sealed(secrets['the secret access key']!)
  s3.server.hooks = {
    beforeRequest: ({ key, method, headers }) =>
      key === 'key-7' && method === 'GET'
        ? {
            status: 400,
            code: 'InvalidRequest',
            message: `The token ${headers.get('x-amz-security-token')} of ${secrets['the secret access key']} is malformed`,
          }
        : null,
  }
  const failed = await moved()
  expect(failed).toMatchObject({ state: 'incomplete' })
  expect(failed.counts.objects.copied).toBe(29)
  s3.server.hooks = {}

  // A second agent gets the secret from the first, which is revoked then.
  await joined('planted-2', '--root', join(dir, 'planted-1', 'site-root.json'))
  await expect
    .poll(async () => {
      const { agents } = await api<ConnectionStatus>('GET', 'connections/store/status')
      return agents.map(({ secret }) => secret)
    })
    .toEqual(['current', 'current'])
  await dray('connection', 'test', 'store', 's3://destination/tried/', '--json')
  await dray('agent', 'revoke', 'planted-1')
  expect(await dray('connection', 'list')).toContain('planted-1')
  expect(await moved()).toMatchObject({ state: 'complete' })
  expect([...s3.server.objects('destination')]).toHaveLength(30)
  await receiver.next()

  // Whatever the API tells, to whom may see it all.
  for (const path of [
    ...['', 'agents', 'sites', 'sites/plant', 'sites/plant/tokens', 'connections', 'connections/store'],
    ...['connections/store/status', 'migrations', 'migrations/planted', 'migrations/planted/packets'],
    ...['migrations/planted/passes/2/failures', 'tokens', 'webhooks', 'webhooks/planted'],
    ...['webhooks/planted/deliveries', 'members', 'invitations', 'audit', 'limits'],
  ]) {
    await api('GET', path.replace(/^$/, '../local'))
  }
  for (const path of [
    'audit/export',
    'migrations/planted/passes/1/report/ndjson',
    'migrations/planted/passes/2/report/ndjson',
  ]) {
    const headers = { authorization: `Bearer ${plane.token}` }
    const response = await fetch(new URL(`/api/workspaces/local/${path}`, plane.url), { headers })
    answers.push(await response.text())
  }
  await Promise.all(agents.map((agent) => agent.stop()))
  await plane.stop()

  const isJoining = ({ line }: { line: string }) => line === 'POST /agent/join'
  const searched: [string, string][] = [
    ...files(join(stateDir, 'control-plane')).map((file): [string, string] => [file, contentOf(file)]),
    // A state directory holds what its agent is: not what it was lent.
    ...['planted-1', 'planted-2']
      .flatMap((name) => files(join(dir, name)))
      .filter((file) => !file.includes('customer-keys'))
      .map((file): [string, string] => [file, contentOf(file)]),
    ...files(join(dir, 'config')).map((file): [string, string] => [file, contentOf(file)]),
    ['what was logged', logs.join('\n')],
    ['what the API answered', answers.join('\n')],
    ['what went through sockets', proxy.messages.join('\n')],
    [
      'what agents asked and were answered',
      proxy.requests
        .filter((request) => !isJoining(request))
        .map(({ line, sent, answered }) => `${line}\n${sent}\n${answered}`)
        .join('\n'),
    ],
    [
      'what a webhook was sent',
      receiver.received.map(({ body, headers }) => body + JSON.stringify(headers)).join(),
    ],
  ]
  await receiver.stop()

  const found = searched.flatMap(([where, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) =>
      disguises(secret)
        .filter((form) => text.includes(form))
        .map((form) => `${name} (${form === secret ? 'in the clear' : form}) in ${where}`),
    ),
  )
  expect(found).toEqual([])

  // The search would have found them: it finds what may be known.
  const text = (which: RegExp) =>
    searched
      .filter(([where]) => which.test(where))
      .map(([, content]) => content)
      .join('\n')
  expect(text(/control-plane\/d1/)).toContain('dray-seal-1.')
  expect(text(/control-plane\/do/)).toContain('key-7')
  expect(text(/control-plane\/r2/)).toContain('key-7')
  expect(text(/sockets/)).toContain('dray-seal-1.')
  expect(text(/sockets/)).toContain('test-connection')
  expect(text(/agents asked/)).toContain('dray-seal-1.')
  expect(text(/logged/)).toContain('secret-sealed')
  expect(text(/API answered/)).toContain('planted-1')
})
