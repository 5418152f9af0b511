/**
 * Where an agent's identity is kept: `identity.json`, in the state directory for one that has joined a site, in its `control-plane` for the agent
 * of the embedded control plane. So one directory may serve both, one after the other.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { idSchema } from '../../shared/id.ts'
import { certify } from '../../shared/identity/certificate.ts'
import { makeKeys } from '../../shared/identity/keys.ts'
import { type Identity, identitySchema } from './identity.ts'
import { makeOwn, readOwn } from './own-file.ts'
import { ensureRoot } from './site-root.ts'

export const identityFile = (directory: string): string => join(directory, 'identity.json')

/** Null where this directory has none yet. */
export const readIdentity = (directory: string): Identity | null =>
  readOwn(identityFile(directory), identitySchema)

/** Throws where there is one already. */
export function keepIdentity(directory: string, identity: Identity): Identity {
  if (makeOwn(identityFile(directory), identity)) return identity
  throw new Error(`${identityFile(directory)} is there already`)
}

export const forgetIdentity = (directory: string): void => rmSync(identityFile(directory), { force: true })

const local = 'local'

/** Of the agent of an embedded control plane, made where it is missing: nobody else has to know of it. */
export async function localIdentity(stateDir: string): Promise<Identity> {
  const directory = join(stateDir, 'control-plane')
  const known = readIdentity(directory)
  if (known) return known
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const [signing, sealing] = await Promise.all([makeKeys('Ed25519'), makeKeys('X25519')])
  const agent = formerName(stateDir) ?? `agent-${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`
  const root = await ensureRoot(directory, { workspace: local, site: local })
  const names = { workspace: local, site: local, agent }
  const certificate = await certify(
    { ...names, signing: signing.public, sealing: sealing.public, issuedAt: Date.now() },
    root.key,
  )
  const rootKey = root.key.public
  return keepIdentity(directory, { url: null, ...names, signing, sealing, rootKey, certificate })
}

/** By which an earlier version, which had no keys, knew what it has begun. */
function formerName(stateDir: string): string | null {
  try {
    const text = readFileSync(join(stateDir, 'agent', 'identity.json'), 'utf8')
    return z.object({ id: idSchema }).parse(JSON.parse(text)).id
  } catch {
    return null
  }
}
