/**
 * `npm run bench [-- --quick] [--json FILE] [--only NAME]`: Dray beside rclone, in the same run, on the workloads of the table in the README.
 * Every figure is the median of three runs (one with --quick), each on a fresh stub server (stub-server.ts), whose own cost is not counted.
 * CPU is that of the client: for Dray the agent and its control plane together, their start included.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Measured, measure } from './measure.ts'

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, only: { type: 'string' } },
})
const root = resolve(import.meta.dirname, '../..')
const quick = options.quick
const repeats = quick ? 1 : 3

interface Workload {
  readonly name: string
  readonly objects: number
  readonly size: number
  /** What the two tools are given: a local directory of such files, or a bucket of the stub. */
  readonly source: 'src' | 'disk'
  readonly destination: 'dst' | 'mirror'
  readonly hashing: boolean
  /** On both sides. */
  readonly tls?: boolean
}

const MiB = 1024 * 1024
const scale = quick ? 0.1 : 1
const workloads: Workload[] = [
  {
    name: 'small objects, S3 to S3',
    objects: Math.round(20_000 * scale),
    size: 4096,
    source: 'src',
    destination: 'dst',
    hashing: true,
  },
  {
    name: '8 MiB objects, S3 to S3',
    objects: Math.round(200 * scale),
    size: 8 * MiB,
    source: 'src',
    destination: 'dst',
    hashing: false,
  },
  {
    name: '8 MiB objects, S3 to S3 over TLS',
    objects: Math.round(200 * scale),
    size: 8 * MiB,
    source: 'src',
    destination: 'dst',
    hashing: false,
    tls: true,
  },
  {
    name: '512 MiB objects, S3 to S3',
    objects: quick ? 1 : 4,
    size: 512 * MiB,
    source: 'src',
    destination: 'dst',
    hashing: false,
  },
  {
    name: 'nothing changed, S3 to S3',
    objects: Math.round(300_000 * scale),
    size: 4096,
    source: 'src',
    destination: 'mirror',
    hashing: true,
  },
  {
    name: 'small files, disk to S3',
    objects: Math.round(10_000 * scale),
    size: 4096,
    source: 'disk',
    destination: 'dst',
    hashing: true,
  },
]

interface Row {
  workload: string
  tool: 'dray' | 'rclone'
  objects: number
  bytes: number
  seconds: number
  cpuSeconds: number
  peakMiB: number
  objectsPerSecond: number
  megabytesPerSecond: number
  cpuMillisecondsPerObject: number
  cpuSecondsPerGigabyte: number
  /** Of the CPU per object: rclone's divided by this tool's. Above 1: cheaper than rclone. */
  cpuRatioToRclone: number | null
  wallRatioToRclone: number | null
}

const work = mkdtempSync(join(tmpdir(), 'dray-bench-'))
const port = 20_000 + (process.pid % 20_000)
/** Two endpoints, as two vendors would be: neither tool may let the store copy by itself. */
function endpoints({ tls = false }: Pick<Workload, 'tls'>) {
  const scheme = tls ? 'https' : 'http'
  return { source: `${scheme}://127.0.0.1:${port}`, destination: `${scheme}://127.0.0.1:${port + 1}` }
}
const certificate = join(root, 'test/support/localhost.pem')
const { AWS_CA_BUNDLE: _, ...inherited } = process.env
const env = {
  ...inherited,
  AWS_ACCESS_KEY_ID: 'BENCH',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_REGION: 'us-east-1',
  RCLONE_CONFIG: join(work, 'rclone.conf'),
  RCLONE_CONFIG_FROM_TYPE: 's3',
  RCLONE_CONFIG_FROM_PROVIDER: 'Ceph',
  RCLONE_CONFIG_FROM_ENV_AUTH: 'true',
  RCLONE_CONFIG_TO_TYPE: 's3',
  RCLONE_CONFIG_TO_PROVIDER: 'Ceph',
  RCLONE_CONFIG_TO_ENV_AUTH: 'true',
}

const environmentOf = (w: Workload) => ({
  ...env,
  RCLONE_CONFIG_FROM_ENDPOINT: endpoints(w).source,
  RCLONE_CONFIG_TO_ENDPOINT: endpoints(w).destination,
  ...(w.tls ? { NODE_EXTRA_CA_CERTS: certificate, RCLONE_CA_CERT: certificate } : {}),
})

const tools = {
  dray: (w: Workload, from: string, run: number) => [
    process.execPath,
    join(root, 'agent/main.ts'),
    'copy',
    ...(w.source === 'disk' ? [from] : [`s3://${from}`, '--source-endpoint', endpoints(w).source]),
    `s3://${w.destination}`,
    '--destination-endpoint',
    endpoints(w).destination,
    '--json',
    '--state-dir',
    join(work, `state-${run}`),
  ],
  rclone: (w: Workload, from: string) => [
    'rclone',
    'copy',
    w.source === 'disk' ? from : `from:${from}`,
    `to:${w.destination}`,
    ...'--transfers 32 --checkers 64 --fast-list --s3-chunk-size 16M --s3-upload-concurrency 8 --s3-no-check-bucket'.split(
      ' ',
    ),
    ...(w.destination === 'mirror' ? ['--checksum'] : []),
  ],
}

function files(count: number, size: number): string {
  const dir = join(work, 'files')
  for (let i = 0; i < count; i++) {
    const folder = join(dir, `d${i % 100}`)
    if (i < 100) mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `file-${i}.jpg`), Buffer.alloc(size, i))
  }
  return dir
}

async function stub(w: Workload, at: number): Promise<ChildProcess> {
  const args = [join(root, 'test/bench/stub-server.ts'), String(at), String(w.objects), String(w.size)]
  const server = spawn(
    process.execPath,
    [...args, ...(w.hashing ? [] : ['--no-md5']), ...(w.tls ? ['--tls'] : [])],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(server.stdout!, 'data')
  return server
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!

async function bench(w: Workload, tool: keyof typeof tools): Promise<Row> {
  const from = w.source === 'disk' ? files(w.objects, w.size) : w.source
  const runs: Measured[] = []
  for (let run = 0; run < repeats; run++) {
    const servers = [await stub(w, port), await stub(w, port + 1)]
    try {
      const measured = await measure(tools[tool](w, from, run), environmentOf(w), work)
      if (measured.status !== 0)
        throw new Error(`${tool} ended with status ${measured.status} in “${w.name}”`)
      runs.push(measured)
    } finally {
      for (const server of servers) {
        server.kill()
        await once(server, 'exit')
      }
      rmSync(join(work, `state-${run}`), { recursive: true, force: true })
    }
  }
  if (w.source === 'disk') rmSync(from, { recursive: true })
  const seconds = median(runs.map((r) => r.seconds))
  const cpuSeconds = median(runs.map((r) => r.cpuSeconds))
  const bytes = w.objects * w.size
  const round = (x: number) => Number(x.toPrecision(3))
  return {
    workload: w.name,
    tool,
    objects: w.objects,
    bytes,
    seconds: round(seconds),
    cpuSeconds: round(cpuSeconds),
    peakMiB: Math.round(median(runs.map((r) => r.peakBytes)) / MiB),
    objectsPerSecond: round(w.objects / seconds),
    megabytesPerSecond: round(bytes / 1e6 / seconds),
    cpuMillisecondsPerObject: round((cpuSeconds * 1000) / w.objects),
    cpuSecondsPerGigabyte: round(cpuSeconds / (bytes / 1e9)),
    cpuRatioToRclone: null,
    wallRatioToRclone: null,
  }
}

async function have(command: string): Promise<boolean> {
  const child = spawn(command, ['version'], { stdio: 'ignore' })
  const [error] = await Promise.race([once(child, 'error'), once(child, 'exit')])
  return !(error instanceof Error)
}

const rclone = await have('rclone')
if (!rclone)
  console.log('rclone is not installed: there is nothing to compare with. Debian: apt-get install rclone')
const rows: Row[] = []
try {
  for (const w of workloads) {
    if (options.only && !w.name.includes(options.only)) continue
    const peer = rclone ? await bench(w, 'rclone') : null
    const ours = await bench(w, 'dray')
    for (const row of [ours, peer]) {
      if (!row) continue
      if (peer) {
        row.cpuRatioToRclone = Number((peer.cpuSeconds / row.cpuSeconds).toPrecision(3))
        row.wallRatioToRclone = Number((peer.seconds / row.seconds).toPrecision(3))
      }
      rows.push(row)
      console.log(
        `${row.workload} · ${row.tool}: ${row.seconds} s, ${row.objectsPerSecond} objects/s, ${row.megabytesPerSecond} MB/s, CPU ${row.cpuMillisecondsPerObject} ms/object, ${row.cpuSecondsPerGigabyte} s/GB, peak ${row.peakMiB} MiB` +
          (row.tool === 'dray' && peer
            ? `; rclone ÷ dray: wall ${row.wallRatioToRclone}, CPU ${row.cpuRatioToRclone}`
            : ''),
      )
    }
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
if (options.json) {
  writeFileSync(
    options.json,
    `${JSON.stringify({ date: new Date().toISOString(), cpus: cpus().length, node: process.version, quick, rows }, null, 2)}\n`,
  )
}
