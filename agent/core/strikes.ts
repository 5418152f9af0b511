/** What a destination refuses, counted. */
import type { Properties } from '../storage/properties.ts'
import { namesOf, type Refusable } from './fidelity.ts'

/** Refusals in a row after which something is not tried any more. */
const mostStrikes = 3

/**
 * Whether it is the store that cannot hold something, or was only that of one object (a tag with a name of AWS's own): what it has
 * taken once, it can hold.
 */
export function createStrikes(out: (name: Refusable) => void) {
  const counts = new Map<Refusable, number>()
  return {
    taken(given: Properties): void {
      for (const name of namesOf(given)) counts.set(name, Number.NEGATIVE_INFINITY)
    },
    refused(name: Refusable): void {
      const count = (counts.get(name) ?? 0) + 1
      counts.set(name, count)
      if (count >= mostStrikes) out(name)
    },
  }
}
