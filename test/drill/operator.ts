/** What an operator does, by the API alone. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlaneClient } from '../../agent/cli/plane-client.ts'
import { type Failure, listFailures, waiveFailures } from '../../shared/api/failures.ts'
import { cutOver, doStep, readLife, rollBack, startLife, switchOver } from '../../shared/api/life.ts'
import type { Check, CutOverStep, LifeView } from '../../shared/life.ts'
import type { Checks } from './checks.ts'

export class Operator {
  readonly #plane: PlaneClient
  readonly #checks: Checks
  readonly params: { migration: string }

  constructor(plane: PlaneClient, migration: string, checks: Checks) {
    this.#plane = plane
    this.#checks = checks
    this.params = { migration }
  }

  life(): Promise<LifeView> {
    return this.#plane.call(readLife, { params: this.params })
  }

  start = () => this.#plane.call(startLife, { params: this.params })
  switch = () => this.#plane.call(switchOver, { params: this.params })
  cutOver = () => this.#plane.call(cutOver, { params: this.params })
  rollBack = () => this.#plane.call(rollBack, { params: this.params })

  answer(
    step: CutOverStep,
    body: { do: 'declare' | 'retry' } | { do: 'waive'; reason: string },
  ): Promise<LifeView> {
    return this.#plane.call(doStep, { params: { ...this.params, step }, body })
  }

  /** Looks until it is so. Throws after so many minutes, which is a failure of the machine and not of its speed. */
  async until(what: string, holds: (life: LifeView) => boolean, minutes = 15): Promise<LifeView> {
    const end = performance.now() + minutes * 60_000
    for (;;) {
      const life = await this.life()
      if (holds(life)) return life
      if (performance.now() > end)
        throw new Error(`after ${minutes} minutes: ${what}: ${JSON.stringify(life)}`)
      await sleep(200)
    }
  }

  /** Works through the checklist until it is ready: `answers` says what is done about a step that asks, again and again as long as it does. */
  async walk(answers: Partial<Record<CutOverStep, (check: Check) => Promise<unknown>>>): Promise<LifeView> {
    const told = new Map<CutOverStep, string>()
    for (;;) {
      let asking: Check | undefined
      const life = await this.until('something of the checklist changes', ({ state, checks }) => {
        asking = checks.find((check) => check.state === 'asks' && check.step in answers)
        const news = checks.filter(
          (check) => check.state !== 'waiting' && told.get(check.step) !== newsOf(check),
        )
        for (const check of news) {
          told.set(check.step, newsOf(check))
          this.#checks.tell(`  ${check.step.padEnd(12)} ${newsOf(check)}`)
        }
        return news.length > 0 || asking !== undefined || state === 'ready'
      })
      if (life.state === 'ready') return life
      if (!asking) continue
      await answers[asking.step]?.(asking)
      // What it led to is seen in a moment.
      await sleep(500)
    }
  }

  /** What is open of the last pass, at most 1,000. */
  async open(): Promise<Failure[]> {
    const { pass } = await this.life()
    const params = { ...this.params, pass: pass! }
    return (await this.#plane.call(listFailures, { params, query: { state: 'open', limit: 1_000 } })).failures
  }

  /** Waives each open failure of the last pass by its name. */
  async waive(keys: readonly string[], reason: string): Promise<string[]> {
    const { pass } = await this.life()
    const params = { ...this.params, pass: pass! }
    const { failures } = await this.#plane.call(listFailures, {
      params,
      query: { state: 'open', limit: 1_000 },
    })
    const open = failures.filter(({ key }) => keys.includes(key))
    if (open.length > 0)
      await this.#plane.call(waiveFailures, { params, body: { ids: open.map(({ id }) => id), reason } })
    return open.map(({ key }) => key)
  }
}

const newsOf = ({ state, message }: Check): string => `${state}: ${message}`
