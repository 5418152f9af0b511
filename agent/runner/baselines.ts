/**
 * The baselines that an agent has open, each opened once: two passes between the same locations (one that ends while the next
 * begins, or those of two migrations) must not have the same files open twice.
 */

import type { DrayError } from '../../shared/error.ts'
import { type Baseline, openBaseline } from '../baseline/baseline.ts'
import type { SharedLeaves } from '../baseline/shared-leaves.ts'

export interface Sharing {
  /** Called where nobody has the directory open yet; null: no other agent has part in it. */
  openLeaves: (() => Promise<SharedLeaves>) | null
  warn(error: DrayError): void
}

export interface Baselines {
  /** Closed when everybody who opened it has closed it. */
  open(dir: string, sharing: Sharing): Promise<Baseline>
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

  async function begin(dir: string, { openLeaves, warn }: Sharing): Promise<Baseline> {
    await closing.get(dir)
    const leaves = (await openLeaves?.()) ?? null
    try {
      return await openBaseline(dir, { thread, shared: leaves, warn })
    } catch (error) {
      await leaves?.close()
      throw error
    }
  }

  return {
    async open(dir, sharing) {
      const mine = shared.get(dir) ?? { baseline: begin(dir, sharing), users: 0 }
      shared.set(dir, mine)
      mine.users++
      try {
        const { rows, write, isScattered, refresh } = await mine.baseline
        return { rows, write, isScattered, refresh, close: () => leave(dir, mine) }
      } catch (error) {
        await leave(dir, mine)
        throw error
      }
    },
  }
}
