/** `node test/bench/table.ts [FILE]`: puts the results of a bench, as a table, between the two `<!-- bench -->` lines of the README. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Results, Row } from './results.ts'

const marker = '<!-- bench -->'

export function tableOf({ rows, machine, node, date, repeats }: Results): string {
  const times = (ratio: number | null) => (ratio === null ? '' : `${ratio} ×`)
  const line = (row: Row, first: boolean) =>
    `| ${first ? row.workload : ''} | ${row.tool} | ${row.wallSeconds} s | ${row.cpuSeconds} s | ${row.cpuPer} ${row.unit} | ${row.memoryMiB} MiB | ${times(row.wallRatio)} | ${times(row.cpuRatio)} |`
  return [
    '| workload | tool | wall | CPU | CPU each | memory | rclone’s wall ÷ its own | rclone’s CPU ÷ its own |',
    '|---|---|---|---|---|---|---|---|',
    ...rows.map((row, i) => line(row, rows[i - 1]?.workload !== row.workload)),
    '',
    `Medians of ${repeats}, ${date.slice(0, 10)}, on ${machine}, node ${node}. CPU and memory are the client's; Dray's are those of the agent and its control plane together.`,
  ].join('\n')
}

if (import.meta.main) {
  const file = process.argv[2] ?? join(import.meta.dirname, 'results.json')
  const readme = resolve(import.meta.dirname, '../../README.md')
  const [before, , after, ...rest] = readFileSync(readme, 'utf8').split(marker)
  if (after === undefined || rest.length > 0) throw new Error(`README.md does not have two lines ${marker}`)
  const table = tableOf(JSON.parse(readFileSync(file, 'utf8')) as Results)
  writeFileSync(readme, `${before}${marker}\n${table}\n${marker}${after}`)
}
