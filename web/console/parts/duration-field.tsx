/** A length of time, of those that make sense; one that was given otherwise stays as it is. */
import type { ReactNode } from 'react'
import { span } from '../texts/life.ts'
import { SelectField } from './field.tsx'

const [minute, hour, day] = [60, 3_600, 86_400]
const usual = [
  ...[1, 2, 5, 10, 30],
  ...[minute, 5 * minute, 15 * minute, 30 * minute],
  ...[hour, 6 * hour, 12 * hour],
  ...[day, 2 * day, 3 * day, 7 * day, 14 * day, 30 * day, 90 * day, 365 * day],
]

/** In seconds; those from `least` to `most` can be chosen. */
export function DurationField(props: {
  label: string
  hint?: ReactNode
  error?: string | null
  value: number
  change(seconds: number): void
  least: number
  most: number
}) {
  const { label, hint, error, value, change, least, most } = props
  const choices = [
    ...new Set([...(least === 0 ? [0] : []), ...usual.filter((one) => one >= least && one <= most), value]),
  ].sort((a, b) => a - b)
  return (
    <SelectField
      {...{ label, hint, error }}
      value={String(value)}
      change={(seconds) => change(Number(seconds))}
      options={choices.map((seconds) => [String(seconds), span(seconds)] as const)}
    />
  )
}
