/** `dray agent join|leave|show`: how a machine becomes an agent of a site, and what it is then. */
import { existsSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { join, joinText, leave, putCertificate } from '../../shared/api/agents.ts'
import { DrayError } from '../../shared/error.ts'
import { type Certificate, certify } from '../../shared/identity/certificate.ts'
import { fingerprint, makeKeys, sign } from '../../shared/identity/keys.ts'
import { visible } from '../../shared/key.ts'
import { sha256 } from '../../shared/octets.ts'
import { addToAllowList, readAllowList } from '../allow/allow-file.ts'
import { type AllowList, formatEntry, parseEntry } from '../allow/allow-list.ts'
import { openStateDir } from '../embed/state-dir.ts'
import type { Identity } from '../identity/identity.ts'
import { forgetIdentity, identityFile, keepIdentity, readIdentity } from '../identity/identity-file.ts'
import { createSigner } from '../identity/signer.ts'
import { ensureRoot, readRoot, rootFile, type SiteRoot } from '../identity/site-root.ts'
import { planeCall } from '../session/plane-call.ts'
import { answers } from './agent-run.ts'
import { exitCodes, type Io } from './io.ts'
import { parseEndpoint } from './request.ts'
import { findToken, type TokenOptions } from './token.ts'

export interface JoinOptions extends TokenOptions {
  name?: string
  allow?: string[]
  root?: string
}

export async function joinSite(address: string, options: JoinOptions, io: Io): Promise<number> {
  const url = new URL(parseEndpoint('URL', address))
  const token = findToken('join', options, io.env.DRAY_JOIN_TOKEN, io.cwd)
  for (const entry of options.allow ?? []) parseEntry(entry)
  const given = options.root === undefined ? null : readRoot(resolve(io.cwd, options.root))
  const state = openStateDir(io.stateDir, 'agent join')
  try {
    const known = readIdentity(state.path)
    if (known) throw joinedBefore(known, state.path)
    await answers(url, io.signal)
    const [signing, sealing] = await Promise.all([makeKeys('Ed25519'), makeKeys('X25519')])
    const keys = { signing: signing.public, sealing: sealing.public }
    const digest = await sha256(token)
    const enrol = async (name: string) => {
      const signature = await sign(joinText(digest, name, keys.signing, keys.sealing), signing)
      return planeCall(url, null, join, { body: { token, name, ...keys, signature } }, io.signal)
    }
    const joined = await enrol(options.name ?? ownName()).catch((error) => {
      // A machine's name is often not its own alone; one that somebody chose is to be another one by their choice.
      if (options.name === undefined && error instanceof DrayError && error.code === 'busy') {
        return enrol(`${ownName().slice(0, 56)}-${crypto.randomUUID().slice(0, 6)}`)
      }
      throw error
    })
    const { workspace, site, agent } = joined
    const had = existsSync(rootFile(state.path))
    const root = await rootFor(state.path, joined, given)
    let certificate: Certificate | null = null
    if (root) {
      certificate = await certify({ workspace, site, agent, ...keys, issuedAt: Date.now() }, root.key)
      const signer = createSigner({ workspace, agent, signing })
      const body = { rootKey: root.key.public, certificate }
      await planeCall(url, signer, putCertificate, { body }, io.signal).catch(async (error) => {
        if (!had && !given) rmSync(rootFile(state.path), { force: true })
        await planeCall(url, signer, leave, {}, io.signal).catch(() => {})
        throw error
      })
    }
    const rootKey = root?.key.public ?? joined.rootKey
    const base = new URL(url.pathname.endsWith('/') ? url : `${url.href}/`).href
    const identity = { url: base, workspace, site, agent, signing, sealing, rootKey, certificate }
    keepIdentity(state.path, identity)
    const allow = addToAllowList(state.path, options.allow ?? [])
    io.stdout.write(visible(await welcome(identity, allow, state.path, root !== null && !had && !given)))
    return exitCodes.equal
  } finally {
    state.release()
  }
}

/** Letters, digits and "-". */
const ownName = () =>
  hostname()
    .split('.')[0]!
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63) || 'agent'

/** The key that certifies this agent; null where the site has one, which is elsewhere. */
async function rootFor(
  stateDir: string,
  { workspace, site, rootKey }: { workspace: string; site: string; rootKey: string | null },
  given: SiteRoot | null,
): Promise<SiteRoot | null> {
  const kept =
    given ??
    (existsSync(rootFile(stateDir)) || rootKey === null
      ? await ensureRoot(stateDir, { workspace, site })
      : null)
  if (!kept) return null
  const isOfSite = kept.workspace === workspace && kept.site === site
  if (isOfSite && (rootKey === null || kept.key.public === rootKey)) return kept
  throw new DrayError(
    'bad-credentials',
    'certify the agent',
    `the root key that is at hand is not that of site ${site} of ${workspace}`,
    {
      hint: isOfSite
        ? `The control plane names ${rootKey && (await fingerprint(rootKey))} as its root, and this one is ${await fingerprint(kept.key.public)}: find out who is right before any secret is sealed.`
        : `It is of site ${kept.site} of ${kept.workspace}.`,
    },
  )
}

async function welcome(
  identity: Identity,
  allow: AllowList,
  stateDir: string,
  isFirst: boolean,
): Promise<string> {
  const lines = [
    `Joined ${identity.url} as the agent "${identity.agent}" of site "${identity.site}" in "${identity.workspace}".`,
    '',
    ...(await facts(identity, allow, stateDir)),
    '',
  ]
  if (isFirst) {
    lines.push(
      `This is the first agent of the site, so it has made the site's root key: ${rootFile(stateDir)}`,
      'Back it up, off this machine, and show it to nobody: with it another agent is certified (--root FILE,',
      'or dray site certify), and without a certificate no agent gets a secret from another.',
      '',
    )
  } else if (!identity.certificate) {
    lines.push(
      'Its keys are not certified by the site yet: other agents give it no secrets. Where the root key is:',
      `  dray site certify ${identity.site} ${identity.agent} ${await ownPrint(identity)} --root site-root.json`,
      '',
    )
  }
  if (allow.entries.length === 0)
    lines.push(`It may touch nothing yet. Add what it may, a line each, to ${allow.file}`, '')
  lines.push(`Start it with: dray agent run --state-dir ${stateDir}`)
  return `${lines.join('\n')}\n`
}

export const ownPrint = ({ signing, sealing }: Identity) => fingerprint(signing.public, sealing.public)

async function facts(identity: Identity, allow: AllowList, stateDir: string): Promise<string[]> {
  const { rootKey, certificate } = identity
  const may = allow.entries.map(formatEntry)
  const root = rootKey === null ? 'none yet' : await fingerprint(rootKey)
  return [
    `  agent's keys  ${await ownPrint(identity)}`,
    `  site's root   ${root}${certificate || rootKey === null ? '' : ' (as the control plane says: compare it)'}`,
    `  may touch     ${may.join('\n                ') || 'nothing'}`,
    `  identity      ${identityFile(stateDir)}`,
  ]
}

const joinedBefore = ({ agent, site, url }: Identity, stateDir: string) =>
  new DrayError('busy', 'join', `${stateDir} is of the agent ${agent} of site ${site} at ${url} already`, {
    hint: 'Start it with dray agent run, let it leave with dray agent leave, or give another directory with --state-dir.',
  })

const nobody = (stateDir: string) =>
  new DrayError('not-found', 'look', `no agent has joined from the state directory ${stateDir}`, {
    hint: 'Give its directory with --state-dir, or let one join: dray agent join URL --token TOKEN',
  })

export async function showAgent(options: { json: boolean }, io: Io): Promise<number> {
  const identity = readIdentity(io.stateDir)
  if (!identity) throw nobody(io.stateDir)
  const allow = readAllowList(io.stateDir)
  const { url, workspace, site, agent, rootKey, certificate } = identity
  if (options.json) {
    const told = {
      ...{ url, workspace, site, agent, fingerprint: await ownPrint(identity) },
      ...{ rootFingerprint: rootKey && (await fingerprint(rootKey)), certified: certificate !== null },
      allow: allow.entries.map(formatEntry),
    }
    io.stdout.write(`${JSON.stringify(told)}\n`)
    return exitCodes.equal
  }
  const who = `The agent "${agent}" of site "${site}" in "${workspace}" at ${url}`
  io.stdout.write(visible(`${[who, ...(await facts(identity, allow, io.stateDir))].join('\n')}\n`))
  return exitCodes.equal
}

export async function leaveSite(options: { force: boolean }, io: Io): Promise<number> {
  const state = openStateDir(io.stateDir, 'agent leave')
  try {
    const identity = readIdentity(state.path)
    if (!identity?.url) throw nobody(state.path)
    try {
      await planeCall(new URL(identity.url), createSigner(identity), leave, {}, io.signal)
    } catch (error) {
      if (!options.force) throw error
      io.stderr.write(
        `The control plane was not told (${(error as Error).message}): revoke ${identity.agent} there.\n`,
      )
    }
    forgetIdentity(state.path)
    io.stdout.write(`The agent ${identity.agent} has left site "${identity.site}"; its keys are deleted.\n`)
    if (existsSync(rootFile(state.path))) {
      io.stdout.write(`The site's root key stays where it is: ${rootFile(state.path)}\n`)
    }
    return exitCodes.equal
  } finally {
    state.release()
  }
}
