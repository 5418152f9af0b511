/** The parts of a scan, added up. */
import type { Scan } from './api/browse.ts'

type Sum = Scan['taken']

const plus = (a: Sum, b: Sum): Sum => ({ objects: a.objects + b.objects, bytes: a.bytes + b.bytes })

/** Two stretches of one listing, `b` following on `a`. */
export function together(a: Scan, b: Scan): Scan {
  const names = new Set([...Object.keys(a.storageClasses), ...Object.keys(b.storageClasses)])
  const none = { objects: 0, bytes: 0 }
  return {
    ...b,
    taken: plus(a.taken, b.taken),
    left: plus(a.left, b.left),
    others: a.others + b.others,
    archived: plus(a.archived, b.archived),
    storageClasses: Object.fromEntries(
      [...names].map((name) => [name, plus(a.storageClasses[name] ?? none, b.storageClasses[name] ?? none)]),
    ),
    sizes: a.sizes.map((n, i) => n + (b.sizes[i] ?? 0)),
    largest: (a.largest?.bytes ?? -1) >= (b.largest?.bytes ?? -1) ? a.largest : b.largest,
    samples: {
      taken: [...a.samples.taken, ...b.samples.taken].slice(0, 20),
      left: [...a.samples.left, ...b.samples.left].slice(0, 20),
    },
    ms: a.ms + b.ms,
  }
}
