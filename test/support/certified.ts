/** Agents whose keys the root of their site certifies, as if they had joined: for tests of what is sealed to them. */
import type { Identity } from '../../agent/identity/identity.ts'
import { certify } from '../../shared/identity/certificate.ts'
import { type KeyPair, makeKeys } from '../../shared/identity/keys.ts'
import type { Plane } from './plane.ts'

export interface CertifiedAgents {
  /** With its certificate, which the plane has too. */
  agent(name: string, site?: string): Promise<Identity>
  root(site: string): Promise<KeyPair>
}

export function certifiedIn(plane: Plane): CertifiedAgents {
  const roots = new Map<string, Promise<KeyPair>>()
  const root = (site: string) => {
    const made = roots.get(site) ?? makeKeys('Ed25519')
    roots.set(site, made)
    return made
  }
  return {
    root,
    async agent(name, site = 'here') {
      const identity = await plane.identity(name, site)
      const { workspace, agent, signing, sealing } = identity
      const key = await root(site)
      const certified = {
        workspace,
        site,
        agent,
        signing: signing.public,
        sealing: sealing.public,
        issuedAt: 1,
      }
      const certificate = await certify(certified, key)
      const db = await plane.miniflare.getD1Database('DB')
      await db.batch([
        db.prepare('UPDATE sites SET root_key = ? WHERE id = ?').bind(key.public, site),
        db.prepare('UPDATE agents SET certificate = ? WHERE id = ?').bind(JSON.stringify(certificate), name),
      ])
      return { ...identity, certificate, rootKey: key.public }
    },
  }
}
