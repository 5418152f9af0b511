/** The application (application.ts) in its process, as the drill tells it what to do. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Application, Order, Told } from './application.ts'
import type { Ground } from './ground.ts'
import type { Journal, Values } from './journal.ts'

export class Writer {
  readonly #process: ChildProcess
  readonly #journal: string

  constructor(ground: Ground, options: Omit<Application, 'journal'>) {
    this.#journal = ground.at('journal.json')
    const whole: Application = { ...options, journal: this.#journal }
    this.#process = ground.start('application', join(import.meta.dirname, 'application.ts'), [
      JSON.stringify(whole),
    ])
  }

  use = (side: string) => this.#order({ do: 'use', side })
  probe = (side: string | null) => this.#order({ do: 'probe', side })
  note = (key: string, values: Values) => this.#order({ do: 'note', key, values })

  /** All that it has begun is done, and nothing more is. */
  async pause(): Promise<Told & { journal: Journal }> {
    const answer = once(this.#process, 'message') as Promise<[Told]>
    this.#order({ do: 'pause' })
    const [told] = await answer
    return { ...told, journal: new Map(JSON.parse(readFileSync(this.#journal, 'utf8'))) }
  }

  #order(order: Order): void {
    this.#process.send(order)
  }
}
