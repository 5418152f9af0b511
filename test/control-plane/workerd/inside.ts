/** What the tests inside workerd share: a migration with a running pass, sockets to it, and time that can be moved. */
import { applyD1Migrations } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { Migration } from '../../../control-plane/migration.ts'
import type { NewMigration } from '../../../shared/api/migrations.ts'
import { digestHeader } from '../../../shared/identity/signature.ts'
import type { Location } from '../../../shared/location.ts'
import { sha256 } from '../../../shared/octets.ts'
import { noFilter, type PassOptions } from '../../../shared/policy.ts'
import { identitiesIn, proofOf } from '../../support/identities.ts'
import { ScriptedAgent } from '../../support/scripted-agent.ts'

export const s3 = (bucket: string): Location => ({
  kind: 's3',
  bucket,
  prefix: '',
  endpoint: null,
  region: null,
  profile: null,
  site: null,
})
export const file = (path: string, site = 'here'): Location => ({ kind: 'file', path, site })

export const definition: NewMigration = { source: s3('a'), destination: s3('b'), filter: noFilter }

/** An agent that the control plane knows, made when it is first asked for. */
export const identity = identitiesIn(env.DB)

/** Instead of a token: the agent `a` signs. */
export const signed = 'signed'

export async function call(
  method: string,
  path: string,
  options: { token?: string; agent?: string; body?: BodyInit; headers?: HeadersInit } = {},
) {
  const { token = 'operator-token', agent = 'a', headers } = options
  const body = options.body instanceof ArrayBuffer ? new Uint8Array(options.body) : options.body
  const digest = typeof body === 'string' || body instanceof Uint8Array ? await sha256(body) : ''
  const authorization =
    token === signed
      ? await proofOf(await identity(agent), method, new URL(`http://plane${path}`), digest)
      : `Bearer ${token}`
  return exports.default.fetch(`http://plane${path}`, {
    method,
    headers: {
      ...(token ? { authorization } : {}),
      ...(token === signed && digest ? { [digestHeader]: digest } : {}),
      ...Object.fromEntries(new Headers(headers)),
    },
    ...(body === undefined ? {} : { body }),
  })
}

export async function json<T>(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: T }> {
  const response = await call(method, path, body === undefined ? {} : { body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as T }
}

/** The catalogue's tables, in a database that may have them. */
export const prepare = () => applyD1Migrations(env.DB, env.TEST_MIGRATIONS)

export const objectOf = (id: string): DurableObjectStub<Migration> => env.MIGRATION.getByName(`local/${id}`)

/** A migration `id` whose first pass runs. */
export async function begin(id: string, options: Partial<PassOptions> = {}, defined = definition) {
  await json('PUT', `/api/workspaces/local/migrations/${id}`, defined)
  await json('POST', `/api/workspaces/local/migrations/${id}/passes`, options)
  return objectOf(id)
}

export async function connect(path: string, name = 'a'): Promise<ScriptedAgent> {
  const response = await call('GET', path, { token: signed, agent: name, headers: { upgrade: 'websocket' } })
  const socket = response.webSocket
  if (!socket) throw new Error(`no socket: ${response.status} ${await response.text()}`)
  const agent = new ScriptedAgent(socket as never, name)
  socket.accept()
  return agent
}
export const toMigration = (id: string, name = 'a') => connect(`/agent/migrations/${id}`, name)

/** Objects run in this isolate, so the clock that they read is the one that is moved here. */
export function passTime(ms: number): void {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  vi.setSystemTime(Date.now() + ms)
}
