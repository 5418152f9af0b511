/**
 * Behind `npm run test:s3`: two real S3 servers with different credentials, the suites that need them, and the end of
 * both, whatever happened. Servers that the environment names already (DRAY_TEST_S3_ENDPOINT, _KEY, _SECRET and the
 * same with _2) are taken as they are. Arguments go on to vitest.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const script = join(import.meta.dirname, 'radosgw.sh')
const programs = [
  'radosgw',
  'radosgw-admin',
  'ceph',
  'ceph-mon',
  'ceph-osd',
  'monmaptool',
  'ceph-authtool',
  'curl',
]

interface Store {
  readonly dir: string
  readonly key: string
  readonly secret: string
}

let interrupted = false
/** The vitest that runs, if any. */
let suites: ReturnType<typeof spawn> | undefined

async function withServers(): Promise<number> {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  if (missing.length > 0) {
    console.error(
      `These suites need a real S3 server. Missing: ${missing.join(', ')}. Either\n` +
        `  install Ceph's gateway on Debian or Ubuntu:  sudo ${script} install\n` +
        '  (radosgw, ceph-mon, ceph-osd and ceph-common; no daemon is started), or\n' +
        '  name two S3 servers of your own: DRAY_TEST_S3_ENDPOINT, DRAY_TEST_S3_KEY, DRAY_TEST_S3_SECRET,\n' +
        '  and the same with _2. They get new buckets, and nothing of them is deleted.',
    )
    return 2
  }
  const root = mkdtempSync(join(tmpdir(), 'dray-radosgw-'))
  const stores: Store[] = [1, 2].map((n) => ({
    dir: join(root, String(n)),
    key: `DRAYTESTKEY${n}`,
    secret: `draytestsecret${n}`.padEnd(40, String(n)),
  }))
  let starting: Promise<unknown> = Promise.resolve()
  // Ctrl-C and the like: vitest hears of it too, or is told; afterwards the servers end as they always do.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      interrupted = true
      suites?.kill(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM')
    })
  try {
    const started = stores.map((store) => start(store))
    starting = Promise.allSettled(started)
    const endpoints = await Promise.all(started)
    const env: NodeJS.ProcessEnv = {}
    for (const [i, { key, secret }] of stores.entries()) {
      const suffix = i === 0 ? '' : `_${i + 1}`
      env[`DRAY_TEST_S3_ENDPOINT${suffix}`] = endpoints[i]
      env[`DRAY_TEST_S3_KEY${suffix}`] = key
      env[`DRAY_TEST_S3_SECRET${suffix}`] = secret
    }
    return interrupted ? 130 : await runSuites(env)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return 1
  } finally {
    await starting
    await Promise.all(stores.map(({ dir }) => run(script, ['stop', dir], {})))
    rmSync(root, { recursive: true, force: true })
  }
}

/** The endpoint of a gateway of its own. */
async function start({ dir, key, secret }: Store): Promise<string> {
  const [port, monitorPort] = await freePorts(2)
  const env = { S3_KEY: key, S3_SECRET: secret, MON_PORT: String(monitorPort) }
  const { status, output } = await run(script, ['start', dir, String(port)], env)
  if (status !== 0) throw new Error(`radosgw did not start:\n${output}`)
  return `http://127.0.0.1:${port}`
}

function run(program: string, args: string[], env: NodeJS.ProcessEnv) {
  // A process group of its own, so that a Ctrl-C in the terminal does not end what has to be ended in order.
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  return new Promise<{ status: number; output: string }>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (status) => resolve({ status: status ?? 1, output }))
  })
}

function runSuites(env: NodeJS.ProcessEnv): Promise<number> {
  const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
  suites = spawn(process.execPath, [vitest, 'run', '--project', 's3', ...process.argv.slice(2)], {
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  return new Promise((resolve, reject) => {
    suites?.on('error', reject)
    suites?.on('exit', (status) => resolve(status ?? 1))
  })
}

/** Free a moment ago, all at once, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.on('error', reject)
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address ? address.port : 0)
          })
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

const named = ['DRAY_TEST_S3_ENDPOINT', 'DRAY_TEST_S3_ENDPOINT_2'].every((name) => process.env[name])
process.exitCode = named ? await runSuites({}) : await withServers()
