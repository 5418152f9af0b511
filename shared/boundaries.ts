/**
 * Where an object is cut into parts: runs of equal parts, in order, so that ten thousand equal ones are a few bytes and
 * uneven ones are a list. The sizes add up to the object's.
 */
import * as z from 'zod'

/** S3's own bound, whatever a store's limits say. */
export const mostParts = 10_000

const bytes = z.number().int().positive().max(Number.MAX_SAFE_INTEGER)

/** Each `[bytes, times]`. */
export const boundariesSchema = z
  .array(z.tuple([bytes, z.number().int().positive().max(mostParts)]))
  .min(1)
  .max(mostParts)
  .refine((runs) => runs.reduce((sum, [, times]) => sum + times, 0) <= mostParts, 'too many parts')
export type Boundaries = z.infer<typeof boundariesSchema>

/** Equal parts, the last of which may be smaller; `size` is more than nothing. */
export function evenly(size: number, partSize: number): Boundaries {
  const whole = Math.floor(size / partSize)
  const last = size - whole * partSize
  const runs: Boundaries = whole === 0 ? [] : [[partSize, whole]]
  return last === 0 ? runs : [...runs, [last, 1]]
}

export function fromSizes(sizes: readonly number[]): Boundaries {
  const runs: Boundaries = []
  for (const size of sizes) {
    const run = runs.at(-1)
    if (run?.[0] === size) run[1]++
    else runs.push([size, 1])
  }
  return runs
}

/** The bytes of each part. */
export const sizesOf = (boundaries: Boundaries): number[] =>
  boundaries.flatMap(([size, times]) => new Array<number>(times).fill(size))

export const partsIn = (boundaries: Boundaries): number =>
  boundaries.reduce((sum, [, times]) => sum + times, 0)

export const bytesIn = (boundaries: Boundaries): number =>
  boundaries.reduce((sum, [size, times]) => sum + size * times, 0)

export const sameBoundaries = (a: Boundaries, b: Boundaries): boolean =>
  JSON.stringify(a) === JSON.stringify(b)
