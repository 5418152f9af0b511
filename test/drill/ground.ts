/** Where a drill happens: a directory, and the processes in it. Each part of it is one of its own, as it would be. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PlaneClient, planeClient } from '../../agent/cli/plane-client.ts'
import { readTokens } from '../../agent/embed/tokens.ts'
import { createConnection } from '../../shared/api/connections.ts'
import { createJoinToken } from '../../shared/api/sites.ts'
import type { Location } from '../../shared/location.ts'
import type { RawStore } from '../support/s3-raw.ts'
import type { StoreOptions } from './store.ts'

const root = join(import.meta.dirname, '../..')
const main = join(root, 'agent/main.ts')
const key = 'DRILLKEY000000000000'
const secret = 'a-secret-of-nobody-in-particular-at-all'
const secondAgent = 'second'

export interface Store {
  readonly process: ChildProcess
  readonly at: RawStore
}

/** Nothing of whoever runs it gets in. */
const bare = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(AWS_|DRAY_)/.test(name)),
) as NodeJS.ProcessEnv

/** A bucket behind a connection. */
export const placeIn = (connection: string, bucket: string): Location => ({
  ...{ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null },
  connection,
})

export class Ground {
  readonly dir = mkdtempSync(join(tmpdir(), 'dray-drill-'))
  readonly #processes = new Set<ChildProcess>()
  readonly #env: NodeJS.ProcessEnv

  /** `more`: of the environment of all its processes. */
  constructor(more: NodeJS.ProcessEnv = {}) {
    writeFileSync(
      this.at('credentials'),
      `[drill]\naws_access_key_id = ${key}\naws_secret_access_key = ${secret}\n`,
    )
    this.#env = {
      ...bare,
      AWS_SHARED_CREDENTIALS_FILE: this.at('credentials'),
      AWS_CONFIG_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
      XDG_CONFIG_HOME: this.at('config'),
      ...more,
    }
  }

  at(...names: string[]): string {
    return join(this.dir, ...names)
  }

  log(name: string): string {
    return readFileSync(this.at(`${name}.log`), 'utf8')
  }

  /** A program of ours; what it writes goes to its log. It hears by `send`. */
  start(name: string, program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcess {
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as ['ignore', 'pipe', 'pipe', 'ipc']
    const env = { ...this.#env, ...more }
    const child = spawn(process.execPath, [program, ...args], { env, stdio, cwd: this.dir })
    this.#processes.add(child)
    child.once('exit', () => this.#processes.delete(child))
    appendFileSync(this.at(`${name}.log`), '')
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => appendFileSync(this.at(`${name}.log`), chunk))
    return child
  }

  async store(name: string, options: Omit<StoreOptions, 'credentials'>): Promise<Store> {
    const given: StoreOptions = { credentials: { [key]: secret }, ...options }
    const process = this.start(name, join(import.meta.dirname, 'store.ts'), [JSON.stringify(given)])
    const endpoint = await this.#said(name, process, /^(http:\S+)$/m)
    return { process, at: { endpoint, key, secret } }
  }

  /** `dray up`: the control plane, and an agent beside it. `port`: 0 is any. */
  async plane(
    port = 0,
    more: readonly string[] = [],
  ): Promise<{ plane: PlaneClient; token: string; process: ChildProcess }> {
    writeFileSync(this.at('plane.log'), '')
    const process = this.start('plane', main, [
      'up',
      '--port',
      String(port),
      '--state-dir',
      this.at('plane'),
      ...more,
    ])
    const url = await this.#said('plane', process, /^Dray is up at (\S+)$/m)
    const token = readTokens(this.at('plane'))!.operator
    return { plane: planeClient({ url: new URL(url), token, workspace: 'local' }), token, process }
  }

  /** Another agent, of the same site. */
  async agent(
    plane: PlaneClient,
    stores: readonly Store[],
    more: readonly string[] = [],
  ): Promise<ChildProcess> {
    const { token } = await plane.call(createJoinToken, { params: { site: 'local' }, body: { uses: 1 } })
    const state = ['--state-dir', this.at(secondAgent)]
    writeFileSync(this.at('join-token'), token, { mode: 0o600 })
    const may = [...stores.map(({ at }) => `${at.endpoint}*`), this.dir].flatMap((place) => [
      '--allow',
      place,
    ])
    const joining = [
      'agent',
      'join',
      plane.url.href,
      '--token-file',
      this.at('join-token'),
      '--name',
      secondAgent,
    ]
    const root = ['--root', this.at('plane', 'control-plane', 'site-root.json')]
    await this.run('join', [...joining, ...may, ...root, ...state])
    const process = this.start(secondAgent, main, ['agent', 'run', ...more, ...state])
    await this.#said(secondAgent, process, /(works for) /)
    return process
  }

  /** `dray mirror`, between the two. */
  async mirror(bucket: string, old: Store, fresh: Store): Promise<RawStore> {
    const sides = Object.entries({ old, new: fresh }).flatMap(([name, { at }]) => [
      ...[`--${name}`, `s3://${bucket}`, `--${name}-endpoint`, at.endpoint],
      ...[`--${name}-profile`, 'drill', `--${name}-region`, 'us-east-1'],
    ])
    const args = ['mirror', ...sides, '--listen', '127.0.0.1:0', '--state-dir', this.at('mirror')]
    const env = { DRAY_MIRROR_ACCESS_KEY_ID: key, DRAY_MIRROR_SECRET_ACCESS_KEY: secret }
    const process = this.start('mirror', main, args, env)
    return { endpoint: await this.#said('mirror', process, /^Mirroring at ([^,\s]+),/m), key, secret }
  }

  /** `dray mirror status` or `switch`. */
  askMirror(...args: string[]): Promise<string> {
    return this.run('mirror-control', ['mirror', ...args, '--json', '--state-dir', this.at('mirror')])
  }

  /** Nothing is under way in the mirror, and no key waits for its repair: `status` says so by its exit status. */
  async mirrorDrained(): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      const isDrained = await this.askMirror('status').then(Boolean, () => false)
      if (isDrained) return
      await sleep(100)
    }
    throw new Error(`the mirror is not drained: ${this.log('mirror-control').slice(-1_000)}`)
  }

  /** `dray ARGS`, to its good end. */
  async run(name: string, args: readonly string[]): Promise<string> {
    const child = this.start(name, main, args)
    const [status] = await once(child, 'close')
    if (status !== 0)
      throw new Error(`dray ${args.slice(0, 2).join(' ')} ended with ${status}: ${this.log(name)}`)
    return this.log(name)
  }

  async connection(plane: PlaneClient, id: string, { at }: Store): Promise<void> {
    const body = {
      id,
      endpoint: at.endpoint,
      region: 'us-east-1',
      credential: { kind: 'profile', profile: 'drill' },
    } as const
    await plane.call(createConnection, { body })
  }

  /** What the pattern finds in its log, as soon as it does. */
  async #said(name: string, process: ChildProcess, pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.log(name))?.[1]
      if (found !== undefined) return found
      if (process.exitCode !== null)
        throw new Error(`${name} ended with ${process.exitCode}: ${this.log(name)}`)
      await sleep(50)
    }
  }

  /** `keep`: its directory stays, to be looked at. */
  async end(keep: boolean): Promise<void> {
    const ending = [...this.#processes].map((child) => once(child, 'exit'))
    // An embedded workerd goes with its parent.
    for (const child of this.#processes) child.kill('SIGKILL')
    await Promise.all(ending)
    if (keep) console.log(`What the processes wrote is in ${this.dir}`)
    else rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}
