/** What an agent tells of itself and its surroundings. */
import { statfsSync } from 'node:fs'
import { availableParallelism, hostname, loadavg, totalmem } from 'node:os'
import type { Facts } from '../shared/protocol.ts'

export function factsOf({ version, stateDir }: { version: string; stateDir: string }): Facts {
  return {
    version,
    host: hostname(),
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memory: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
    health: { load: loadavg()[0]!, stateFree: freeIn(stateDir) },
    reach: [],
  }
}

/** Bytes; null where nobody can tell. */
function freeIn(directory: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return null
  }
}
