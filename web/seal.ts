/**
 * Seals an access key in this browser to the agents of a connection's sites: what leaves the page is ciphertext. That protects what is stored;
 * it does not protect against whoever serves this page, who could serve another one (docs/connections.md).
 */
import type { AgentView } from '../shared/api/agents.ts'
import type { ConnectionView } from '../shared/api/connections.ts'
import type { SiteView } from '../shared/api/sites.ts'
import { isCertified } from '../shared/identity/certificate.ts'
import type { S3Keys } from '../shared/s3-keys.ts'
import { seal } from '../shared/seal.ts'

export interface Recipients {
  /** Certified by the root keys of their sites. */
  readonly agents: readonly AgentView[]
  /** Of sites with agents, whose fingerprints are to be compared before anything is sealed. */
  readonly sites: readonly (SiteView & { rootKey: string })[]
  /** Those that are not certified, and get nothing. */
  readonly left: readonly AgentView[]
}

export async function recipientsOf(
  workspace: string,
  connection: Pick<ConnectionView, 'sites'>,
  sites: readonly SiteView[],
  agents: readonly AgentView[],
): Promise<Recipients> {
  const wanted = sites.filter(({ id }) => connection.sites.length === 0 || connection.sites.includes(id))
  const found: AgentView[] = []
  const left: AgentView[] = []
  for (const { id: site, rootKey } of wanted) {
    for (const agent of agents) {
      if (agent.site !== site || agent.revokedAt !== null) continue
      const { id, signing, sealing, certificate } = agent
      const isOne = await isCertified({ workspace, site, agent: id, signing, sealing }, certificate, rootKey)
      if (isOne) found.push(agent)
      else left.push(agent)
    }
  }
  const rooted = wanted.flatMap((site) => (site.rootKey === null ? [] : [{ ...site, rootKey: site.rootKey }]))
  return { agents: found, left, sites: rooted.filter(({ id }) => found.some(({ site }) => site === id)) }
}

/** For each agent a copy of its own. */
export function sealed(
  workspace: string,
  { id: connection, endpoint }: Pick<ConnectionView, 'id' | 'endpoint'>,
  keys: S3Keys,
  agents: readonly Pick<AgentView, 'id' | 'site' | 'sealing'>[],
): Promise<{ agent: string; envelope: string }[]> {
  const text = JSON.stringify(keys)
  return Promise.all(
    agents.map(async ({ id: agent, site, sealing }) => ({
      agent,
      envelope: await seal(text, sealing, { workspace, site, connection, endpoint }),
    })),
  )
}
