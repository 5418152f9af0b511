/**
 * Over a wide link, beside rclone: `node test/net/main.ts [--quick] [--rtt 80] [--rate 200] [--json FILE]`. Source and destination are hosts of
 * their own, each at the end of such a link; the agent is between them. The share is of what the link could have carried in the time.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measure } from '../bench/measure.ts'
import { openWan, type Wan, whyNoWan } from './wan.ts'

const MiB = 1024 * 1024
const root = resolve(import.meta.dirname, '../..')

interface Workload {
  readonly name: string
  readonly objects: number
  /** Bytes. */
  readonly size: number
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rtt: { type: 'string', default: '80' },
    rate: { type: 'string', default: '200' },
    loss: { type: 'string', multiple: true },
    only: { type: 'string' },
    tool: { type: 'string' },
    json: { type: 'string' },
  },
})
const [rtt, rate] = [Number(values.rtt), Number(values.rate)]
const losses = (values.loss ?? ['0', '0.1']).map(Number)
const share = values.quick ? 4 : 1
const workloads: Workload[] = [
  { name: 'large', objects: 256 / share, size: 8 * MiB },
  { name: 'one', objects: 1, size: (2048 / share) * MiB },
  { name: 'small', objects: 8_000 / share, size: 4_096 },
].filter(({ name }) => values.only === undefined || values.only === name)

const { AWS_CA_BUNDLE: _, ...inherited } = process.env
const credentials = {
  ...inherited,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'testsecret',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
}

interface Tool {
  readonly name: string
  command(from: string, to: string, source: string, destination: string, state: string): string[]
  env(source: string, destination: string): NodeJS.ProcessEnv
}

const all: Tool[] = [
  {
    name: 'dray',
    command: (from, to, source, destination, state) => [
      process.execPath,
      join(root, 'agent/main.ts'),
      ...`copy s3://${from} s3://${to} --source-endpoint ${source} --destination-endpoint ${destination}`.split(
        ' ',
      ),
      ...['--json', '--state-dir', state],
    ],
    env: () => credentials,
  },
  {
    name: 'rclone',
    command: (from, to) =>
      `rclone copy from:${from} to:${to} --transfers 32 --checkers 64 --fast-list --s3-chunk-size 16M --s3-upload-concurrency 8 --s3-no-check-bucket`.split(
        ' ',
      ),
    env: (source, destination) => ({
      ...credentials,
      RCLONE_CONFIG: '/dev/null',
      ...Object.fromEntries(
        [
          ['FROM', source],
          ['TO', destination],
        ].flatMap(([side, endpoint]) => [
          [`RCLONE_CONFIG_${side}_TYPE`, 's3'],
          [`RCLONE_CONFIG_${side}_PROVIDER`, 'Other'],
          [`RCLONE_CONFIG_${side}_ENV_AUTH`, 'true'],
          [`RCLONE_CONFIG_${side}_ENDPOINT`, endpoint],
        ]),
      ),
    }),
  },
]
const tools = all.filter(({ name }) => values.tool === undefined || values.tool === name)

async function serve(wan: Wan, host: string, args: string[]): Promise<string> {
  const program = [process.execPath, join(root, 'agent/s3-server/main.ts')]
  const child = wan.spawn(
    host,
    [...program, '--host', wan.address(host), '--port', '9000', ...args],
    credentials,
  )
  await once(child.stdout!, 'data')
  return `http://${wan.address(host)}:9000`
}

async function over(loss: number): Promise<object[]> {
  const wan = await openWan({
    agent: { rtt: 0, rate: 0, loss: 0 },
    source: { rtt, rate, loss },
    destination: { rtt, rate, loss },
  })
  const dir = mkdtempSync(join(tmpdir(), 'dray-net-'))
  const rows: object[] = []
  try {
    const fills = workloads.flatMap(({ name, objects, size }) => ['--fill', `${name}:${objects}:${size}`])
    const buckets = workloads.flatMap(({ name }) =>
      tools.flatMap((tool) => ['--bucket', `${name}-${tool.name}`]),
    )
    const source = await serve(wan, 'source', fills)
    const destination = await serve(wan, 'destination', ['--dir', join(dir, 'objects'), ...buckets])
    for (const { name, objects, size } of workloads) {
      for (const tool of tools) {
        const state = join(dir, `state-${name}`)
        const to = `${name}-${tool.name}`
        const command = wan.at('agent', tool.command(name, to, source, destination, state))
        const { seconds, cpuSeconds, peakBytes, status } = await measure(
          command,
          tool.env(source, destination),
          dir,
        )
        const row = {
          loss,
          workload: `${objects} × ${size >= MiB ? `${size / MiB} MiB` : `${size / 1024} KiB`}`,
          tool: tool.name,
          seconds: Number(seconds.toFixed(1)),
          objectsPerSecond: Number((objects / seconds).toFixed(0)),
          linkShare: Number(((objects * size * 8) / (seconds * rate * 1e6)).toFixed(3)),
          cpuSeconds: Number(cpuSeconds.toFixed(1)),
          peakMiB: Math.round(peakBytes / MiB),
          status,
        }
        console.log(Object.values(row).join('\t'))
        rows.push(row)
      }
    }
  } finally {
    wan.close()
    rmSync(dir, { recursive: true, force: true })
  }
  return rows
}

const why = whyNoWan()
if (why !== null) {
  console.log(`Skipped: ${why}.`)
} else {
  console.log(
    `${rtt} ms, ${rate} Mbit/s\nloss %\tworkload\ttool\tseconds\tobjects/s\tshare of link\tcpu\tMiB\tstatus`,
  )
  const rows = []
  for (const loss of losses) rows.push(...(await over(loss)))
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ rtt, rate, rows }, null, 2)}\n`)
}
