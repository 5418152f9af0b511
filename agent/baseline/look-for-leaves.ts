/**
 * Brings an agent's index up to date with the leaves that all agents share: those that are new are put in, in the order in which their listings
 * began; those that nothing refers to any more are removed, by whoever finds them so an hour after he first did. An agent that has read an index
 * of an hour ago finds no such leaf, which costs proving again.
 */
import type { IntervalIndex } from './index-db.ts'
import type { SharedLeaf, SharedLeaves } from './shared-leaves.ts'

interface Deps {
  readonly shared: SharedLeaves
  readonly index: IntervalIndex
  /** A number that no leaf has had. */
  next(): number
  /** Removes the files of leaves, where there are some. */
  discard(leaves: number[]): Promise<void>
  readonly now?: () => number
}

/** Milliseconds. */
const grace = 3_600_000
/** Headers that are read at once. */
const atOnce = 16

/**
 * The function looks, unless a look that began since then (ms) was done; calls at one time share one look. False where there was nothing to learn.
 * Throws what the store throws.
 */
export function createLook({ shared, index, next, discard, now = Date.now }: Deps) {
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: { began: number; done: Promise<boolean> } | null = null

  async function look(): Promise<boolean> {
    let isNew = false
    for await (const page of shared.list()) {
      const news = page.filter((leaf) => !isKnown(leaf))
      for (let at = 0; at < news.length; at += atOnce) await learn(news.slice(at, at + atOnce))
      for (const { name } of page) await tidy(name)
      isNew ||= news.length > 0
    }
    return isNew
  }

  const isKnown = ({ name }: SharedLeaf) => index.shared.find(name) !== null

  async function learn(news: readonly SharedLeaf[]): Promise<void> {
    const headers = await Promise.all(news.map((leaf) => shared.header(leaf)))
    for (const [i, { name }] of news.entries()) {
      const header = headers[i]
      // Gone meanwhile, or not what it says it is.
      if (!header) continue
      const { range, began, holes } = header
      const leaf = next()
      const unused = index.replace(range, [{ range, leaf, began }], began, holes)
      // Only now: a name that is known and not referred to is one that is to be removed.
      index.shared.name(name, leaf)
      await discard(unused)
    }
  }

  async function tidy(name: string): Promise<void> {
    const known = index.shared.find(name)
    if (known === null) return
    if (index.refersTo(known.leaf)) {
      if (known.orphaned !== null) index.shared.orphan(name, null)
      return
    }
    if (known.orphaned === null) return index.shared.orphan(name, now())
    if (known.orphaned + grace > now()) return
    await shared.remove(name)
    index.shared.forget(name)
  }

  async function run(): Promise<boolean> {
    const began = now()
    const isNew = await look()
    lookedAt = began
    return isNew
  }

  return async function refresh(since: number): Promise<boolean> {
    // Who asks may not know what was learnt then.
    if (lookedAt >= since) return true
    // One that is under way and began too early may have passed over what is asked for.
    while (looking && looking.began < since) await looking.done.catch(() => {})
    if (!looking) {
      const done = run().finally(() => {
        looking = null
      })
      looking = { began: now(), done }
    }
    return looking.done
  }
}
