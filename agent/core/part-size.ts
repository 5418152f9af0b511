/**
 * How large the parts of a multipart upload are. A multipart ETag can only be the same on both sides when both were
 * cut in the same places. Where the store does not say where (source-parts.ts asks it), that is guessed from the size and the count.
 */
import { type Boundaries, mostParts, partsIn, sizesOf } from '../../shared/boundaries.ts'
import { DrayError } from '../../shared/error.ts'

export interface PartLimits {
  readonly minPart: number
  readonly maxPart: number
  readonly maxParts: number
}

const MiB = 1024 * 1024
const MB = 1_000_000

/** Part sizes that tools use, the most usual first (8: AWS CLI, 5: SDKs and rclone, 15: s3cmd, 16: Dray). */
const common = [
  8, 5, 16, 10, 64, 15, 100, 128, 32, 50, 25, 256, 512, 1024, 6, 7, 12, 20, 24, 48, 96, 200, 500,
]

const ours = 16 * MiB

/** How many parts an object has in parts of `partSize`; an empty object has one. */
export const partCount = (size: number, partSize: number): number => Math.max(1, Math.ceil(size / partSize))

/**
 * Part sizes that give an object of `size` bytes exactly `parts` parts, the likeliest first: common sizes in MiB, then in
 * MB, the least whole MiB, the least whole MB, equal parts. At most `most`; none where the two figures cannot be.
 */
export function partSizes(size: number, parts: number, most: number): number[] {
  if (parts === 1) return [Math.max(size, 1)]
  const least = Math.ceil(size / parts)
  const guesses = [
    ...common.map((n) => n * MiB),
    ...common.map((n) => n * MB),
    Math.ceil(least / MiB) * MiB,
    Math.ceil(least / MB) * MB,
    least,
  ]
  const fitting = guesses.filter((guess) => guess > 0 && partCount(size, guess) === parts)
  return [...new Set(fitting)].slice(0, most)
}

/** The part size that such an object was most likely uploaded with; null where there is none. */
export function suggestPartSize(size: number, parts: number): number | null {
  return partSizes(size, parts, 1)[0] ?? null
}

/** Ours: 16 MiB; larger, in whole MiB, only where the object would need too many parts. Throws `too-large`. */
export function defaultPartSize(size: number, limits: PartLimits): number {
  const most = Math.min(limits.maxParts, mostParts)
  const needed = Math.ceil(Math.ceil(size / most) / MiB) * MiB
  // The store's own greatest part may be no whole MiB, and it is the last resort.
  const wanted = Math.min(Math.max(ours, needed, limits.minPart), limits.maxPart)
  if (partCount(size, wanted) <= most) return wanted
  throw new DrayError(
    'too-large',
    'multipart upload',
    `${size} bytes are more than the store can hold in one object`,
    {
      hint: `It takes ${most} parts of at most ${limits.maxPart} bytes.`,
    },
  )
}

/** Whether a store with these limits takes an object in these parts. */
export function fits(boundaries: Boundaries, limits: PartLimits): boolean {
  if (partsIn(boundaries) > Math.min(limits.maxParts, mostParts)) return false
  const sizes = sizesOf(boundaries)
  return sizes.every(
    (size, i) => size <= limits.maxPart && (size >= limits.minPart || i === sizes.length - 1),
  )
}
