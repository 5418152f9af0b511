/** Real S3 servers of one's own: Ceph's gateway, by radosgw.sh. */
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'

export const radosgwScript = join(import.meta.dirname, 'radosgw.sh')
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

export interface RadosgwStore {
  /** Holds all of it, and goes with `stopRadosgw`. */
  readonly dir: string
  readonly key: string
  readonly secret: string
}

/** Programs that are needed and not installed. */
export const missingForRadosgw = (): string[] =>
  programs.filter((program) => spawnSync('which', [program]).status !== 0)

/** The endpoint of a gateway of its own. */
export async function startRadosgw({ dir, key, secret }: RadosgwStore): Promise<string> {
  const [port, monitorPort] = await freePorts(2)
  const env = { S3_KEY: key, S3_SECRET: secret, MON_PORT: String(monitorPort) }
  const { status, output } = await run(['start', dir, String(port)], env)
  if (status !== 0) throw new Error(`radosgw did not start:\n${output}`)
  return `http://127.0.0.1:${port}`
}

export async function stopRadosgw({ dir }: Pick<RadosgwStore, 'dir'>): Promise<void> {
  await run(['stop', dir], {})
}

function run(args: string[], env: NodeJS.ProcessEnv) {
  // A process group of its own, so that a Ctrl-C in the terminal does not end what has to be ended in order.
  const child = spawn(radosgwScript, args, {
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
