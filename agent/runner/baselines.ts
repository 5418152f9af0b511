/**
 * The baselines that an agent has open, each opened once: two passes between the same locations (one that ends while the next
 * begins, or those of two migrations) must not have the same files open twice.
 */
import { type Baseline, openBaseline } from '../baseline/baseline.ts'

export interface Baselines {
  /** Closed when everybody who opened it has closed it. */
  open(dir: string): Promise<Baseline>
}

interface Shared {
  readonly baseline: Promise<Baseline>
  users: number
}

/** `thread`: 0 for the main one. */
export function createBaselines(thread = 0): Baselines {
  const shared = new Map<string, Shared>()
  /** The last closing of each directory; the next opening waits for it. */
  const closing = new Map<string, Promise<void>>()

  async function leave(dir: string, mine: Shared): Promise<void> {
    if (--mine.users > 0) return
    shared.delete(dir)
    const closed = mine.baseline.then((baseline) => baseline.close()).catch(() => {})
    closing.set(dir, closed)
    await closed
    if (closing.get(dir) === closed) closing.delete(dir)
  }

  async function begin(dir: string): Promise<Baseline> {
    await closing.get(dir)
    return openBaseline(dir, thread)
  }

  return {
    async open(dir) {
      const mine = shared.get(dir) ?? { baseline: begin(dir), users: 0 }
      shared.set(dir, mine)
      mine.users++
      try {
        const { rows, write } = await mine.baseline
        return { rows, write, close: () => leave(dir, mine) }
      } catch (error) {
        await leave(dir, mine)
        throw error
      }
    },
  }
}
