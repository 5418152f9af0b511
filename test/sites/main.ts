/**
 * `npm run test:sites [-- --own]`: three sites, each in network namespaces of its own, with different round trips between them; six agents
 * that have joined; two migrations of different priority. One agent is revoked, one is killed, one is cut off for a minute; at the end
 * everything is equal, and nothing was counted twice (scenario.ts). About three minutes. Needs root, iproute2 and a C compiler;
 * where they are missing it says so, and ends with status 3. The second store is Ceph's gateway where that is installed, unless --own is said.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWan, type Wan, whyNoWan } from '../net/wan.ts'
import type { Ground } from './ground.ts'

/** Round trips (ms) to an ideal core: between two places theirs add up. `west-2` is of the site west too, and is the one that is cut off. */
const places = { north: 30, south: 50, west: 90, 'west-2': 90 }

const why = whyNoWan()
if (why !== null) {
  console.log(`Not run: ${why}. It needs root, network namespaces, iproute2 and a C compiler.`)
  process.exit(3)
}
const dir = mkdtempSync(join(tmpdir(), 'dray-sites-'))
let wan: Wan | null = null
try {
  wan = await openWan(
    Object.fromEntries(Object.entries(places).map(([name, rtt]) => [name, { rtt, rate: 0, loss: 0 }])),
  )
  const ground: Ground = {
    dir,
    own: process.argv.includes('--own'),
    places: Object.fromEntries(
      Object.keys(places).map((name) => [name, { address: wan!.address(name), enter: wan!.at(name, []) }]),
    ),
  }
  // It has to be in the network itself, where the control plane is.
  const program = [process.execPath, join(import.meta.dirname, 'scenario.ts'), JSON.stringify(ground)]
  const scenario = wan.spawn('north', program)
  scenario.stdout!.pipe(process.stdout)
  const [status] = await once(scenario, 'exit')
  process.exitCode = status ?? 1
} finally {
  wan?.close()
  rmSync(dir, { recursive: true, force: true })
}
