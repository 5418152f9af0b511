/** `dray site list|create|edit|delete|token|tokens|certify`. */
import { resolve } from 'node:path'
import { type AgentView, certifyAgent, listAgents, readAgent } from '../../shared/api/agents.ts'
import {
  createJoinToken,
  createSite,
  deleteJoinToken,
  deleteSite,
  editSite,
  type JoinToken,
  listJoinTokens,
  listSites,
  readSite,
  type SiteView,
} from '../../shared/api/sites.ts'
import { DrayError } from '../../shared/error.ts'
import { certify } from '../../shared/identity/certificate.ts'
import { fingerprint } from '../../shared/identity/keys.ts'
import { visible } from '../../shared/key.ts'
import { readHolder } from '../embed/state-dir.ts'
import { readRoot } from '../identity/site-root.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, namedPlane, withSomePlane } from './plane.ts'
import { table } from './table.ts'

export async function listAll(options: AskOptions, io: Io): Promise<number> {
  const sites = await withSomePlane(options, io, async (plane) => {
    const found: SiteView[] = []
    for await (const page of plane.pages(listSites, {})) found.push(...page.sites)
    return found
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ sites })}\n`)
  else if (sites.length === 0)
    io.stdout.write('There are no sites yet. Make one with: dray site create NAME\n')
  else {
    const rows = await Promise.all(
      sites.map(async ({ id, region, agents, rootKey, reaches, labels }) => [
        id,
        region,
        String(agents),
        rootKey ? await fingerprint(rootKey) : 'none yet',
        Object.entries(labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
        reaches.join(' '),
      ]),
    )
    io.stdout.write(visible(table(['SITE', 'REGION', 'AGENTS', 'ROOT KEY', 'LABELS', 'REACHES'], rows)))
  }
  return exitCodes.equal
}

export async function create(
  id: string,
  options: AskOptions & { region?: string; label?: string[] },
  io: Io,
): Promise<number> {
  const labels = Object.fromEntries((options.label ?? []).map(labelOf))
  const site = await withSomePlane(options, io, (plane) =>
    plane.call(createSite, { body: { id, region: options.region, labels } }),
  )
  io.stdout.write(
    options.json
      ? `${JSON.stringify(site)}\n`
      : `Created. Let an agent join with a token: dray site token ${id}\n`,
  )
  return exitCodes.equal
}

function labelOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)]
  throw new DrayError('usage', 'read the arguments', `${text} is no label`, {
    hint: 'Write --label name=value.',
  })
}

export async function edit(
  site: string,
  options: AskOptions & { region?: string; label?: string[]; forgetRoot: boolean },
  io: Io,
): Promise<number> {
  const { region, label, forgetRoot } = options
  if (region === undefined && label === undefined && !forgetRoot) {
    throw new DrayError('usage', 'read the arguments', 'nothing is to be changed', {
      hint: 'Give --region, --label or --forget-root.',
    })
  }
  const body = {
    ...(region !== undefined && { region }),
    ...(label && { labels: Object.fromEntries(label.map(labelOf)) }),
    ...(forgetRoot && { rootKey: null }),
  }
  const changed = await withSomePlane(options, io, async (plane) => {
    const { revision } = await plane.call(readSite, { params: { site } })
    return plane.call(editSite, { params: { site }, body }, { ifMatch: revision })
  })
  const next = forgetRoot ? ' Certify its agents again: dray site certify' : ''
  io.stdout.write(
    options.json
      ? `${JSON.stringify(changed)}\n`
      : `The site ${site} is changed.${next && `${next} ${site}`}\n`,
  )
  return exitCodes.equal
}

export async function tokens(
  site: string,
  options: AskOptions & { takeBack?: string },
  io: Io,
): Promise<number> {
  const { takeBack } = options
  const found = await withSomePlane(options, io, async (plane) => {
    if (takeBack !== undefined) await plane.call(deleteJoinToken, { params: { site, token: takeBack } })
    const found: JoinToken[] = []
    for await (const page of plane.pages(listJoinTokens, { params: { site } })) found.push(...page.tokens)
    return found
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ tokens: found })}\n`)
  else if (found.length === 0)
    io.stdout.write(`No agent can join ${site} now. Make a token: dray site token ${site}\n`)
  else {
    const rows = found.map(({ id, uses, used, createdBy, expiresAt }) => [
      id,
      `${used} of ${uses}`,
      new Date(expiresAt).toISOString(),
      createdBy,
    ])
    io.stdout.write(visible(table(['TOKEN', 'USED', 'ENDS', 'MADE BY'], rows)))
  }
  return exitCodes.equal
}

export async function remove(site: string, options: AskOptions, io: Io): Promise<number> {
  await withSomePlane(options, io, (plane) => plane.call(deleteSite, { params: { site } }))
  io.stdout.write(options.json ? '{}\n' : `The site ${site} is deleted.\n`)
  return exitCodes.equal
}

export async function token(
  site: string,
  options: AskOptions & { uses: number; expires: number },
  io: Io,
): Promise<number> {
  const { uses, expires } = options
  const made = await withSomePlane(options, io, (plane) =>
    plane.call(createJoinToken, { params: { site }, body: { uses, expiresIn: expires } }),
  )
  if (options.json) {
    io.stdout.write(`${JSON.stringify(made)}\n`)
    return exitCodes.equal
  }
  // The token alone, for scripts; what it is for goes to people.
  io.stdout.write(`${made.token}\n`)
  const address = namedPlane(options, io)?.url.href ?? readHolder(io.stateDir)?.url ?? 'URL'
  const times = uses === 1 ? 'once' : `${uses} times`
  io.stderr.write(
    `It is shown this once, lets an agent join ${times}, and ends at ${new Date(made.expiresAt).toISOString()}. On the agent's machine:\n` +
      `  dray agent join ${address} --token-file FILE --allow s3://bucket\n`,
  )
  return exitCodes.equal
}

/** Without an agent: which ones wait for it. With one, its fingerprint must be the one that its own machine shows. */
export async function certifyOne(
  site: string,
  agent: string | undefined,
  mark: string | undefined,
  options: AskOptions & { root?: string },
  io: Io,
): Promise<number> {
  if (agent === undefined) return waiting(site, options, io)
  if (mark === undefined) {
    throw new DrayError('usage', 'certify', 'the fingerprint of its keys is missing', {
      hint: `It is shown on the agent's own machine, by dray agent show: dray site certify ${site} ${agent} FINGERPRINT --root FILE`,
    })
  }
  if (options.root === undefined) {
    throw new DrayError('usage', 'certify', 'the root key of the site is missing', {
      hint: 'Give it with --root FILE: site-root.json, which the first agent of the site has made.',
    })
  }
  const root = readRoot(resolve(io.cwd, options.root))
  const told = await withSomePlane(options, io, async (plane) => {
    const { signing, sealing, ...view } = await plane.call(readAgent, { params: { agent } })
    const own = await fingerprint(signing, sealing)
    if (own !== mark.toLowerCase()) {
      throw new DrayError(
        'bad-credentials',
        'certify',
        `the control plane says that the keys of ${agent} are ${own}, and not ${mark}: nothing was certified`,
        {
          hint: 'Compare with dray agent show, on the machine of the agent. If that is right, the control plane is not to be trusted.',
        },
      )
    }
    if (root.workspace !== plane.workspace || root.site !== site || view.site !== site) {
      throw new DrayError(
        'usage',
        'certify',
        `the root key is of site ${root.site} of ${root.workspace}, and ${agent} of site ${view.site} of ${plane.workspace}`,
        { hint: 'Give the root key of its site with --root.' },
      )
    }
    const certified = { workspace: root.workspace, site, agent, signing, sealing, issuedAt: Date.now() }
    return plane.call(certifyAgent, { params: { agent }, body: await certify(certified, root.key) })
  })
  io.stdout.write(
    options.json
      ? `${JSON.stringify(told)}\n`
      : `${agent} is certified: agents of ${site} give it secrets.\n`,
  )
  return exitCodes.equal
}

async function waiting(site: string, options: AskOptions, io: Io): Promise<number> {
  const agents = await withSomePlane(options, io, async (plane) => {
    await plane.call(readSite, { params: { site } })
    const found: AgentView[] = []
    for await (const page of plane.pages(listAgents, { query: { site } })) found.push(...page.agents)
    return found.filter(({ certificate, revokedAt }) => certificate === null && revokedAt === null)
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ agents })}\n`)
  else if (agents.length === 0) io.stdout.write(`All agents of ${site} are certified.\n`)
  else {
    const names = agents.map(({ id }) => id).join(', ')
    io.stdout.write(
      visible(
        `Not certified yet: ${names}\nOn the agent's machine, dray agent show tells the fingerprint of its keys; then:\n` +
          `  dray site certify ${site} ${agents[0]!.id} FINGERPRINT --root site-root.json\n`,
      ),
    )
  }
  return exitCodes.equal
}
