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
/** Headers that are read, or leaves that are removed. */
const atOnce = 16
/** By one look, which others may wait for. */
const mostRemoved = 2_000

/**
 * The function looks, unless a look that began since then (ms) was done; calls at one time share one look. False where there was nothing to learn.
 * Throws what the store throws.
 */
export function createLook({ shared, index, next, discard, now = Date.now }: Deps) {
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: { began: number; done: Promise<boolean> } | null = null

  async function look(): Promise<boolean> {
    let isNew = false
    let removed = 0
    for await (const page of shared.list()) {
      const news = page.filter((leaf) => !isKnown(leaf))
      for (let at = 0; at < news.length; at += atOnce) await learn(news.slice(at, at + atOnce))
      removed += await tidy(page, mostRemoved - removed)
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

  /** Removes `most` leaves at most; the rest is left to the next look. */
  async function tidy(page: readonly SharedLeaf[], most: number): Promise<number> {
    const done = page.filter(({ name }) => isDone(name)).slice(0, most)
    for (let at = 0; at < done.length; at += atOnce) {
      await Promise.all(
        done.slice(at, at + atOnce).map(async ({ name }) => {
          await shared.remove(name)
          index.shared.forget(name)
        }),
      )
    }
    return done.length
  }

  /** Whether nothing has referred to it for long enough. */
  function isDone(name: string): boolean {
    const known = index.shared.find(name)
    if (known === null) return false
    const isUsed = index.refersTo(known.leaf)
    if (isUsed !== (known.orphaned === null)) index.shared.orphan(name, isUsed ? null : now())
    return !isUsed && known.orphaned !== null && known.orphaned + grace <= now()
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
