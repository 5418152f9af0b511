/**
 * Tells the others what became of a pass and of its migration's life: the fleet, which then assigns or dismisses agents, the catalogue, and the courier. What
 * must be told is in the pass's row (`told`) and in the announcements, so that it is told even if the object dies in between; telling
 * twice does no harm. While a pass runs, the catalogue also gets a summary now and then, which may get lost.
 */
import { reachOfAll } from './core/place.ts'
import type { Env } from './env.ts'
import type { LivePass } from './live-pass.ts'
import type { Definition, MigrationTables } from './migration-tables.ts'
import { passStatus } from './migration-views.ts'
import type { PassRow } from './pass-table.ts'
import { Catalogue } from './store/catalogue.ts'

const summaryMs = 5_000
const firstRetryMs = 2_000
const lastRetryMs = 60_000

export class Teller {
  readonly #env: Env
  readonly #workspace: string
  readonly #id: string
  readonly #tables: MigrationTables
  readonly #failed: () => void
  #telling: Promise<void> | null = null
  #summary: Promise<void> = Promise.resolve()
  #summaryAt = 0
  #failures = 0
  /** When to try again, by alarm; set as long as something is untold. */
  retryAt: number | null

  constructor(
    env: Env,
    { workspace, id }: { readonly workspace: string; readonly id: string },
    tables: MigrationTables,
    failed: () => void,
  ) {
    this.#workspace = workspace
    this.#id = id
    this.#env = env
    this.#tables = tables
    this.#failed = failed
    const isUntold = tables.passes.last()?.told === false || tables.untoldLife() !== null
    this.retryAt = isUntold || tables.announcements.waiting ? 0 : null
  }

  /** To be called after a change of state was stored, and before the alarm is set. */
  tellState(): void {
    this.retryAt = Date.now() + firstRetryMs
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = null
    })
  }

  /** Once nothing is being told. What could not be told is not waited for. */
  async idle(): Promise<void> {
    await this.#telling
    await this.#summary
  }

  /** At most every 5 s. */
  tellSummary(live: LivePass): void {
    const now = Date.now()
    if (this.#telling || now < this.#summaryAt + summaryMs) return
    this.#summaryAt = now
    const { id } = this.#tables.definition()!
    this.#summary = this.#catalogue()
      .saveSummary(id, passStatus(this.#tables, live.pass, live))
      .catch((error) => console.warn('a summary was not saved', error))
  }

  async #tell(): Promise<void> {
    try {
      // The state may have moved on while it was told: then there is more to tell.
      for (;;) {
        const pass = this.#tables.passes.last()
        const life = this.#tables.untoldLife()
        if (pass && !pass.told) {
          await this.#tellOf(pass, this.#tables.definition()!)
          this.#tables.passes.setTold(pass.number, pass.state)
        } else if (life) {
          await Catalogue.of(this.#env, this.#workspace).saveLife(this.#id, life)
          this.#tables.setLifeTold(life)
        } else if (this.#tables.announcements.waiting) await this.#tables.announcements.tell(this.#env)
        else break
      }
      this.#failures = 0
      this.retryAt = null
    } catch (error) {
      console.warn('the fleet, the catalogue or the courier could not be told', error)
      this.#failures++
      this.retryAt = Date.now() + Math.min(lastRetryMs, firstRetryMs * 2 ** this.#failures)
      this.#failed()
    }
  }

  async #tellOf(pass: PassRow, definition: Definition): Promise<void> {
    const fleet = this.#env.FLEET.getByName(definition.workspace)
    if (pass.state === 'running') await fleet.assign(definition.id, reachOfAll(definition))
    else await fleet.dismiss(definition.id)
    await this.#summary
    await this.#catalogue().saveSummary(definition.id, passStatus(this.#tables, pass, null))
  }

  #catalogue(): Catalogue {
    return Catalogue.of(this.#env, this.#tables.definition()!.workspace)
  }
}
