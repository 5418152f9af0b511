/**
 * `npm run drill [-- --minutes N] [--by events|passes|mirror] [--scenario cameras|attachments] …`: the live drill (drill.ts), each way by itself
 * unless one is named; or a scenario. Exit status 0 when nothing was lost, and the last line says so. docs/drill.md says what it does.
 */
import { parseArgs } from 'node:util'
import { attachments } from './attachments.ts'
import { cameras } from './cameras.ts'
import type { Checks } from './checks.ts'
import { drill, ways } from './drill.ts'

const usage = `npm run drill -- [options]

  --by WAY            events, passes or mirror; each of them unless told
  --minutes N         of work at the application, each way; 2
  --objects N         that are there in the beginning; 50,000
  --rate N            requests a second of the application; 100
  --agents N          1 or 2; 2
  --scenario NAME     instead: cameras or attachments
  --cameras N         of the scenario, each with --objects pictures; 5, with 58,300 each
  --keep              leave the directory of the run`

const { values } = parseArgs({
  options: {
    by: { type: 'string' },
    scenario: { type: 'string' },
    minutes: { type: 'string', default: '2' },
    objects: { type: 'string' },
    cameras: { type: 'string', default: '5' },
    rate: { type: 'string', default: '100' },
    agents: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
function refuse(what: string): never {
  console.error(`${what}\n\n${usage}`)
  process.exit(2)
}
function number(name: 'minutes' | 'objects' | 'rate' | 'cameras' | 'agents', usual = 0): number {
  const value = values[name] === undefined ? usual : Number(values[name])
  return value > 0 ? value : refuse(`--${name} ${values[name]} is no number`)
}

const { keep } = values
const runs = {
  cameras: () => cameras({ cameras: number('cameras'), pictures: number('objects', 58_300), keep }),
  attachments: () =>
    attachments({ attachments: number('objects', 20_000), seconds: 60 * number('minutes'), keep }),
}
const live = ways
  .filter((way) => values.by === undefined || values.by === way)
  .map((way) => () => {
    const sizes = { minutes: number('minutes'), objects: number('objects', 50_000), rate: number('rate') }
    return drill({ way, ...sizes, agents: number('agents'), keep })
  })
if (live.length === 0) refuse(`--by is one of ${ways.join(', ')}`)
const { scenario } = values
if (scenario !== undefined && !Object.hasOwn(runs, scenario)) refuse('--scenario is cameras or attachments')
const chosen: (() => Promise<Checks>)[] =
  scenario === undefined ? live : [runs[scenario as keyof typeof runs]]

let passed = 0
let failed = 0
for (const run of chosen) {
  const checks = await run()
  passed += checks.passed
  failed += checks.failed
}
console.log(`${passed} passed, ${failed} failed`)
console.log(failed === 0 ? 'Nothing was lost.' : 'The drill FAILED: see above.')
process.exit(failed === 0 ? 0 : 1)
