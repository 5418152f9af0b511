/** Agents against a control plane on a real workerd, with storages in memory that stand behind two bucket names. */
import { EventEmitter } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, type AgentOptions, startAgent } from '../../agent/agent.ts'
import { allowAll } from '../../agent/allow/allow-list.ts'
import { leastBudget } from '../../agent/core/budget.ts'
import { type MemoryStorage, memoryStorage } from '../../agent/storage/memory.ts'
import type { Storage } from '../../agent/storage/storage.ts'
import type { MigrationView, PassStatus, ReportLine } from '../../shared/api/migrations.ts'
import { defaultFollow } from '../../shared/life.ts'
import type { Location, S3Location } from '../../shared/location.ts'
import type { Mapping } from '../../shared/mapping.ts'
import { defaultPassOptions, type Filter, noFilter, type PassOptions } from '../../shared/policy.ts'
import type { Plane } from '../support/plane.ts'

export type LogEvent = Parameters<AgentOptions['log']>[0]

export const bucket = (name: string): S3Location => ({
  kind: 's3',
  bucket: name,
  prefix: '',
  endpoint: null,
  region: null,
  profile: null,
  site: null,
})

export interface TestAgent extends Agent {
  readonly stateDir: string
  readonly events: LogEvent[]
  /** The next event of that name from now on. */
  next(event: string): Promise<LogEvent>
}

export interface World {
  readonly migration: string
  readonly source: MemoryStorage
  readonly destination: MemoryStorage
  /** `id` and `site`: who it is, `agent-1`, `agent-2`, … at `here` unless told. */
  agent(options?: Partial<AgentOptions> & { id?: string; site?: string }): Promise<TestAgent>
  /** Begins a pass. */
  start(options?: Partial<PassOptions>): Promise<PassStatus>
  /** Begins a pass and waits until `agent` hears that it has ended. */
  pass(agent: TestAgent, options?: Partial<PassOptions>): Promise<PassStatus>
  status(pass: number): Promise<PassStatus>
  report(pass: number): Promise<ReportLine[]>
  close(): Promise<void>
}

export interface WorldOptions {
  source?: Storage
  destination?: Storage
  locations?: { source: Location; destination: Location }
  filter?: Partial<Filter>
  mapping?: Mapping
  /** Where every agent keeps its baseline. */
  baseline?: Location
}

let worlds = 0
/** The agent of a name that was started last: two of one name at a time supersede one another, in any order. */
const last = new Map<string, Agent>()

export async function openWorld(plane: Plane, options: WorldOptions = {}): Promise<World> {
  const migration = `m-${++worlds}-${process.pid}`
  const source = (options.source ?? memoryStorage()) as MemoryStorage
  const destination = (options.destination ?? memoryStorage()) as MemoryStorage
  const stateDirs: string[] = []
  const agents: TestAgent[] = []

  async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, json } = await plane.api(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`)
    return json as T
  }

  const path = `/api/workspaces/local/migrations/${migration}`
  await api('PUT', path, {
    ...(options.locations ?? { source: bucket('source'), destination: bucket('destination') }),
    filter: { ...noFilter, ...options.filter },
    ...(options.mapping && { mapping: options.mapping }),
    ...(options.baseline && { follow: { ...defaultFollow, baseline: options.baseline } }),
  })

  /** As the life of a migration does it: nobody else may. */
  async function startBack(pass: PassOptions): Promise<PassStatus> {
    const { id, source, destination, filter, mapping, follow } = await api<MigrationView>('GET', path)
    const definition = {
      id,
      workspace: plane.workspace,
      source,
      destination,
      filter,
      ...(mapping && { mapping }),
    }
    const { baseline } = follow
    const namespace = await plane.miniflare.getDurableObjectNamespace('MIGRATION')
    const object = namespace.get(namespace.idFromName(`${plane.workspace}/${id}`)) as unknown as {
      startPass(definition: object, options: PassOptions): Promise<{ pass: PassStatus }>
    }
    return (await object.startPass({ ...definition, ...(baseline && { baseline }) }, pass)).pass
  }

  const world: World = {
    migration,
    source,
    destination,
    async agent({ id: name, site = 'here', ...more } = {}) {
      const id = name ?? `agent-${agents.length + 1}`
      const stateDir = await mkdtemp(join(tmpdir(), 'dray-agent-'))
      stateDirs.push(stateDir)
      const emitter = new EventEmitter()
      const events: LogEvent[] = []
      if (name === undefined) await last.get(id)?.stop()
      const agent: Agent = startAgent({
        url: plane.url,
        allow: allowAll,
        identity: more.identity ?? (await plane.identity(id, site)),
        stateDir,
        version: 'test',
        concurrency: 8,
        memory: leastBudget,
        openStorage: async (location) =>
          location.kind === 's3' && location.bucket === 'source' ? source : destination,
        log(event) {
          if (event.migration !== undefined && event.migration !== migration) return
          events.push(event)
          emitter.emit(event.event, event)
        },
        ...more,
      })
      last.set(id, agent)
      const mine: TestAgent = {
        stateDir: more.stateDir ?? stateDir,
        drain: agent.drain,
        stop: agent.stop,
        closed: agent.closed,
        events,
        next: (event) => new Promise((resolve) => emitter.once(event, resolve)),
      }
      agents.push(mine)
      return mine
    },
    async start(given = {}) {
      if (given.direction === 'back') return startBack({ ...defaultPassOptions, ...given })
      const started = await api<{ pass: PassStatus }>(
        'POST',
        `/api/workspaces/local/migrations/${migration}/passes`,
        {
          ...defaultPassOptions,
          ...given,
        },
      )
      return started.pass
    },
    async pass(agent, given = {}) {
      const ended = agent.next('pass-ended')
      const { number } = await world.start(given)
      await ended
      return world.status(number)
    },
    status: (pass) => api<PassStatus>('GET', `/api/workspaces/local/migrations/${migration}/passes/${pass}`),
    async report(pass) {
      const response = await fetch(
        new URL(`/api/workspaces/local/migrations/${migration}/passes/${pass}/report/ndjson`, plane.url),
        {
          headers: { authorization: `Bearer ${plane.token}` },
        },
      )
      const text = await response.text()
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line))
    },
    async close() {
      await Promise.all(agents.map((agent) => agent.stop()))
      await Promise.all(stateDirs.map((dir) => rm(dir, { recursive: true, force: true })))
    },
  }
  return world
}

/** `name-0000`, `name-0001`, …: each with its own small body. */
export function many(count: number, name = 'object'): [string, string][] {
  return Array.from({ length: count }, (_, i) => {
    const key = `${name}-${String(i).padStart(4, '0')}`
    return [key, `body of ${key}`]
  })
}

export const contentOf = (storage: MemoryStorage) =>
  [...storage.objects].map(([key, { body }]) => [key, Buffer.from(body).toString()] as const).sort()
