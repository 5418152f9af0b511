/** `dray connection list|show|create|edit|delete`. */
import {
  type ConnectionEdit,
  type ConnectionView,
  type Credential,
  connectionEditSchema,
  createConnection,
  deleteConnection,
  editConnection,
  listConnections,
  readConnection,
  readConnectionStatus,
} from '../../shared/api/connections.ts'
import { listSites } from '../../shared/api/sites.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { parseEndpoint } from './request.ts'
import { table } from './table.ts'

interface Settings extends AskOptions {
  endpoint?: string
  region?: string
  addressing?: 'auto' | 'path' | 'host'
  requesterPays?: boolean
  site?: string[]
  anySite?: true
  profile?: string
  defaultCredentials?: true
  sealed?: true
  anonymous?: true
}

export async function listAll(options: AskOptions, io: Io): Promise<number> {
  const connections = await withSomePlane(options, io, async (plane) => {
    const found: ConnectionView[] = []
    for await (const page of plane.pages(listConnections, {})) found.push(...page.connections)
    return found
  })
  if (options.json) io.stdout.write(`${JSON.stringify({ connections })}\n`)
  else if (connections.length === 0) {
    io.stdout.write('There are no connections yet. Make one with: dray connection create NAME …\n')
  } else {
    const rows = connections.map((connection) => [
      connection.id,
      connection.endpoint ?? 'AWS',
      connection.region ?? '',
      connection.sites.join(',') || 'any',
      credentialText(connection),
    ])
    io.stdout.write(visible(table(['NAME', 'ENDPOINT', 'REGION', 'SITES', 'CREDENTIAL'], rows)))
    for (const { id, rotate } of connections) {
      if (rotate.length > 0) io.stdout.write(visible(rotateText(id, rotate)))
    }
  }
  return exitCodes.equal
}

export async function show(name: string, options: AskOptions, io: Io): Promise<number> {
  const params = { connection: name }
  const [connection, status] = await withSomePlane(options, io, async (plane) => [
    await plane.call(readConnection, { params }),
    await plane.call(readConnectionStatus, { params }),
  ])
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ ...connection, agents: status.agents })}\n`)
    return exitCodes.equal
  }
  io.stdout.write(visible(details(connection)))
  if (connection.credential.kind !== 'sealed') return exitCodes.equal
  if (status.agents.length === 0) io.stdout.write('\nIts sites have no agents yet.\n')
  else {
    const rows = status.agents.map(({ agent, site, connected, secret, sealedBy, sealedAt }) => [
      agent,
      site,
      connected ? 'yes' : 'no',
      secret === 'current' ? 'has it' : secret === 'lost' ? 'had it: rotate' : secret,
      sealedBy === null ? '' : `${sealedBy}, ${when(sealedAt ?? 0)}`,
    ])
    io.stdout.write(visible(`\n${table(['AGENT', 'SITE', 'CONNECTED', 'SECRET', 'SEALED BY'], rows)}`))
  }
  return exitCodes.equal
}

export async function create(name: string, options: Settings, io: Io): Promise<number> {
  const { credential, ...given } = settingsOf(options)
  if (!credential) {
    throw usage(
      'nothing says how agents get the credential',
      'Give one of --sealed, --profile NAME, --default-credentials and --anonymous.',
    )
  }
  const [connection, missing] = await withSomePlane(options, io, async (plane) => {
    const made = await plane.call(createConnection, { body: { id: name, credential, ...given } })
    return [made, await missingSites(plane, made.sites)]
  })
  say(connection, 'Created', options, io)
  if (missing.length > 0) {
    io.stderr.write(
      `There is no site ${missing.join(', ')} yet: check the name, or dray site create ${missing[0]}\n`,
    )
  }
  return exitCodes.equal
}

/** A connection may come before its sites. */
async function missingSites(plane: PlaneClient, sites: readonly string[]): Promise<string[]> {
  const known = new Set<string>()
  for await (const page of plane.pages(listSites, {})) for (const { id } of page.sites) known.add(id)
  return sites.filter((site) => !known.has(site))
}

export async function edit(name: string, options: Settings, io: Io): Promise<number> {
  const given = settingsOf(options)
  if (Object.keys(given).length === 0) {
    throw usage('nothing is to be changed', 'See dray connection edit --help for what can be.')
  }
  const params = { connection: name }
  const [before, after] = await withSomePlane(options, io, async (plane) => {
    const { revision, ...before } = await plane.call(readConnection, { params })
    const after = await plane.call(editConnection, { params, body: given }, { ifMatch: revision })
    return [before, after]
  })
  say(after, 'Changed', options, io)
  const isLost = before.credential.kind === 'sealed' && before.endpoint !== after.endpoint
  if (isLost && before.secretVersion > 0 && !options.json) {
    io.stderr.write(
      `Its secret was sealed for ${before.endpoint ?? 'AWS'}, and opens nowhere else: seal it again.\n`,
    )
  }
  return exitCodes.equal
}

export async function remove(name: string, options: AskOptions, io: Io): Promise<number> {
  await withSomePlane(options, io, (plane: PlaneClient) =>
    plane.call(deleteConnection, { params: { connection: name } }),
  )
  io.stdout.write(options.json ? `${JSON.stringify({ deleted: name })}\n` : visible(`Deleted ${name}.\n`))
  return exitCodes.equal
}

function say(connection: ConnectionView, what: string, options: AskOptions, io: Io): void {
  if (options.json) {
    io.stdout.write(`${JSON.stringify(connection)}\n`)
    return
  }
  io.stdout.write(visible(`${what} ${connection.id}.\n`))
  if (connection.credential.kind === 'sealed' && connection.secretVersion === 0) {
    io.stdout.write(visible(`Now seal its secret: dray connection seal ${connection.id}\n`))
  }
}

/** What the options say, and no more. */
function settingsOf(options: Settings): ConnectionEdit {
  const { endpoint, region, addressing, requesterPays, site, anySite } = options
  if (site && anySite) throw usage('--site and --any-site are both given', 'Give one of them.')
  const credentials: Credential[] = [
    ...(options.profile === undefined ? [] : [{ kind: 'profile' as const, profile: options.profile }]),
    ...(options.defaultCredentials ? [{ kind: 'profile' as const, profile: null }] : []),
    ...(options.sealed ? [{ kind: 'sealed' as const }] : []),
    ...(options.anonymous ? [{ kind: 'anonymous' as const }] : []),
  ]
  if (credentials.length > 1) {
    throw usage(
      'there is more than one way to get the credential',
      'Give one of --sealed, --profile, --default-credentials and --anonymous.',
    )
  }
  const [credential] = credentials
  const parsed = connectionEditSchema.safeParse({
    ...(endpoint !== undefined && {
      endpoint: endpoint === 'aws' ? null : parseEndpoint('--endpoint', endpoint),
    }),
    ...(region !== undefined && { region: region === '' ? null : region }),
    ...(addressing !== undefined && { pathStyle: addressing === 'auto' ? null : addressing === 'path' }),
    ...(requesterPays !== undefined && { requesterPays }),
    ...(site && { sites: site }),
    ...(anySite && { sites: [] }),
    ...(credential && { credential }),
  })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw usage(`${issue?.path.join('.')}: ${issue?.message}`, 'See dray connection create --help.')
}

function details(connection: ConnectionView): string {
  const { id, endpoint, region, pathStyle, requesterPays, sites, rotate, updatedAt } = connection
  const rows: [string, string][] = [
    ['connection', id],
    ['endpoint', endpoint ?? 'AWS'],
    ...(region === null ? [] : ([['region', region]] as [string, string][])),
    ...(pathStyle === null
      ? []
      : ([['bucket', `named by the ${pathStyle ? 'path' : 'host'}`]] as [string, string][])),
    ...(requesterPays ? ([['pays', 'whoever reads']] as [string, string][]) : []),
    ['sites', sites.join(', ') || 'any'],
    ['credential', credentialText(connection)],
    ['changed', when(updatedAt)],
  ]
  return (
    rows.map(([label, value]) => `${label.padEnd(13)}${value}\n`).join('') +
    (rotate.length > 0 ? rotateText(id, rotate) : '')
  )
}

function credentialText({ credential, secretVersion, rotate }: ConnectionView): string {
  if (credential.kind === 'anonymous') return 'none: anonymous'
  if (credential.kind === 'profile') return `profile ${credential.profile ?? '(default)'}`
  if (secretVersion === 0) return 'sealed: not yet'
  return `sealed, version ${secretVersion}${rotate.length > 0 ? ', rotate' : ''}`
}

const rotateText = (id: string, agents: readonly string[]) =>
  `Rotate ${id}: ${agents.join(', ')} had its secret and ${agents.length === 1 ? 'is' : 'are'} revoked. ` +
  `Make other keys at the store, then: dray connection seal ${id}\n`

const usage = (message: string, hint: string) =>
  new DrayError('usage', 'read the arguments', message, { hint })

const when = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
