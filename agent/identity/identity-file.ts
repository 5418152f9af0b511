/** Where the identity of a state directory's agent is kept: `agent/identity.json`. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { certify } from '../../shared/identity/certificate.ts'
import { makeKeys } from '../../shared/identity/keys.ts'
import { type Identity, identitySchema, nameSchema } from './identity.ts'
import { makeOwn, readOwn } from './own-file.ts'
import { ensureRoot } from './site-root.ts'

export const identityFile = (stateDir: string): string => join(stateDir, 'agent', 'identity.json')

/** Null where this directory has none yet. */
export const readIdentity = (stateDir: string): Identity | null =>
  readOwn(identityFile(stateDir), identitySchema)

/** Throws where there is one already. */
export function keepIdentity(stateDir: string, identity: Identity): Identity {
  mkdirSync(join(stateDir, 'agent'), { recursive: true, mode: 0o700 })
  if (makeOwn(identityFile(stateDir), identity)) return identity
  throw new Error(`${identityFile(stateDir)} is there already`)
}

export const forgetIdentity = (stateDir: string): void => rmSync(identityFile(stateDir), { force: true })

const local = 'local'
const idOnly = z.strictObject({ id: nameSchema })

/** Of the agent of an embedded control plane, made where it is missing: nobody else has to know of it. */
export async function localIdentity(stateDir: string): Promise<Identity> {
  const before = formerId(stateDir)
  if (before !== null) forgetIdentity(stateDir)
  const known = before === null ? readIdentity(stateDir) : null
  if (known) return known
  mkdirSync(join(stateDir, 'agent'), { recursive: true, mode: 0o700 })
  const [signing, sealing] = await Promise.all([makeKeys('Ed25519'), makeKeys('X25519')])
  const agent = before ?? `agent-${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`
  const root = await ensureRoot(stateDir, { workspace: local, site: local })
  const names = { workspace: local, site: local, agent }
  const certificate = await certify(
    { ...names, signing: signing.public, sealing: sealing.public, issuedAt: Date.now() },
    root.key,
  )
  const rootKey = root.key.public
  return keepIdentity(stateDir, { url: null, ...names, signing, sealing, rootKey, certificate })
}

/** What an earlier version knew: a name without keys. It goes on under that name, by which what it has begun is known. */
function formerId(stateDir: string): string | null {
  try {
    return idOnly.parse(JSON.parse(readFileSync(identityFile(stateDir), 'utf8'))).id
  } catch {
    return null
  }
}
