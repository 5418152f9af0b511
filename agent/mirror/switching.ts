/** The roles of the two sides change: all is made equal, writes are held back for a moment, and from then on the other side is the side of record. */
import { DrayError } from '../../shared/error.ts'
import type { Key } from '../../shared/key.ts'
import type { Repair } from './repair.ts'
import type { SideName } from './side.ts'
import type { World } from './world.ts'

/** Longest that repairs are waited for (ms). */
const longestRepair = 120_000
const atOnce = 16
const page = 1_000

export class Switching {
  readonly #world: World
  readonly #repair: Repair

  constructor(world: World, repair: Repair) {
    this.#world = world
    this.#repair = repair
  }

  /** Throws `busy`, and changes nothing, where the sides do not come to be equal. */
  async to(record: SideName): Promise<void> {
    const { roles, journal, uploads } = this.#world
    if (roles.record.name === record) return
    await this.#settled()
    if (record === 'new') await this.#sweep()
    await this.#settled()
    await roles.alone(async () => {
      await journal.flushed()
      const { dirty, open } = journal.figures
      if (dirty + open > 0) throw notEqual(dirty)
      const { lame } = uploads.figures
      if (lame > 0)
        throw new DrayError(
          'busy',
          'switch',
          `${lame} multipart uploads are open that only one side has all of`,
          {
            retry: 'later',
            hint: 'Wait until the application has completed or aborted them, and switch again.',
          },
        )
      await roles.become(record)
    })
    // Nothing falls back any more.
    if (record === 'new') await journal.forgetTombstones()
  }

  async #settled(): Promise<void> {
    if (this.#world.journal.figures.dirty === 0) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(notEqual(this.#world.journal.figures.dirty)), longestRepair)
    })
    try {
      await Promise.race([this.#repair.settled(), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** What was deleted, and a late copy brought back to the new side, is deleted there: nobody would look behind it any more. */
  async #sweep(): Promise<void> {
    const { journal, old, new: fresh, signal } = this.#world
    for (let after: Key | null = null; ; ) {
      const keys: Key[] = journal.tombstones(after, page)
      if (keys.length === 0) return
      for (let at = 0; at < keys.length; at += atOnce) {
        await Promise.all(
          keys.slice(at, at + atOnce).map(async (key) => {
            if ((await fresh.storage.head(key, signal)) === null) return
            if ((await old.storage.head(key, signal)) === null) await journal.soil(key)
          }),
        )
      }
      after = keys.at(-1)!
    }
  }
}

const notEqual = (dirty: number) =>
  new DrayError(
    'busy',
    'switch',
    `the two sides may differ in ${dirty} keys, and could not be made equal yet`,
    {
      retry: 'later',
      hint: 'dray mirror status says why; writes that broke off are looked at again for a minute. Then switch again.',
    },
  )
