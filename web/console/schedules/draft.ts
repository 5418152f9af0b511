/** A schedule as it is typed. `bodyOf` makes what is stored of it. */
import {
  type NewSchedule,
  newScheduleSchema,
  type ScheduleView,
  windowSchema,
} from '../../../shared/api/schedules.ts'
import { type Day, days } from '../../../shared/limit.ts'
import type { GivenOptions } from '../../../shared/policy.ts'
import { viewerZone } from '../format.ts'

export type Kind = 'copy' | 'verify' | 'dryRun' | 'life'

export interface Draft {
  readonly migration: string
  readonly kind: Kind
  readonly repeats: boolean
  readonly cron: string
  /** By the viewer's clock, as a browser's field has it: `2026-12-01T22:00`. */
  readonly at: string
  readonly zone: string
  /** Whether it keeps within hours. */
  readonly keeps: boolean
  readonly from: string
  readonly to: string
  readonly days: readonly Day[]
  /** A date, or two, a line. */
  readonly blackouts: string
  readonly enabled: boolean
  /** What else it says of its passes. */
  readonly options: GivenOptions
}

export const kindOf = ({
  starts,
  options: { kind, dryRun },
}: Pick<NewSchedule, 'starts' | 'options'>): Kind =>
  starts === 'life' ? 'life' : kind === 'verify' ? 'verify' : dryRun ? 'dryRun' : 'copy'

/** `of`: null, a new one. */
export function draftOf(of: ScheduleView | null): Draft {
  const window = of?.window ?? { from: '22:00', to: '06:00', days: [...days] }
  return {
    migration: of?.migration ?? '',
    kind: of ? kindOf(of) : 'copy',
    repeats: of ? of.cron !== null : true,
    cron: of?.cron ?? '0 3 * * *',
    at: of?.at ? localOf(new Date(of.at)) : '',
    zone: of?.zone ?? viewerZone(),
    keeps: of ? of.window !== null : false,
    ...window,
    blackouts: of?.blackouts.join('\n') ?? '',
    enabled: of?.enabled ?? true,
    options: of?.options ?? {},
  }
}

const two = (n: number) => String(n).padStart(2, '0')
/** By the viewer's clock. */
const localOf = (at: Date): string =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`

/** Ms since the epoch; null where it is no moment yet. */
export function momentOf(at: string): number | null {
  const ms = at === '' ? Number.NaN : new Date(at).getTime()
  return Number.isNaN(ms) ? null : ms
}

export function bodyOf(draft: Draft): unknown {
  const { migration, kind, repeats, cron, at, zone, keeps, from, to, enabled } = draft
  const moment = momentOf(at)
  const { kind: _, dryRun: __, ...rest } = draft.options
  const options: GivenOptions =
    kind === 'life'
      ? {}
      : kind === 'copy'
        ? rest
        : kind === 'verify'
          ? { ...rest, kind }
          : { ...rest, dryRun: true }
  return {
    ...{ migration, zone, enabled, options },
    starts: kind === 'life' ? 'life' : 'pass',
    cron: repeats ? cron : null,
    at: repeats || moment === null ? null : new Date(moment).toISOString(),
    window: keeps ? { from, to, days: days.filter((day) => draft.days.includes(day)) } : null,
    blackouts: draft.blackouts
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  }
}

/** What is wrong with its hours; null: nothing. */
export function hoursFault({ keeps, from, to, days }: Draft): string | null {
  return keeps ? (windowSchema.safeParse({ from, to, days }).error?.issues[0]?.message ?? null) : null
}

/** What is wrong with its days of rest; null: nothing. */
export function blackoutsFault(draft: Draft): string | null {
  const { blackouts } = bodyOf(draft) as { blackouts: string[] }
  return newScheduleSchema.shape.blackouts.safeParse(blackouts).error?.issues[0]?.message ?? null
}
