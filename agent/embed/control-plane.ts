/**
 * A private control plane: the same Worker that is deployed, on a workerd of our own, with what it stores
 * in the state directory. It listens on the loopback interface only, unless told otherwise, and contacts nobody, unless it may call webhooks.
 * Nothing that is stored is ever wiped here: what a killed process left is where the next one goes on.
 *
 * A workerd that dies is started again on the same address; agents connect again by themselves.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { DrayError, toDrayError } from '../../shared/error.ts'
import type { Identity } from '../identity/identity.ts'
import { localIdentity } from '../identity/identity-file.ts'
import { applyMigrations, type Batch } from './d1-migrations.ts'
import { packageRoot } from './package-root.ts'
import { ensureTokens } from './tokens.ts'
import { startWorkerd, type Workerd } from './workerd.ts'
import {
  installedWorkerd,
  type Settings,
  type SocketName,
  settingNames,
  storageDirectories,
  type WorkerdSecrets,
  workerdConfig,
} from './workerd-config.ts'

/** Bytes: an empty control plane needs a little more. */
const leastFree = 256 * 1024

export interface ControlPlaneOptions {
  /** Its lock must be held (state-dir.ts). */
  stateDir: string
  /** 0, the default: any free one. */
  port?: number
  host?: string
  /** Whether it serves the console too. */
  console?: boolean
  /** Whether it may call webhooks, wherever they are. */
  calls?: boolean
  /** How people reach it, and sign in. */
  settings?: Settings
  /** What the Worker and workerd write. */
  log?(level: 'warn' | 'error', message: string): void
}

export interface ControlPlane {
  url: URL
  /** Of the operator. */
  token: string
  workspace: string
  /** Of the agent that is to work for it. */
  identity: Identity
  /** What the link that makes the first owner holds. */
  setupToken: string
  stop(): Promise<void>
}

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { stateDir, port = 0, host = '127.0.0.1' } = options
  const directory = join(stateDir, 'control-plane')
  for (const name of storageDirectories) mkdirSync(join(directory, name), { recursive: true, mode: 0o700 })
  if (port !== 0) await refuseTakenPort(port, host)

  const root = packageRoot()
  const { operator, auth, setup } = ensureTokens(stateDir)
  const identity = await localIdentity(stateDir)
  const { script, web } = await bundles(root, options.console ?? false)
  const config = join(directory, 'workerd.capnp')
  const given = options.settings ?? {}
  const settings = settingNames.filter((name) => given[name])
  writeFileSync(config, workerdConfig({ directory, script, web, calls: options.calls ?? false, settings }))
  const secrets = {
    DRAY_OPERATOR_TOKEN: operator,
    DRAY_LOCAL_AGENT: JSON.stringify(localAgent(identity)),
    DRAY_AUTH_SECRET: auth,
    DRAY_SETUP_TOKEN: setup,
    ...Object.fromEntries(settings.map((name) => [name, given[name]!])),
    DRAY_CLERK_TOKEN: randomBytes(16).toString('hex'),
  } satisfies WorkerdSecrets
  const sockets = { api: `${bracketed(host)}:${port}`, clerk: '127.0.0.1:0' } satisfies Record<
    SocketName,
    string
  >
  const migrations = join(root, 'control-plane', 'migrations')

  const workerd = await patiently(2, async () => {
    let workerd: Workerd | undefined
    try {
      const { log } = options
      const program = installedWorkerd()
      workerd = await startWorkerd({ program, config, sockets, env: secrets, ...(log ? { log } : {}) })
      const { clerk = 0 } = workerd.ports
      await patiently(5, () => applyMigrations(throughClerk(clerk, secrets.DRAY_CLERK_TOKEN), migrations))
      return workerd
    } catch (error) {
      await workerd?.stop()
      throw fullDisk(stateDir) ?? error
    }
  })
  const url = new URL(`http://${reachable(host)}:${workerd.ports.api}`)
  const stop = () => workerd.stop()
  return { url, token: operator, workspace: 'local', identity, setupToken: setup, stop }
}

/** What the Worker is to know of it (control-plane/store/agents.ts). */
const localAgent = ({ agent, site, signing, sealing, rootKey, certificate }: Identity) => ({
  agent,
  site,
  signing: signing.public,
  sealing: sealing.public,
  rootKey,
  certificate,
})

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)

/** Whoever listens on every interface is reached on this one. */
const reachable = (host: string) => (['0.0.0.0', '::', '*'].includes(host) ? '127.0.0.1' : bracketed(host))

const throughClerk =
  (port: number, token: string): Batch =>
  async (statements) => {
    const response = await fetch(`http://127.0.0.1:${port}`, {
      method: 'POST',
      headers: { authorization: token },
      body: JSON.stringify(statements),
    })
    if (!response.ok) throw new Error(`the catalogue: ${response.status} ${await response.text()}`)
    return (await response.json()) as unknown[][]
  }

/** workerd only says that its databases fail; where there is no room for them, that is why. Null where there is. */
export function fullDisk(stateDir: string): DrayError | null {
  const directory = join(stateDir, 'control-plane')
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize > leastFree) return null
  return new DrayError('no-space', 'start', `the disk that Dray keeps its state on is full at ${directory}`, {
    hint: 'Free some space, or give another directory with --state-dir. The same command goes on.',
  })
}

/** Whatever workerd was asked in its first moments can be asked again. */
async function patiently<T>(attempts: number, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (error instanceof DrayError || attempt === attempts)
        throw toDrayError(error, 'start the control plane')
      await sleep(attempt * 200)
    }
  }
}

interface Build {
  buildWorker(): Promise<string>
  buildWeb(): Promise<string>
}

/** A release brings both bundled; a checkout builds them when a source is newer. */
async function bundles(root: string, console: boolean): Promise<{ script: string; web: string | null }> {
  const sources = join(root, 'scripts', 'build.ts')
  if (existsSync(sources)) {
    const build = (await import(pathToFileURL(sources).href)) as Build
    const [script, web] = await Promise.all([build.buildWorker(), console ? build.buildWeb() : null])
    return { script, web }
  }
  const script = join(root, 'dist', 'worker', 'worker.js')
  const web = join(root, 'dist', 'web')
  if (existsSync(script)) return { script, web: console && existsSync(web) ? web : null }
  throw new DrayError('config', 'start', `${script} is missing`, {
    hint: 'This installation of Dray is not whole: install it again.',
  })
}

/** workerd would say it in its own words. */
function refuseTakenPort(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const [why, hint] =
        cause.code === 'EADDRINUSE'
          ? ['something else listens there', 'Give another --port, or 0 for any free one.']
          : cause.code === 'EACCES'
            ? ['permission denied', 'Ports below 1024 need special rights: give another --port.']
            : [cause.message, 'Give an address of this machine with --host.']
      reject(new DrayError('config', 'listen', `cannot listen on ${host}:${port}: ${why}`, { hint, cause }))
    })
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
