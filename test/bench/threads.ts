/**
 * `node test/bench/threads.ts THREADS OBJECTS BYTES`: OBJECTS of so many bytes from one stub to another, by one agent whose worker threads begin with the pass.
 * Where stores and agent share two cores, wall time says little of what a second core brings. What does: the CPU seconds of the agent's
 * busiest thread, which is what bounds it where the stores are elsewhere, beside those of all of it, which is what sharing costs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { planeClient } from '../../agent/cli/plane-client.ts'
import { startControlPlane } from '../../agent/embed/control-plane.ts'
import { defaultPassOptions, noFilter } from '../../shared/policy.ts'
import { bucket } from '../agent/world.ts'
import { credentialsEnv } from './stores.ts'

const [threads = 1, objects = 100_000, size = 4096] = process.argv.slice(2).map(Number)
const ticksPerSecond = 100
const port = 20_000 + (process.pid % 20_000)

/** CPU seconds of each thread that there is now. */
function cpuByThread(): Map<string, number> {
  const found = new Map<string, number>()
  for (const id of readdirSync('/proc/self/task')) {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    found.set(id, (Number(fields[11]) + Number(fields[12])) / ticksPerSecond)
  }
  return found
}

Object.assign(process.env, credentialsEnv)
const script = join(import.meta.dirname, 'stub-server.ts')
const stubs = [port, port + 1].map((at) =>
  spawn(process.execPath, [script, String(at), String(objects), String(size), '--no-md5'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  }),
)
await Promise.all(stubs.map((stub) => once(stub.stdout, 'data')))
const stateDir = mkdtempSync(join(tmpdir(), 'dray-threads-'))
const plane = await startControlPlane({ stateDir })
const client = planeClient(plane)
const at = (name: string, endpoint: number) => ({ ...bucket(name), endpoint: `http://127.0.0.1:${endpoint}` })
await client.putMigration('threads', {
  source: at('src', port),
  destination: at('dst', port + 1),
  filter: noFilter,
})
let last = new Map<string, number>()
const sampling = setInterval(() => {
  last = new Map([...last, ...cpuByThread()])
}, 100)
const before = { wall: performance.now(), cpu: process.cpuUsage(), threads: cpuByThread() }
const ended = Promise.withResolvers<void>()
const agent = startAgent({
  url: plane.url,
  identity: plane.identity,
  allow: allowAll,
  stateDir,
  version: 'bench',
  concurrency: 512,
  memory: 1024 ** 3,
  threads,
  threadsAtOnce: true,
  env: process.env,
  log({ event }) {
    if (event === 'pass-ended') ended.resolve()
  },
})
const { pass } = await client.startPass('threads', defaultPassOptions)
await ended.promise
const seconds = (performance.now() - before.wall) / 1000
const { user, system } = process.cpuUsage(before.cpu)
clearInterval(sampling)
const busiest = [...last]
  .map(([id, cpu]) => cpu - (before.threads.get(id) ?? 0))
  .sort((a, b) => b - a)
  .slice(0, threads)
const { counts } = await client.pass('threads', pass.number)
const memory = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(
  `${threads} thread${threads === 1 ? '' : 's'}, ${counts.objects.copied} copied: ${seconds.toFixed(2)} s, ` +
    `CPU ${((user + system) / 1e6).toFixed(2)} s, of the busiest threads ${busiest.map((cpu) => cpu.toFixed(2)).join(' and ')} s, ${memory} MiB`,
)
await agent.stop()
await plane.stop()
for (const stub of stubs) stub.kill()
rmSync(stateDir, { recursive: true, force: true })
process.exit()
