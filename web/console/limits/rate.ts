/** Bandwidth as people write it: a number and a unit. Mbit/s (millions of bits), MB/s (millions of bytes) and MiB/s (of 1,048,576 bytes) are three things. */
export const rateUnits = ['Mbit/s', 'Gbit/s', 'kbit/s', 'MB/s', 'MiB/s', 'GiB/s'] as const
export type RateUnit = (typeof rateUnits)[number]

/** Bytes a second in one of each. */
const sizes: Record<RateUnit, number> = {
  'kbit/s': 125,
  'Mbit/s': 125_000,
  'Gbit/s': 125_000_000,
  'MB/s': 1_000_000,
  'MiB/s': 1_048_576,
  'GiB/s': 1_073_741_824,
}

export interface Rate {
  /** As it is typed; empty: no limit. */
  readonly text: string
  readonly unit: RateUnit
}

/** Bytes a second; null where there is no limit; NaN where it is no number. */
export function bytesOf({ text, unit }: Rate): number | null {
  const given = text.trim()
  if (given === '') return null
  return /^\d+(\.\d+)?$/.test(given) ? Math.round(Number(given) * sizes[unit]) : Number.NaN
}

/** In the unit in which it is a short number. */
export function rateOf(bytes: number | null): Rate {
  if (bytes === null) return { text: '', unit: 'Mbit/s' }
  const short = (unit: RateUnit) => String(bytes / sizes[unit]).length
  const unit = rateUnits.toSorted((a, b) => short(a) - short(b))[0]!
  return { text: String(bytes / sizes[unit]), unit }
}
