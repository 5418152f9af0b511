/**
 * `npm run bench [-- --quick] [--json FILE] [--only NAME]…`: Dray beside rclone (and `aws s3 sync` where it can do the same), in the same run.
 * Every figure is the median of three runs (one with --quick). CPU, user and system, is that of the client: for Dray the agent and its
 * control plane together, their start included, which has a row of its own. Memory is the most that all its processes held together.
 * Ratios are rclone's figure divided by the tool's: above 1, the tool needs less than rclone. `table.ts` makes the README's table of FILE.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Measured, measure } from './measure.ts'
import type { Results, Row } from './results.ts'
import { Stores } from './stores.ts'
import { aws, dray, isInstalled, rclone, type Tool } from './tools.ts'
import { type Workload, workloads } from './workloads.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    only: { type: 'string', multiple: true },
  },
})
const repeats = options.quick ? 1 : 3
const work = mkdtempSync(join(tmpdir(), 'dray-bench-'))

const stores = new Stores(work, async ([source, destination], bucket) => {
  const ground = {
    source: { endpoint: source },
    destination: { endpoint: destination },
    from: 'src',
    to: bucket,
    end: async () => {},
  }
  await once({ from: 's3', to: 's3', verb: 'copy' } as Workload, dray, ground)
})

async function once(
  workload: Workload,
  tool: Tool,
  ground: Parameters<Tool['command']>[1],
): Promise<Measured> {
  const state = join(work, 'state')
  try {
    const measured = await measure(tool.command(workload, ground, state), tool.env(ground), work)
    if (measured.status !== 0) throw new Error(`${tool.name} ended with status ${measured.status}`)
    return measured
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
}

/** The tools take turns, so that what else the machine does meets them alike. */
async function bench(workload: Workload, tools: Tool[]): Promise<Row[]> {
  const runs = new Map<Tool, Measured[]>(tools.map((tool) => [tool, []]))
  for (let run = 0; run < repeats; run++) {
    for (const tool of tools) {
      const ground = await stores.prepare(workload)
      try {
        runs.get(tool)!.push(await once(workload, tool, ground))
      } finally {
        await ground.end()
      }
    }
  }
  const rows = tools.map((tool) => rowOf(workload, tool, runs.get(tool)!))
  const peer = rows.find((row) => row.tool === rclone.name)
  for (const row of rows) {
    if (!peer) break
    row.wallRatio = round(peer.wallSeconds / row.wallSeconds)
    row.cpuRatio = round(peer.cpuSeconds / row.cpuSeconds)
    if (peer.memoryMiB > 0 && row.memoryMiB > 0) row.memoryRatio = round(peer.memoryMiB / row.memoryMiB)
  }
  return rows
}

const round = (x: number) => Number(x.toPrecision(3))

function median(runs: Measured[], figure: (run: Measured) => number): number {
  const sorted = runs.map(figure).sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

function rowOf({ name, objects, size, per }: Workload, tool: Tool, runs: Measured[]): Row {
  const cpu = median(runs, (run) => run.cpuSeconds)
  return {
    workload: name,
    tool: tool.name,
    objects,
    bytes: objects * size,
    wallSeconds: round(median(runs, (run) => run.seconds)),
    cpuSeconds: round(cpu),
    memoryMiB: Math.round(median(runs, (run) => run.peakBytes) / 2 ** 20),
    cpuPer: per === 'object' ? round((cpu * 1000) / objects) : round(cpu / ((objects * size) / 1e9)),
    unit: per === 'object' ? 'ms/object' : 's/GB',
    wallRatio: null,
    cpuRatio: null,
    memoryRatio: null,
  }
}

function show(row: Row): void {
  const ratios =
    row.wallRatio === null
      ? ''
      : `  ×${row.wallRatio} wall  ×${row.cpuRatio} CPU  ×${row.memoryRatio ?? '?'} memory`
  console.log(
    `  ${row.tool.padEnd(12)} ${row.wallSeconds} s  CPU ${row.cpuSeconds} s (${row.cpuPer} ${row.unit})  ${row.memoryMiB} MiB${ratios}`,
  )
}

const tools: Tool[] = []
for (const tool of [dray, rclone, aws]) {
  if (await isInstalled(tool)) tools.push(tool)
  else console.log(`${tool.name} is not installed and left out. Debian: ${tool.install}`)
}
console.log(
  `${cpus().length} × ${cpus()[0]?.model}, node ${process.version}. Ratios: rclone ÷ tool, above 1 is less than rclone.`,
)
const rows: Row[] = []
try {
  for (const workload of workloads(options.quick)) {
    if (options.only?.every((name) => !workload.name.includes(name))) continue
    const refusal = stores.refusal(workload)
    console.log(`${workload.name}${refusal === null ? '' : `: left out, ${refusal}`}`)
    if (refusal !== null) continue
    try {
      const found = await bench(
        workload,
        tools.filter((tool) => tool.does(workload)),
      )
      found.forEach(show)
      rows.push(...found)
    } catch (error) {
      // The others are still worth their time.
      console.error(`  ${error instanceof Error ? error.message : error}`)
      process.exitCode = 1
    }
  }
} finally {
  await stores.close()
  rmSync(work, { recursive: true, force: true })
}
if (options.json) {
  const results: Results = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model}`,
    node: process.version,
    quick: options.quick,
    repeats,
    rows,
  }
  writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)
}
