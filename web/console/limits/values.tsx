/** What a limit allows, in words; and how much of it is in use. */
import { useQuery } from '@tanstack/react-query'
import type { LimitView } from '../../../shared/api/limits.ts'
import type { LimitValues } from '../../../shared/limit.ts'
import { bits, count, rate } from '../format.ts'
import * as queries from '../queries/limits.ts'
import { limitTexts as texts } from '../texts/limits.ts'

export type Bound = keyof LimitValues

/** A value of a bound: networks' reading of the bandwidth first, since that is how lines are sold. */
export const amount = (bound: Bound, value: number): string =>
  bound === 'bandwidth' ? bits(value) : bound === 'requests' ? texts.perSecond(count(value)) : count(value)

export function ValueOf({ bound, value }: { bound: Bound; value: number | null }) {
  if (value === null) return <span className="quiet">{texts.none}</span>
  if (bound !== 'bandwidth') return amount(bound, value)
  return <span title={`${count(value)} B/s`}>{`${bits(value)} (${rate(value)})`}</span>
}

/** What holds now, and beside it what agents do. */
export function InUse(props: { workspace: string; of: LimitView; bound: Bound }) {
  const { workspace, of, bound } = props
  const { data } = useQuery(queries.limit(workspace, of.endpoint))
  const most = of.now[bound]
  if (most === null) return <ValueOf bound={bound} value={null} />
  const used = data?.shares.reduce((sum, one) => sum + one.used[bound], 0) ?? 0
  const text = texts.used(amount(bound, used), amount(bound, most))
  return (
    <div className="in-use">
      <ValueOf bound={bound} value={most} />
      {data && (
        <>
          <progress
            max={most}
            value={Math.min(used, most)}
            aria-label={texts.use(texts.columns[bound], of.endpoint)}
          />
          <div className="quiet">{text}</div>
        </>
      )}
    </div>
  )
}
