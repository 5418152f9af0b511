/**
 * `dray connection seal`: seals an access key to each certified agent of the connection's sites. Only ciphertext leaves this process. An agent
 * counts as one of the site where the site's root key, as this person knows it, certifies its key.
 */
import { type AgentView, listAgents } from '../../shared/api/agents.ts'
import { type ConnectionView, readConnection, sealConnection } from '../../shared/api/connections.ts'
import { listSites, type SiteView } from '../../shared/api/sites.ts'
import { DrayError } from '../../shared/error.ts'
import { isCertified } from '../../shared/identity/certificate.ts'
import { visible } from '../../shared/key.ts'
import { seal as sealTo } from '../../shared/seal.ts'
import { configDir } from './config-dir.ts'
import { plural } from './figures.ts'
import { exitCodes, type Io } from './io.ts'
import { knownSites } from './known-sites.ts'
import { type AskOptions, namedPlane, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { type KeysOptions, readKeys } from './read-keys.ts'

interface SealOptions extends AskOptions, KeysOptions {
  root?: string[]
}

interface Recipients {
  readonly agents: readonly AgentView[]
  /** Why some are left out, for people. */
  readonly left: readonly string[]
}

export function seal(name: string, options: SealOptions, io: Io): Promise<number> {
  return withSomePlane(options, io, async (plane) => {
    const params = { connection: name }
    const connection = await plane.call(readConnection, { params })
    if (connection.credential.kind !== 'sealed') {
      throw new DrayError('config', 'seal', `the connection ${name} has no sealed secret`, {
        hint: `Make it one that has: dray connection edit ${name} --sealed`,
      })
    }
    const { agents, left } = await recipients(plane, connection, options, io)
    for (const line of left) io.stderr.write(visible(`${line}\n`))
    if (agents.length === 0) {
      throw new DrayError('config', 'seal', `no certified agent is there to seal ${name} to`, {
        hint: 'Let an agent join one of its sites first: dray site token SITE.',
      })
    }
    const where = [...new Set(agents.map(({ site }) => site))].join(', ')
    const names = agents.map(({ id }) => id).join(', ')
    // What a control plane says, a person knows better: it will open for this endpoint alone.
    io.stderr.write(
      visible(
        `For ${connection.endpoint ?? 'AWS'} alone, to ${plural(agents.length, 'agent')} of ${where}: ${names}.\n`,
      ),
    )
    // Asked for last: whoever types it must not have done so in vain.
    const text = JSON.stringify(await readKeys(options, io))
    const { workspace } = plane
    const copies = await Promise.all(
      agents.map(async ({ id, site, sealing }) => ({
        agent: id,
        envelope: await sealTo(text, sealing, {
          workspace,
          site,
          connection: name,
          endpoint: connection.endpoint,
        }),
      })),
    )
    const version = connection.secretVersion + 1
    const status = await plane.call(sealConnection, { params, body: { version, copies } })
    if (options.json) io.stdout.write(`${JSON.stringify(status)}\n`)
    else {
      io.stdout.write(
        visible(`Sealed version ${version} of the secret of ${name} to ${plural(agents.length, 'agent')}.\n`),
      )
    }
    return exitCodes.equal
  })
}

async function recipients(
  plane: PlaneClient,
  { sites: wanted }: ConnectionView,
  options: SealOptions,
  io: Io,
): Promise<Recipients> {
  const sites: SiteView[] = []
  for await (const page of plane.pages(listSites, {})) sites.push(...page.sites)
  const agents: AgentView[] = []
  for await (const page of plane.pages(listAgents, {})) agents.push(...page.agents)
  const known = knownSites(configDir())
  const where = namedPlane(options, io)?.url.origin ?? io.stateDir
  const found: AgentView[] = []
  const left: string[] = []
  for (const { id: site, rootKey } of sites) {
    const mine = agents.filter((agent) => agent.site === site && agent.revokedAt === null)
    if ((wanted.length > 0 && !wanted.includes(site)) || mine.length === 0) continue
    if (rootKey === null) {
      left.push(`Site ${site} has no root key, so its agents are left out.`)
      continue
    }
    const { workspace } = plane
    const seen = await known.check({ plane: where, workspace, site }, rootKey, options.root ?? [])
    if (seen.first && !options.root) {
      io.stderr.write(
        visible(
          `Site ${site} has the root key ${seen.fingerprint}: seen here for the first time, and remembered.\n` +
            'Compare it with what its own agents show: dray agent show\n',
        ),
      )
    }
    for (const agent of mine) {
      const { id, signing, sealing, certificate } = agent
      if (await isCertified({ workspace, site, agent: id, signing, sealing }, certificate, rootKey)) {
        found.push(agent)
      } else left.push(`Agent ${id} of site ${site} is not certified by the site’s root key: left out.`)
    }
  }
  return { agents: found, left }
}
