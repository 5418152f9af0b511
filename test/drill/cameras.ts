/**
 * Pictures of a fleet of cameras: one bucket a camera, all moved at once, in both directions, with a way back. The sync that this is measured
 * by held every listing in one report, and its pages died: here every page is asked for, again and again, while it goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlaneClient } from '../../agent/cli/plane-client.ts'
import { listCauses, listFailures } from '../../shared/api/failures.ts'
import { listMigrations, listPackets, putMigration, readPass } from '../../shared/api/migrations.ts'
import { downloadReport, listPasses } from '../../shared/api/passes.ts'
import type { Route } from '../../shared/api/route.ts'
import { readStrip } from '../../shared/api/watch.ts'
import { followSchema } from '../../shared/life.ts'
import { noFilter } from '../../shared/policy.ts'
import { type RawStore, rawRequest } from '../support/s3-raw.ts'
import { Checks, spread } from './checks.ts'
import { clientOf, listed } from './compare.ts'
import { Ground, placeIn, type Store } from './ground.ts'
import { Operator } from './operator.ts'

export interface CamerasOptions {
  /** Cameras, and pictures of each. */
  cameras: number
  pictures: number
  keep: boolean
}

/** Bytes, of a picture and of what is told of a migration. */
const pictureSize = 200
const mostTold = 4_096

export async function cameras(options: CamerasOptions): Promise<Checks> {
  const checks = new Checks('cameras')
  const ground = new Ground()
  let isWhole = false
  try {
    await play(ground, checks, options)
    isWhole = true
  } catch (error) {
    checks.hold('it comes to its end', false, error instanceof Error ? `${error.stack}` : String(error))
  } finally {
    await ground.end(options.keep || !isWhole || checks.failed > 0)
  }
  return checks
}

async function play(ground: Ground, checks: Checks, { cameras, pictures }: CamerasOptions): Promise<void> {
  const names = Array.from({ length: cameras }, (_, i) => `camera-${i + 1}`)
  const of = <T>(value: T): Record<string, T> => Object.fromEntries(names.map((name) => [name, value]))
  const { plane } = await ground.plane()
  const site = await ground.store('site', { buckets: {}, fills: of({ count: pictures, size: pictureSize }) })
  const archive = await ground.store('archive', { buckets: of(0) })
  await ground.connection(plane, 'site', site)
  await ground.connection(plane, 'archive', archive)
  const follow = followSchema.parse({ pauseAtLeast: 1, pauseAtMost: 5, lag: 3_600, quiet: 1 })
  for (const name of names) {
    const body = { source: placeIn('site', name), destination: placeIn('archive', name), filter: noFilter }
    await plane.call(putMigration, {
      params: { migration: name },
      body: { ...body, policy: { delete: true }, follow },
    })
  }
  const operators = names.map((name) => new Operator(plane, name, new Checks(name)))
  const pages = new Pages(plane, names)
  const equal = async (what: string) => {
    const wrong = await Promise.all(names.map((name) => differing(site.at, archive.at, name)))
    checks.hold(
      `${what}: both sides of each camera are equal`,
      wrong.flat().length === 0,
      wrong.flat().slice(0, 5),
    )
  }

  const began = performance.now()
  const total = cameras * pictures
  await Promise.all(operators.map((operator) => operator.start()))
  await pages.during(() =>
    Promise.all(
      operators.map((operator) => operator.until('it follows', ({ state }) => state === 'following')),
    ),
  )
  const took = (performance.now() - began) / 1_000
  checks.tell(
    `${total} pictures of ${cameras} cameras moved in ${took.toFixed(1)} s, ${(total / took).toFixed(0)} a second`,
  )
  await equal('backfilled')
  for (const name of names) {
    const lines = await reportLines(plane, name, 1)
    checks.hold(`the report of ${name} names every picture once`, lines === pictures, `${lines} lines`)
  }

  await pages.during(async () => {
    await Promise.all(names.map((name) => change(site, name, 'before')))
    await Promise.all(operators.map((operator) => over(operator, 'forward')))
    await equal('cut over')
    await Promise.all(names.map((name) => change(archive, name, 'after')))
    await Promise.all(operators.map((operator) => over(operator, 'back')))
  })
  await equal('rolled back')
  checks.hold('every page answered, throughout', pages.failures.length === 0, pages.failures.slice(0, 3))
  checks.hold(
    `what is told of a migration is under ${mostTold} bytes`,
    pages.largest < mostTold,
    `${pages.largest} at most`,
  )
  for (const [page, times] of pages.times)
    checks.tell(`${page}: ${spread(times, (ms) => `${ms.toFixed(0)} ms`)}`)
}

/** To the other side, by the checklist. */
async function over(operator: Operator, way: 'forward' | 'back'): Promise<void> {
  await (way === 'forward' ? operator.cutOver() : operator.rollBack())
  await operator.walk({ freeze: () => operator.answer('freeze', { do: 'declare' }) })
  await operator.switch()
}

/** Some new pictures, some others in their place, and some gone. */
async function change({ at }: Store, name: string, when: string): Promise<void> {
  const key = (i: number) => `${name}/${String(i).padStart(7, '0')}.jpg`
  for (let i = 0; i < 50; i++) {
    await rawRequest(at, 'PUT', `/${name}/${name}/${when}-${i}.jpg`, { body: `${when} ${i} of ${name}` })
    await rawRequest(at, 'PUT', `/${name}/${key(i)}`, { body: `${when} ${i} over ${name}` })
    await rawRequest(at, 'DELETE', `/${name}/${key(when === 'before' ? 100 + i : 200 + i)}`)
  }
}

/** Keys that are not the same at both, by the AWS SDK. */
async function differing(a: RawStore, b: RawStore, bucket: string): Promise<string[]> {
  const [one, other] = await Promise.all(
    [a, b].map(async (at) => {
      const found = new Map<string, string>()
      for await (const [key, etag] of listed(clientOf(at), bucket)) found.set(key, etag)
      return found
    }),
  )
  const wrong = [...one!].filter(([key, etag]) => other!.get(key) !== etag).map(([key]) => key)
  return [...wrong, ...[...other!.keys()].filter((key) => !one!.has(key))].map((key) => `${bucket}: ${key}`)
}

async function reportLines(plane: PlaneClient, migration: string, pass: number): Promise<number> {
  const body = await plane.stream(downloadReport, { params: { migration, pass, format: 'ndjson' } })
  let lines = 0
  for await (const chunk of body) for (const byte of chunk) if (byte === 10) lines++
  return lines
}

/** Every page that somebody may look at. */
class Pages {
  readonly times = new Map<string, number[]>()
  readonly failures: string[] = []
  /** Bytes, of what is told of one migration or one pass. */
  largest = 0
  readonly #plane: PlaneClient
  readonly #names: readonly string[]

  constructor(plane: PlaneClient, names: readonly string[]) {
    this.#plane = plane
    this.#names = names
  }

  /** Looks at them all, one after the other, until it is done. */
  async during(work: () => Promise<unknown>): Promise<void> {
    let isDone = false
    const working = work().finally(() => {
      isDone = true
    })
    while (!isDone) {
      await this.#look()
      await sleep(100)
    }
    await working
  }

  async #look(): Promise<void> {
    await this.#time('the list', listMigrations, {})
    for (const migration of this.#names) {
      const params = { migration }
      const life = await new Operator(this.#plane, migration, new Checks('')).life().catch(() => null)
      if (life) this.largest = Math.max(this.largest, JSON.stringify({ ...life, history: [] }).length)
      const pass = life?.pass
      if (!pass) continue
      const status = await this.#time('a pass', readPass, { params: { ...params, pass } })
      this.largest = Math.max(this.largest, JSON.stringify(status ?? '').length)
      await this.#time('its history', listPasses, { params })
      await this.#time('its key space', readStrip, { params })
      await this.#time('its packets', listPackets, { params })
      await this.#time('its failures', listFailures, { params: { ...params, pass } })
      await this.#time('their causes', listCauses, { params: { ...params, pass } })
    }
  }

  async #time<R extends Route>(page: string, contract: R, input: object): Promise<unknown> {
    const began = performance.now()
    try {
      const answer = await this.#plane.call(contract, input as never)
      const times = this.times.get(page) ?? []
      times.push(performance.now() - began)
      this.times.set(page, times)
      return answer
    } catch (error) {
      this.failures.push(`${page}: ${error}`)
      return null
    }
  }
}
