/**
 * Which side is the side of record, and where reads go.
 *
 *   record  reads   of one key                                                    listings
 *   old     old     old                                                           old
 *   old     new     new, then old; old alone where the sides may differ in it     both, merged
 *   new     –       new                                                           new
 *
 * After the cut-over nothing falls back: all is at the new side, and what only the old one has was deleted.
 *
 * The roles change between two writes: those under way end first, and those that come meanwhile wait.
 */
import { DrayError } from '../../shared/error.ts'
import type { Journal } from './journal.ts'
import type { Side, SideName } from './side.ts'

/** Longest that writes are held back for a switch (ms). */
const longestHold = 20_000

export class Roles {
  readonly #sides: Record<SideName, Side>
  readonly #journal: Journal
  #record: SideName
  /** Why reads stay on the old side while it is the side of record; null where they do not. */
  #stay: string | null
  #isUnlike: boolean
  #inside = 0
  #held: (() => void)[] | null = null
  #left: (() => void) | null = null

  constructor(sides: Record<SideName, Side>, journal: Journal, stay: string | null) {
    this.#sides = sides
    this.#journal = journal
    this.#record = journal.fact('record') === 'new' ? 'new' : 'old'
    const unlike = journal.fact('unlike')
    this.#isUnlike = unlike !== null
    this.#stay = stay ?? unlike
  }

  get record(): Side {
    return this.#sides[this.#record]
  }

  get follower(): Side {
    return this.#sides[this.#record === 'old' ? 'new' : 'old']
  }

  /** Whether what the old side has is looked for behind the new one. */
  get fallsBack(): boolean {
    return this.#record === 'old' && this.#stay === null
  }

  get reads(): SideName {
    return this.#record === 'new' || this.#stay === null ? 'new' : 'old'
  }

  /** For people; null where reads go to the new side. */
  get stay(): string | null {
    return this.#record === 'new' ? null : this.#stay
  }

  /** The two sides cannot be told to be alike: reads stay on the old one, from now on and after a start. Whether that was known. */
  notedUnlike(why: string): boolean {
    if (this.#isUnlike) return true
    this.#isUnlike = true
    this.#stay ??= why
    this.#journal.setFact('unlike', why).catch(() => {})
    return false
  }

  /** Before a write; gives what ends it. */
  async enter(): Promise<() => void> {
    while (this.#held) await new Promise<void>((resolve) => this.#held!.push(resolve))
    this.#inside++
    let over = false
    return () => {
      if (over) return
      over = true
      this.#inside--
      if (this.#inside === 0) this.#left?.()
    }
  }

  /** Resolves when no write is under way, and holds others back until `act` has ended. Throws `busy` where that takes too long. */
  async alone<T>(act: () => Promise<T>): Promise<T> {
    if (this.#held) throw new DrayError('busy', 'switch', 'somebody else is switching this mirror now')
    const held: (() => void)[] = []
    this.#held = held
    try {
      if (this.#inside > 0) {
        let timer: NodeJS.Timeout | undefined
        const late = new Promise<never>((_, reject) => {
          const error = new DrayError('busy', 'switch', 'writes that are under way do not end', {
            retry: 'later',
            hint: 'Look with dray mirror status which are open, and switch again.',
          })
          timer = setTimeout(() => reject(error), longestHold)
        })
        const empty = new Promise<void>((resolve) => {
          this.#left = resolve
        })
        try {
          await Promise.race([empty, late])
        } finally {
          clearTimeout(timer)
          this.#left = null
        }
      }
      return await act()
    } finally {
      this.#held = null
      for (const go of held) go()
    }
  }

  /** Only while alone. */
  async become(record: SideName): Promise<void> {
    await this.#journal.setFact('record', record)
    this.#record = record
  }
}
