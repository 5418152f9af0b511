/**
 * Requests a second, for each caller and each address: a bucket that fills at a steady rate. Each isolate of the Worker counts for itself, so
 * that this costs nothing; on a large deployment a caller may get that much from each.
 */
import { Refusal } from './problem.ts'

/** Requests a second, and at once. */
const limits = {
  caller: { rate: 100, burst: 400 },
  address: { rate: 200, burst: 1_000 },
  /** Callers and addresses that tell of changes: a store has one address, and posts each by itself. */
  often: { rate: 1_000, burst: 4_000 },
}
/** Beyond this many the oldest bucket is forgotten, which gives its caller a full one. */
const most = 10_000

interface Bucket {
  tokens: number
  at: number
}
const buckets = new Map<string, Bucket>()

/** Throws where there have been too many. */
export function takeTurn(name: string, kind: keyof typeof limits, now = Date.now()): void {
  const { rate, burst } = limits[kind]
  const id = `${kind} ${name}`
  const bucket = buckets.get(id) ?? { tokens: burst, at: now }
  buckets.delete(id)
  bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate)
  bucket.at = now
  buckets.set(id, bucket)
  if (buckets.size > most) buckets.delete(buckets.keys().next().value!)
  if (bucket.tokens < 1) {
    const seconds = Math.ceil((1 - bucket.tokens) / rate)
    throw new Refusal(
      429,
      'throttled',
      `there are more than ${rate} requests a second`,
      `Wait ${seconds} s.`,
      {
        'retry-after': String(seconds),
      },
    )
  }
  bucket.tokens--
}
