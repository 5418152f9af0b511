/**
 * `npm run drill [-- --minutes N] [--by events|passes|mirror] [--objects N] [--rate N] [--agents 1] [--keep]`: the live drill (drill.ts), each way by
 * itself unless one is named. Exit status 0 when nothing was lost; the last line says so. docs/drill.md says what it does.
 */
import { parseArgs } from 'node:util'
import { drill, ways } from './drill.ts'

const { values } = parseArgs({
  options: {
    by: { type: 'string' },
    minutes: { type: 'string', default: '2' },
    objects: { type: 'string', default: '50000' },
    rate: { type: 'string', default: '100' },
    agents: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
  },
})
const number = (name: 'minutes' | 'objects' | 'rate') => {
  const value = Number(values[name])
  if (value > 0) return value
  console.error(`--${name} ${values[name]} is no number`)
  process.exit(2)
}
const chosen = ways.filter((way) => values.by === undefined || values.by === way)
if (chosen.length === 0) {
  console.error(`--by is one of ${ways.join(', ')}`)
  process.exit(2)
}
const options = {
  minutes: number('minutes'),
  objects: number('objects'),
  rate: number('rate'),
  agents: values.agents === '1' ? (1 as const) : (2 as const),
  keep: values.keep,
}
let passed = 0
let failed = 0
for (const way of chosen) {
  const checks = await drill({ way, ...options })
  passed += checks.passed
  failed += checks.failed
}
console.log(`${passed} passed, ${failed} failed`)
console.log(failed === 0 ? 'Nothing was lost.' : 'The drill FAILED: see above.')
process.exit(failed === 0 ? 0 : 1)
