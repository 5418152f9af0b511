/** Agents for tests: their keys, and the rows by which a control plane knows them. */
import type { Identity } from '../../agent/identity/identity.ts'
import { makeKeys } from '../../shared/identity/keys.ts'
import { signRequest } from '../../shared/identity/signature.ts'

/** Of whom nobody knows. */
export async function identityOf(agent: string, site = 'here', workspace = 'local'): Promise<Identity> {
  const [signing, sealing] = await Promise.all([makeKeys('Ed25519'), makeKeys('X25519')])
  return { url: null, workspace, site, agent, signing, sealing, rootKey: null, certificate: null }
}

/** What the two kinds of D1 that tests have in hand can both do. */
export interface Database {
  prepare(sql: string): { bind(...values: unknown[]): { run(): Promise<unknown> } }
}

/** Those that a control plane's database knows, made when they are first asked for; an agent of a name is of one site. */
export function identitiesIn(database: Database, workspace = 'local') {
  const known = new Map<string, Promise<Identity>>()
  async function enrol(agent: string, site: string): Promise<Identity> {
    const identity = await identityOf(agent, site, workspace)
    const run = (sql: string, ...values: unknown[]) =>
      database
        .prepare(sql)
        .bind(...values)
        .run()
    await run('INSERT OR IGNORE INTO sites (workspace_id, id, created_at) VALUES (?, ?, 0)', workspace, site)
    await run(
      'INSERT OR REPLACE INTO agents (workspace_id, id, site, signing, sealing, enrolled_at) VALUES (?, ?, ?, ?, ?, 0)',
      ...[workspace, agent, site, identity.signing.public, identity.sealing.public],
    )
    return identity
  }
  return (agent: string, site = 'here'): Promise<Identity> => {
    const before = known.get(agent)
    if (before) return before
    const enrolled = enrol(agent, site)
    known.set(agent, enrolled)
    return enrolled
  }
}

/** The header by which it proves itself. */
export const proofOf = (
  identity: Identity,
  method: string,
  url: URL,
  digest = '',
  time = Date.now(),
): Promise<string> => signRequest({ method, url, digest }, identity, identity.signing, time)
