/** The agents of a pass, a lane each: what each does now, and how fast it was over time. */
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Lane, Trace } from '../../../shared/api/watch.ts'
import type { LaneChart, Times } from '../chart.ts'
import { bytes, count } from '../format.ts'
import { plain } from '../hostile.ts'
import { migrationTexts } from '../texts/migration.ts'
import { texts } from '../texts.ts'
import { useTheme } from '../theme.ts'
import { Bytes } from './bytes.tsx'

const says = migrationTexts.lanes
const few = 8

/** Between each two points: when (s), and bytes a second. Where an agent came anew it begins from nothing. */
export function paceOf({ points }: Trace): [times: number[], rates: number[]] {
  const times: number[] = []
  const rates: number[] = []
  for (const [i, [at, objects, copied]] of points.entries()) {
    const before = points[i - 1]
    if (!before || at <= before[0]) continue
    const since = objects < before[1] || copied < before[2] ? 0 : before[2]
    times.push(at / 1000)
    rates.push((copied - since) / ((at - before[0]) / 1000))
  }
  return [times, rates]
}

interface Row {
  readonly agent: string
  readonly site: string
  readonly lane: Lane | null
  readonly pace: readonly [number[], number[]]
}

export function Lanes(props: {
  lanes: readonly Lane[]
  traces: readonly Trace[]
  times: Times | null
  agent: string | undefined
  choose(agent: string | undefined): void
}) {
  const { lanes, traces, agent, choose } = props
  const [all, showAll] = useState(false)
  const rows = useMemo(() => rowsOf(lanes, traces), [lanes, traces])
  if (rows.length === 0) return null
  const most = Math.max(1, ...rows.flatMap(({ pace }) => pace[1]))
  const moments = rows.flatMap(({ pace }) => pace[0])
  const whole: Times = [Math.min(...moments) * 1000, Math.max(...moments) * 1000]
  const shown = all ? rows : rows.filter((row, i) => i < few || row.agent === agent)
  return (
    <section className="card" aria-label={says.name}>
      <h2>{says.name}</h2>
      <ul className="lanes">
        {shown.map((row) => (
          <li key={row.agent} className={row.lane ? undefined : 'away'}>
            <button
              type="button"
              className="plain"
              aria-pressed={row.agent === agent}
              onClick={() => choose(row.agent === agent ? undefined : row.agent)}
            >
              {plain(row.agent)}
            </button>
            <span className="quiet">{says.site(row.site)}</span>
            <span>{row.lane ? says.held(row.lane.leased) : says.away}</span>
            <span className="number">
              {row.lane?.bytes == null ? '–' : <Bytes of={row.lane.bytes} rate />}
              {row.lane?.objects != null && (
                <small> {texts.perSecond(count(Math.round(row.lane.objects)))}</small>
              )}
            </span>
            <Spark pace={row.pace} times={props.times ?? whole} most={most} />
          </li>
        ))}
      </ul>
      {rows.length > shown.length && (
        <button type="button" onClick={() => showAll(true)}>
          {says.all(rows.length)}
        </button>
      )}
    </section>
  )
}

/** Who is at work now comes first. */
function rowsOf(lanes: readonly Lane[], traces: readonly Trace[]): Row[] {
  const rows = new Map<string, Row>()
  for (const lane of lanes) rows.set(lane.agent, { ...lane, lane, pace: [[], []] })
  for (const trace of traces) {
    const { agent, site } = trace
    rows.set(agent, { agent, site, lane: rows.get(agent)?.lane ?? null, pace: paceOf(trace) })
  }
  return [...rows.values()].sort(
    (a, b) => Number(b.lane !== null) - Number(a.lane !== null) || (a.agent < b.agent ? -1 : 1),
  )
}

function Spark({ pace, times, most }: { pace: Row['pace']; times: Times; most: number }) {
  const place = useRef<HTMLDivElement>(null)
  const drawn = useRef<LaneChart | null>(null)
  const latest = useRef({ pace, times, most })
  latest.current = { pace, times, most }
  const isEmpty = pace[0].length < 2
  const [from, to] = times
  const theme = useTheme()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours.
  useEffect(() => {
    if (isEmpty) return
    const into = place.current!
    let gone = false
    const sized = new ResizeObserver(() => drawn.current?.size(into.clientWidth))
    void import('../chart.ts').then(({ laneChart }) => {
      if (gone) return
      const colour = getComputedStyle(into).getPropertyValue('--strip-leased').trim()
      drawn.current = laneChart(into, into.clientWidth, hex(colour))
      drawn.current.set(latest.current.pace, latest.current.times, latest.current.most)
      sized.observe(into)
    })
    return () => {
      gone = true
      sized.disconnect()
      drawn.current?.destroy()
      drawn.current = null
    }
  }, [isEmpty, theme])
  useEffect(() => drawn.current?.set(pace, [from, to], most), [pace, from, to, most])
  const least = Math.min(...pace[1])
  const label = isEmpty ? undefined : says.over(bytes(least), bytes(Math.max(...pace[1])))
  return isEmpty ? (
    <span className="spark" />
  ) : (
    <div className="spark" ref={place} role="img" aria-label={label} />
  )
}

/** `rgb(63, 143, 203)` as `#3f8fcb`, to which two more digits can be added. */
function hex(colour: string): string {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour)
  if (!parts) return colour
  return `#${parts
    .slice(1)
    .map((n) => Number(n).toString(16).padStart(2, '0'))
    .join('')}`
}
