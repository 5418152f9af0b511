/**
 * Where the source cut an object that it holds in parts, at the least number of requests: one HEAD of part 1 gives the metadata
 * too. Where that part's size and the count leave no doubt, or hardly any, nothing more is asked; else each part is. A store that
 * does not tell (no `x-amz-mp-parts-count`) is guessed at. Whatever is not certain is held to the final ETag (part-agreement.ts).
 */
import { type Boundaries, bytesIn, evenly, fromSizes } from '../shared/boundaries.ts'
import type { CopyJob } from './copy-job.ts'
import { fits, suggestPartSize } from './core/part-size.ts'
import type { Head, Multipart, Storage } from './storage/storage.ts'

export interface SourceParts {
  readonly head: Head
  /** Null where the destination cannot hold it in the source's parts, or where nobody knows them. */
  readonly boundaries: Boundaries | null
  /** Whether the store would tell each part's size, were it asked, and was not asked yet. */
  readonly mayWalk: boolean
}

/** HEADs of parts at once. */
const headsAtOnce = 16

/** Destinations that refused parts of several sizes (R2 does): they get equal ones. */
const equalOnly = new WeakSet<Storage>()
export const wantsEqualParts = (destination: Storage): void => void equalOnly.add(destination)

/**
 * `parts`: how many the ETag says. `surely`: the last part is asked for too, before an upload is begun that is too large to be begun
 * again. Throws `not-found` and `changed`.
 */
export async function seeParts(
  job: CopyJob,
  multipart: Multipart,
  parts: number,
  surely = false,
): Promise<SourceParts> {
  const { source, destination } = job.deps
  const { entry } = job
  const acceptable = (boundaries: Boundaries | null) => {
    if (boundaries === null || !fits(boundaries, multipart.limits)) return null
    return isUneven(boundaries) && equalOnly.has(destination) ? null : boundaries
  }
  if (!source.headPart) {
    const head = await job.head()
    return { head, boundaries: acceptable(guess(entry.size, parts)), mayWalk: false }
  }
  const first = await job.noting(source.headPart(entry, 1, job.signal))
  if (first === null) throw job.gone()
  const { head, bytes } = first
  if (head.entry.token !== entry.token || head.entry.size !== entry.size) throw job.changed()
  if (first.parts !== parts) return { head, boundaries: acceptable(guess(entry.size, parts)), mayWalk: false }
  if (bytes * (parts - 1) < entry.size && entry.size <= bytes * parts) {
    const even = { head, boundaries: acceptable(evenly(entry.size, bytes)), mayWalk: parts > 2 }
    if (!surely || parts < 3) return even
    const last = await job.noting(source.headPart(entry, parts, job.signal))
    if (last?.bytes === entry.size - bytes * (parts - 1)) return even
  }
  return { head, boundaries: acceptable(await walkParts(job, parts, bytes)), mayWalk: false }
}

/** Asks for each part, but for the first and the last, which follow. Null where what is told cannot be. */
export async function walkParts(job: CopyJob, parts: number, first?: number): Promise<Boundaries | null> {
  const { source } = job.deps
  const sizes = new Array<number>(parts)
  if (first !== undefined) sizes[0] = first
  let next = first === undefined ? 1 : 2
  let isPlain = true
  const worker = async () => {
    while (next < parts && isPlain) {
      const number = next++
      const told = await job.noting(source.headPart!(job.entry, number, job.signal))
      if (told === null) throw job.gone()
      if (told.parts !== parts || told.bytes < 1) isPlain = false
      sizes[number - 1] = told.bytes
    }
  }
  await Promise.all(Array.from({ length: Math.min(headsAtOnce, parts) }, worker))
  const before = sizes.slice(0, -1).reduce((sum, size) => sum + size, 0)
  sizes[parts - 1] = job.entry.size - before
  if (!isPlain || sizes[parts - 1]! < 1) return null
  const boundaries = fromSizes(sizes)
  return bytesIn(boundaries) === job.entry.size ? boundaries : null
}

export const isUneven = (boundaries: Boundaries): boolean =>
  boundaries.length > 2 ||
  (boundaries.length === 2 && (boundaries[1]![1] > 1 || boundaries[1]![0] > boundaries[0]![0]))

function guess(size: number, parts: number): Boundaries | null {
  const partSize = suggestPartSize(size, parts)
  return partSize === null ? null : evenly(size, partSize)
}
