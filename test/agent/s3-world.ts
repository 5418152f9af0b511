/** A world of agents (world.ts) between two buckets, of one S3 server of this repository or of two. */
import { afterAll, vi } from 'vitest'
import type { Content } from '../../agent/s3-server/contents.ts'
import { type S3Server, type S3ServerOptions, startS3Server } from '../../agent/s3-server/s3-server.ts'
import { openStorage } from '../../agent/storage/open.ts'
import type { PassStatus } from '../../shared/api/migrations.ts'
import type { Location, S3Location } from '../../shared/location.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { Plane } from '../support/plane.ts'
import { bucket, openWorld, type TestAgent, type World, type WorldOptions } from './world.ts'

export interface S3World {
  readonly world: World
  readonly a: S3Server
  /** The same as `a` where both are one store. */
  readonly b: S3Server
  readonly agent: TestAgent
  /** One more agent. */
  join(more?: Parameters<World['agent']>[0]): Promise<TestAgent>
  /** The bucket of the baseline. */
  readonly memory: string
  readonly from: string
  readonly to: string
  /** Runs one pass to its end, and gives what it counted and which requests it made for objects. */
  pass(options?: Partial<PassOptions>): Promise<PassStatus & { asked: Record<string, number> }>
  object(key: string): Content | null
}

const credentials = { AKIDTEST: 'secret of the test' }
const opened: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(opened.splice(0).map((close) => close()))
  vi.unstubAllEnvs()
})

/** What is asked for a pass or a range, and not for an object. */
const perPass = new Set(['ListObjectsV2', 'ListMultipartUploads'])
let count = 0

export async function openS3World(
  plane: Plane,
  options: {
    a?: Partial<S3ServerOptions>
    b?: Partial<S3ServerOptions> | 'a'
    more?: Pick<WorldOptions, 'mapping' | 'filter'>
    /** A directory in place of the bucket of either side. */
    files?: { source?: string; destination?: string }
    /** Keeps the baseline in a bucket of its own, of `a`. */
    baseline?: boolean
  } = {},
): Promise<S3World> {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTEST')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.AKIDTEST)
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  const a = await startS3Server({ credentials, ...options.a })
  const b = options.b === 'a' ? a : await startS3Server({ credentials, ...options.b })
  const n = ++count
  const [from, to] = [`from-${n}`, `to-${n}`]
  a.createBucket(from)
  b.createBucket(to)
  const at = (name: string, server: S3Server): S3Location => ({ ...bucket(name), endpoint: server.url.href })
  const directory = (path: string): Location => ({ kind: 'file', path, site: 'here' })
  const { source, destination } = options.files ?? {}
  const locations = {
    source: source === undefined ? at(from, a) : directory(source),
    destination: destination === undefined ? at(to, b) : directory(destination),
  }
  const memory = `baseline-${n}`
  if (options.baseline) a.createBucket(memory)
  const kept = options.baseline ? { baseline: at(memory, a) } : {}
  const world = await openWorld(plane, { locations, ...options.more, ...kept })
  const join: S3World['join'] = (more) =>
    world.agent({ openStorage: (location, options) => openStorage(location, options), ...more })
  const agent = await join()
  opened.push(async () => {
    await world.close()
    await Promise.all([a.stop(), b.stop()])
  })
  return {
    world,
    a,
    b,
    agent,
    join,
    memory,
    from,
    to,
    async pass(given) {
      a.requests.reset()
      b.requests.reset()
      const status = await world.pass(agent, given)
      const asked: Record<string, number> = {}
      for (const server of new Set([a, b]))
        for (const [name, n] of Object.entries(server.requests.byOperation()))
          if (!perPass.has(name)) asked[name] = (asked[name] ?? 0) + n
      return { ...status, asked }
    },
    object: (key) => b.object(to, key),
  }
}
