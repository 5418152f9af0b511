/**
 * One drill: an application goes on working while its objects are backfilled, followed, cut over, rolled back, and moved again forward. Dray is
 * driven by its API, as an operator would; at each switch both sides are held to the application's journal by the AWS SDK.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { putMigration } from '../../shared/api/migrations.ts'
import { followSchema } from '../../shared/life.ts'
import { noFilter } from '../../shared/policy.ts'
import { rawRequest } from '../support/s3-raw.ts'
import { Checks, spread } from './checks.ts'
import { compare, type Verdict } from './compare.ts'
import { Ground, placeIn, type Store } from './ground.ts'
import { bucket, md5, seedBody } from './journal.ts'
import { Operator } from './operator.ts'
import { lateKeys, Stragglers, spared } from './stragglers.ts'
import { Writer } from './writer.ts'

export const ways = ['events', 'passes', 'mirror'] as const
export type Way = (typeof ways)[number]

export interface DrillOptions {
  way: Way
  /** Of writing, over all of it; the rest comes on top. */
  minutes: number
  objects: number
  /** Requests a second. */
  rate: number
  agents: number
  keep: boolean
}

type Side = 'old' | 'new'
const late = new Set<string>(Object.values(lateKeys))
const migration = 'drill'

export async function drill(options: DrillOptions): Promise<Checks> {
  const checks = new Checks(options.way)
  const ground = new Ground()
  let isWhole = false
  try {
    await new Drill(ground, checks, options).play()
    isWhole = true
  } catch (error) {
    checks.hold('it comes to its end', false, error instanceof Error ? `${error.stack}` : String(error))
  } finally {
    await ground.end(options.keep || !isWhole || checks.failed > 0)
  }
  return checks
}

class Drill {
  readonly #ground: Ground
  readonly #checks: Checks
  readonly #options: DrillOptions
  #stores!: Record<Side, Store>
  #operator!: Operator
  #writer!: Writer
  /** Milliseconds. */
  #frozen: number[] = []
  #lags: number[] = []
  #errors = 0
  /** Failures that nobody has given cause for. */
  #others = 0

  constructor(ground: Ground, checks: Checks, options: DrillOptions) {
    this.#ground = ground
    this.#checks = checks
    this.#options = options
  }

  async play(): Promise<void> {
    await this.#prepare()
    const { minutes } = this.#options
    await this.#backfill()
    await this.#follow('new', 0.4 * minutes)
    const stragglers = await Stragglers.begin(this.#stores.old.at)
    await this.#move('old', 'new', 'cut over')
    await stragglers.arrive()
    await this.#follow('old', 0.3 * minutes)
    await this.#holdConflicts(stragglers)
    await this.#move('new', 'old', 'roll back', stragglers)
    await this.#follow('new', 0.3 * minutes)
    await this.#move('old', 'new', 'cut over again')
    await sleep(2_000)
    await this.#look(['new'], 'at the end')
    this.#checks.hold('nothing failed but what was late', this.#others === 0, this.#others)
    this.#tellFigures()
  }

  async #prepare(): Promise<void> {
    const { way, objects, rate, agents } = this.#options
    const { plane, token } = await this.#ground.plane()
    this.#stores = {
      old: await this.#ground.store('old', { buckets: { [bucket]: objects } }),
      new: await this.#ground.store('new', { buckets: { [bucket]: 0 } }),
    }
    const both = [this.#stores.old, this.#stores.new]
    await this.#ground.connection(plane, 'old', this.#stores.old)
    await this.#ground.connection(plane, 'new', this.#stores.new)
    if (agents > 1) await this.#ground.agent(plane, both)
    const follow = followSchema.parse({
      pauseAtLeast: 1,
      pauseAtMost: way === 'events' ? 20 : 5,
      lag: 60,
      quiet: 2,
      events: way === 'events' ? [{ kind: 'webhook' }] : [],
      baseline: { kind: 'file', path: this.#ground.at('baseline'), site: 'local' },
    })
    await plane.call(putMigration, {
      params: { migration },
      body: {
        source: placeIn('old', bucket),
        destination: placeIn('new', bucket),
        filter: noFilter,
        policy: { delete: true },
        follow,
      },
    })
    if (way === 'events') {
      for (const [side, store] of [
        ['source', this.#stores.old],
        ['destination', this.#stores.new],
      ] as const) {
        const url = new URL(`/api/workspaces/local/migrations/${migration}/changes?side=${side}`, plane.url)
          .href
        store.process.send({ url, token })
      }
    }
    this.#operator = new Operator(plane, migration, this.#checks)
    const mirror =
      way === 'mirror' ? await this.#ground.mirror(bucket, this.#stores.old, this.#stores.new) : null
    const sides = { old: this.#stores.old.at, new: this.#stores.new.at, ...(mirror && { mirror }) }
    this.#writer = new Writer(this.#ground, { sides, rate, seeds: objects, spared })
    this.#checks.tell(`${objects} objects are at the old side; agents: ${agents}; ${rate} requests a second`)
  }

  async #backfill(): Promise<void> {
    this.#use('old')
    const began = performance.now()
    await this.#operator.start()
    await this.#operator.until('all is backfilled', ({ state }) => state === 'following')
    const seconds = (performance.now() - began) / 1_000
    this.#checks.tell(`backfilled under way in ${seconds.toFixed(1)} s; now it follows`)
  }

  /** The application works at one side, and the other one follows. */
  async #follow(behind: Side, minutes: number): Promise<void> {
    // What goes through the mirror is at both sides before it is acknowledged.
    this.#writer.probe(this.#options.way === 'mirror' ? null : behind)
    const end = performance.now() + minutes * 60_000
    while (performance.now() < end) {
      const { lag } = await this.#operator.life()
      if (lag.age !== null) this.#lags.push(lag.age)
      await sleep(500)
    }
    this.#writer.probe(null)
  }

  async #move(left: Side, to: Side, what: string, stragglers?: Stragglers): Promise<void> {
    this.#checks.tell(`${what}: the checklist`)
    await (to === 'new' ? this.#operator.cutOver() : this.#operator.rollBack())
    let since = Number.NaN
    await this.#operator.walk({
      failures: () => this.#decide(),
      freeze: async () => {
        since = performance.now()
        await this.#pause()
        if (this.#options.way === 'mirror') await this.#ground.mirrorDrained()
        await this.#operator.answer('freeze', { do: 'declare' })
      },
      uploads: () =>
        this.#operator.answer('uploads', { do: 'waive', reason: 'a client that is known to be slow' }),
    })
    const { certificate } = await this.#operator.life()
    if (this.#options.way === 'mirror') await this.#ground.askMirror('switch', to)
    await this.#operator.switch()
    const frozen = performance.now() - since
    this.#frozen.push(frozen)
    this.#checks.tell(`${what}: switched; the application stood still for ${(frozen / 1_000).toFixed(1)} s`)
    this.#checks.hold(`${what}: a certificate is there`, certificate !== null, certificate?.root ?? '')
    if (stragglers) {
      const wrong = await this.#holdDecisions(stragglers)
      this.#checks.hold(`${what}: what was late is as the operator has decided`, wrong.length === 0, wrong)
    }
    await this.#look([left, to], what)
    this.#use(to)
  }

  /** Where the application works: all the time the mirror, where there is one. */
  #use(side: Side): void {
    this.#writer.use(this.#options.way === 'mirror' ? 'mirror' : side)
  }

  async #pause() {
    const told = await this.#writer.pause()
    this.#errors = told.errors
    return told
  }

  /** The application stands still for as long as it takes, which is no matter of Dray's. */
  async #look(sides: readonly Side[], when: string): Promise<void> {
    const told = await this.#pause()
    const but = new Set(when === 'roll back' ? [lateKeys.completed] : [])
    for (const side of sides) {
      const verdict = await compare(this.#stores[side].at, told.journal, this.#options.objects, but)
      this.#hold(`${when}: the ${side} side`, verdict)
    }
    this.#checks.hold(`${when}: the application saw no error`, told.errors === 0, told.samples.slice(0, 5))
    this.#checks.tell(`${told.writes} writes and ${told.reads} reads so far`)
    this.#delays = told.delays
  }
  #delays: number[] = []

  #hold(where: string, { objects, read, lost, resurrected, foreign, twice, broken }: Verdict): void {
    const seen = (keys: string[]) => (keys.length === 0 ? '' : { count: keys.length, keys: keys.slice(0, 5) })
    this.#checks.hold(
      `${where} has every acknowledged write`,
      lost.length === 0,
      seen(lost) || `${objects} objects`,
    )
    this.#checks.hold(`${where} has nothing that was deleted`, resurrected.length === 0, seen(resurrected))
    this.#checks.hold(
      `${where} has nothing twice, and nothing that nobody wrote`,
      twice.length + foreign.length === 0,
      seen([...twice, ...foreign]),
    )
    this.#checks.hold(
      `${where} holds what it lists`,
      broken.length === 0,
      seen(broken) || `${read} bodies were read`,
    )
  }

  /** Late writes at the side that was left are conflicts, and stay as they are. */
  async #holdConflicts(stragglers: Stragglers): Promise<void> {
    const end = performance.now() + 120_000
    let open: string[] = []
    // A pass that has just begun knows of none yet.
    while (performance.now() < end && open.join() !== [...late].sort().join()) {
      open = (await this.#operator.open())
        .map(({ key, code }) => (code === 'conflict' ? key : `${code} ${key}`))
        .sort()
      await sleep(200)
    }
    this.#checks.hold(
      'each late write is a conflict, and nothing else failed',
      open.join() === [...late].sort().join(),
      open,
    )
    const missing = await stragglers.missing()
    this.#checks.hold('each late write is where it arrived, as it arrived', missing.length === 0, missing)
  }

  /** One was right, and goes to the other side too; one was wrong, and is taken back; one is left for later. */
  async #decide(): Promise<void> {
    const others = (await this.#operator.open()).filter(({ key }) => !late.has(key))
    this.#others += others.length
    for (const { key, code, message } of others.slice(0, 3))
      this.#checks.tell(`  also open: ${code}: ${key}: ${message}`)
    const { old, new: other } = this.#stores
    const path = (key: string) => `/${bucket}/${key}`
    const made = await rawRequest(old.at, 'GET', path(lateKeys.made))
    await rawRequest(other.at, 'PUT', path(lateKeys.made), { body: made.body })
    await rawRequest(old.at, 'PUT', path(lateKeys.over), { body: seedBody(lateKeys.over) })
    this.#writer.note(lateKeys.made, [md5(made.body)])
    const waived = await this.#operator.waive([lateKeys.completed], 'it is looked at later')
    this.#checks.tell(`  the operator has decided about what was late; waived ${waived}`)
    await this.#operator.answer('failures', { do: 'retry' })
  }

  async #holdDecisions(stragglers: Stragglers): Promise<string[]> {
    const missing = await stragglers.missing()
    const completed = await rawRequest(this.#stores.old.at, 'HEAD', `/${bucket}/${lateKeys.completed}`)
    // From here on it is an object of the old side like any other, and goes along when it is next moved forward.
    const etag = completed.headers.etag!.replaceAll('"', '')
    this.#writer.note(lateKeys.completed, [etag, md5(stragglers.bodies.completed)])
    return missing.filter((key) => key !== lateKeys.over)
  }

  #tellFigures(): void {
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`
    this.#checks.tell(`lag while following, as Dray tells it: ${spread(this.#lags, seconds)}`)
    this.#checks.tell(
      `from an acknowledged write until it was at the other side: ${spread(this.#delays, seconds)}`,
    )
    this.#checks.tell(
      `the application stood still at the switches for ${this.#frozen.map(seconds).join(', ')}`,
    )
    this.#checks.tell(`errors that it saw: ${this.#errors}`)
  }
}
