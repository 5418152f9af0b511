/**
 * What an agent tells of itself and its surroundings: with hello, and again when something has changed that people would want to know. The
 * agent of an embedded control plane looks for nothing: whoever started it is there.
 */
import { statfsSync } from 'node:fs'
import { availableParallelism, hostname, loadavg, totalmem } from 'node:os'
import type { Location } from '../shared/location.ts'
import type { Facts } from '../shared/protocol.ts'
import type { AllowList } from './allow/allow-list.ts'

export interface FactsOptions {
  readonly version: string
  readonly stateDir: string
  readonly allow: AllowList
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds that it puts its clock forward by. */
  clockMs(): number
  /** They are worth telling again. */
  changed(): void
}

export interface OwnFacts {
  now(): Facts
  /** It is to work there: one more endpoint to look at. */
  note(location: Location): void
  close(): void
}

/** Between two looks, in ms. */
const lookEvery = 60_000
/** What one message holds. */
const mostEndpoints = 100

export function openFacts(options: FactsOptions): OwnFacts {
  const { version, stateDir, allow, env } = options
  const isOwn = allow.file === null
  const endpoints = new Set(
    allow.entries.flatMap((entry) => (entry.kind === 's3' ? (endpointOf(entry, env) ?? []) : [])),
  )
  let reach: Facts['reach'] = []
  let told = ''
  let isLooking = false

  const now = (): Facts => ({
    version,
    host: hostname(),
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memory: Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY),
    health: { load: loadavg()[0]!, stateFree: freeIn(stateDir) },
    clockMs: options.clockMs(),
    reach,
  })

  async function look(): Promise<void> {
    if (isLooking) return
    isLooking = true
    const { probe } = await import('./reach.ts')
    // More may be named meanwhile.
    do {
      const some = [...endpoints].slice(0, mostEndpoints)
      reach = await Promise.all(some.map((endpoint) => probe(endpoint, env)))
    } while (reach.length < Math.min(endpoints.size, mostEndpoints))
    isLooking = false
    const rough = roughly(now())
    if (rough !== told) options.changed()
    told = rough
  }

  const timer = isOwn ? null : setInterval(() => void look(), lookEvery).unref()
  if (!isOwn) void look()
  return {
    now,
    note(location) {
      const endpoint = location.kind === 's3' ? endpointOf(location, env) : null
      if (isOwn || endpoint === null || endpoints.has(endpoint)) return
      endpoints.add(endpoint)
      void look()
    },
    close: () => clearInterval(timer ?? undefined),
  }
}

/** Without what changes all the time and tells nobody anything. */
function roughly({ reach, health: { load, stateFree } }: Facts): string {
  const size = (value: number) => Math.round(Math.log2(value + 1))
  return JSON.stringify([
    reach.map(({ endpoint, ms, error }) => [endpoint, ms === null ? error : size(ms)]),
    size(load),
    stateFree && size(stateFree),
  ])
}

/** Null for AWS in a region that only the location knows. */
function endpointOf({ endpoint }: { endpoint: string | null }, env: NodeJS.ProcessEnv): string | null {
  if (endpoint !== null) return new URL(endpoint).origin
  const region = env.AWS_REGION ?? env.AWS_DEFAULT_REGION
  return region ? `https://s3.${region}.amazonaws.com` : null
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
