/**
 * Two workspaces: `here`, which everything below is asked about, and `elsewhere`, whose owner is to get at nothing of it. What the API cannot
 * make (an expired token, somebody with a second factor) is put into the catalogue as it would be.
 */
import { applyD1Migrations } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { signed } from '../../control-plane/access/signed.ts'
import { localWorkspace } from '../../control-plane/env.ts'
import { joinText } from '../../shared/api/agents.ts'
import type { SignInMethod } from '../../shared/api/me.ts'
import type { Role, Scope } from '../../shared/api/scopes.ts'
import { ticketPrefix, watchProtocol } from '../../shared/api/watch.ts'
import { certify } from '../../shared/identity/certificate.ts'
import { type KeyPair, makeKeys, sign } from '../../shared/identity/keys.ts'
import { digestHeader, signRequest } from '../../shared/identity/signature.ts'
import { sha256 } from '../../shared/octets.ts'
import { noFilter } from '../../shared/policy.ts'

export const here = localWorkspace
export const elsewhere = 'elsewhere'
export const origin = 'http://plane'

type Headers = Record<string, string>
/** What proves who calls, for one request. */
export type Proof = (method: string, path: string, body: string | null) => Promise<Headers> | Headers

let asked = 0
export async function ask(
  method: string,
  path: string,
  proof: Proof,
  { body = null, headers = {} }: { body?: string | null; headers?: Headers } = {},
): Promise<Response> {
  return exports.default.fetch(`${origin}${path}`, {
    method,
    redirect: 'manual',
    // From an address of its own: how often one may try to sign in is another matter.
    headers: {
      'cf-connecting-ip': `10.0.${++asked >> 8}.${asked & 255}`,
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...(await proof(method, path, body)),
      ...headers,
    },
    ...(body === null ? {} : { body }),
  })
}

export const machine: Proof = () => ({ authorization: 'Bearer operator-token' })

/** By the machine's own token; throws where it is refused. */
export async function made<T = Record<string, unknown>>(
  method: string,
  path: string,
  body?: unknown,
  by = machine,
): Promise<T> {
  const response = await ask(method, path, by, { body: body === undefined ? null : JSON.stringify(body) })
  const text = await response.text()
  if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return (text === '' ? null : JSON.parse(text)) as T
}

let names = 0
/** A name that nothing has yet. */
export const fresh = (what: string) => `${what}-${++names}`

export function insert(table: string, row: Record<string, string | number | null>) {
  const names = Object.keys(row)
  const sql = `INSERT INTO ${table} (${names}) VALUES (${names.map(() => '?')})`
  return run(sql, ...Object.values(row))
}

/** A person with these roles, by workspace. */
export async function person(name: string, roles: Record<string, Role> = {}): Promise<string> {
  const now = Date.now()
  const times = { created_at: now, updated_at: now }
  await insert('people', { id: name, name, email: `${name}@example.com`, email_verified: 0, ...times })
  // Without one they would be forgotten as somebody who never finished coming in.
  await insert('passkeys', {
    ...{ id: `${name}-key`, user_id: name, public_key: 'k', credential_id: `${name}-credential`, counter: 0 },
    ...{ device_type: 'singleDevice', backed_up: 0 },
  })
  for (const [workspace, role] of Object.entries(roles)) await member(name, role, workspace)
  return name
}

export const member = (id: string, role: Role, workspace = here) =>
  insert('members', { workspace_id: workspace, user_id: id, role, revision: 1, created_at: Date.now() })

/** What a session of theirs is known by, signed; `lasts`: ms from now. */
export async function session(
  id: string,
  method: SignInMethod = 'passkey',
  lasts = 60 * 60_000,
): Promise<{ id: string; token: string; bearer: string }> {
  const now = Date.now()
  const token = fresh('session-token-of-thirty-two-characters')
  const row = { id: fresh('session'), user_id: id, token, method }
  await insert('sessions', { ...row, expires_at: now + lasts, created_at: now, updated_at: now })
  return { id: row.id, token, bearer: await signed(token, env.DRAY_AUTH_SECRET!) }
}

export const bearer =
  (text: string): Proof =>
  () => ({ authorization: `Bearer ${text}` })

/** As a browser sends it, from a page of `from`. */
export const cookie =
  (text: string, from: string): Proof =>
  () => ({ cookie: `dray.session_token=${text}`, origin: from })

export async function token(scopes: readonly Scope[], workspace = here, by = machine) {
  const body = { name: 't', scopes, days: 30 }
  return made<{ token: { id: string; expiresAt: number }; secret: string }>(
    'POST',
    `/api/workspaces/${workspace}/tokens`,
    body,
    by,
  )
}

/** A new one for each request, with what else opens a socket. */
export const ticket =
  (migration: string): Proof =>
  async (method) => {
    const path = `/api/workspaces/${here}/migrations/${migration}/watch`
    const { ticket } = await made<{ ticket: string }>('POST', path)
    // With an upgrade, all is GET.
    return method !== 'GET'
      ? { 'sec-websocket-protocol': `${ticketPrefix}${ticket}` }
      : { upgrade: 'websocket', 'sec-websocket-protocol': `${watchProtocol}, ${ticketPrefix}${ticket}` }
  }

const s3 = (bucket: string) => ({
  ...{ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null },
})
export const definition = { source: s3('a'), destination: s3('b'), filter: noFilter }

export const wrongToken = `dray_${'x'.repeat(64)}`

export interface TestAgent {
  readonly workspace: string
  readonly id: string
  readonly signing: KeyPair
  readonly sealing: string
}

/** Root keys of sites, by workspace and name. */
const roots = new Map<string, KeyPair>()

export async function site(id: string, workspace = here, by = machine): Promise<void> {
  await made('POST', `/api/workspaces/${workspace}/sites`, { id }, by)
  roots.set(`${workspace}/${id}`, await makeKeys('Ed25519'))
}

/** Joins as agents do. */
export async function agent(site: string, workspace = here, by = machine): Promise<TestAgent> {
  const path = `/api/workspaces/${workspace}/sites/${site}/tokens`
  const { token } = await made<{ token: string }>('POST', path, {}, by)
  const [signing, { public: sealing }] = await Promise.all([makeKeys('Ed25519'), makeKeys('X25519')])
  const id = fresh('agent')
  const signature = await sign(joinText(await sha256(token), id, signing.public, sealing), signing)
  const body = { token, name: id, signing: signing.public, sealing, signature }
  await made('POST', '/agent/join', body, () => ({}))
  return { workspace, id, signing, sealing }
}

/** What the root of the site says of it. */
export async function certificate({ workspace, id, signing, sealing }: TestAgent, site: string) {
  const root = roots.get(`${workspace}/${site}`)!
  const keys = { signing: signing.public, sealing }
  return {
    rootKey: root.public,
    certificate: await certify({ workspace, site, agent: id, ...keys, issuedAt: 1 }, root),
  }
}

/** `skew`: ms by which its clock is wrong. */
export const signedBy =
  (agent: TestAgent, { key = agent.signing, skew = 0 }: { key?: KeyPair; skew?: number } = {}): Proof =>
  async (method, path, body) => {
    const digest = body === null || body === '' ? '' : await sha256(body)
    const url = new URL(path, origin)
    const name = { workspace: agent.workspace, agent: agent.id }
    const authorization = await signRequest({ method, url, digest }, name, key, Date.now() + skew)
    return { authorization, ...(digest && { [digestHeader]: digest }) }
  }

/** What moves by being used, whatever the answer. */
const volatile: Record<string, readonly string[] | 'all'> = {
  sessions: ['updated_at', 'expires_at'],
  tokens: ['last_request', 'updated_at', 'request_count'],
  // Told by the objects, in the background.
  migrations: ['pass'],
  sign_in_attempts: 'all',
  d1_migrations: 'all',
}

/** Every row of the catalogue, by table. */
export async function catalogue(): Promise<Record<string, string[]>> {
  const { results: tables } = await own(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
  ).all<{ name: string }>()
  const names = tables.map(({ name }) => name).filter((name) => volatile[name] !== 'all')
  const rows = await env.DB.batch(names.map((name) => own(`SELECT * FROM ${name}`)))
  return Object.fromEntries(
    names.map((name, i) => {
      const skip = volatile[name] ?? []
      const kept = (rows[i]!.results as Record<string, unknown>[]).map((row) =>
        JSON.stringify(Object.entries(row).filter(([column]) => !skip.includes(column))),
      )
      return [name, kept.sort()]
    }),
  )
}

/** Rows that went and came, as far as a person can read them. */
export const changes = (before: Record<string, string[]>, after: Record<string, string[]>): string[] =>
  Object.keys(after).flatMap((table) => {
    const [was, is] = [new Set(before[table]), new Set(after[table])]
    const gone = [...was].filter((row) => !is.has(row)).map((row) => `- ${table} ${row}`)
    const come = [...is].filter((row) => !was.has(row)).map((row) => `+ ${table} ${row}`)
    return [...gone, ...come].map((line) => line.slice(0, 400))
  })

/** Every statement that the control plane prepared since `prepare`. */
export const statements = new Set<string>()

export async function prepare(): Promise<void> {
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
  const database = Object.getPrototypeOf(env.DB) as D1Database
  own = database.prepare.bind(env.DB)
  const prepare = database.prepare
  database.prepare = function (this: D1Database, sql: string) {
    statements.add(sql)
    return prepare.call(this, sql)
  }
}

/** For the tests' own statements. */
let own = (sql: string) => env.DB.prepare(sql)

export const run = (sql: string, ...values: unknown[]) =>
  own(sql)
    .bind(...values)
    .run()

/** Those with a workspace in each row. */
export async function ownedTables(): Promise<string[]> {
  const { results } = await own(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%workspace_id%'`,
  ).all<{ name: string }>()
  return results.map(({ name }) => name)
}
