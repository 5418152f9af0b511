/** How fast it went over time, and what failed when: for the pointer, the keyboard, and whoever hears it. */
import { memo, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { Point } from '../../../shared/api/watch.ts'
import type { Chart, Times } from '../chart.ts'
import { bytes, count, time } from '../format.ts'
import { migrationTexts } from '../texts/migration.ts'
import { texts } from '../texts.ts'
import { useTheme } from '../theme.ts'

const says = migrationTexts.chart
const whole = (n: number) => count(Math.round(n))

/** Between each two points: when (s), bytes and objects a second, and how many objects failed. */
export function series(points: readonly Point[]): number[][] {
  const data: number[][] = [[], [], [], []]
  for (const [i, [at, objects, copied, failed]] of points.entries()) {
    const before = points[i - 1]
    if (!before || at <= before[0]) continue
    const seconds = (at - before[0]) / 1000
    data[0]!.push(at / 1000)
    data[1]!.push(Math.max(0, copied - before[2]) / seconds)
    data[2]!.push(Math.max(0, objects - before[1]) / seconds)
    data[3]!.push(Math.max(0, failed - before[3]))
  }
  return data
}

export function Throughput(props: {
  points: readonly Point[]
  /** What is looked at of it. */
  times: Times | null
  look(times: Times | null): void
}) {
  const { points, times, look } = props
  const id = useId()
  const place = useRef<HTMLDivElement>(null)
  const drawn = useRef<Chart | null>(null)
  const data = useMemo(() => series(points), [points])
  const [at, setAt] = useState<number | null>(null)
  const [anchor, setAnchor] = useState<number | null>(null)
  const latest = useRef({ data, times, look })
  latest.current = { data, times, look }
  const isEmpty = data[0]!.length < 2
  const theme = useTheme()

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours.
  useEffect(() => {
    if (isEmpty) return
    const into = place.current!
    let gone = false
    const sized = new ResizeObserver(() => drawn.current?.size(into.clientWidth))
    void import('../chart.ts').then(({ chart }) => {
      if (gone) return
      const style = getComputedStyle(into)
      const get = (name: string) => style.getPropertyValue(name).trim()
      const colours = {
        ink: style.color,
        line: get('--strip-ground'),
        of: [get('--strip-done'), get('--strip-leased'), get('--strip-parked')] as const,
      }
      const per = (say: (n: number) => string) => (n: number) => `${say(n)}/s`
      drawn.current = chart(into, into.clientWidth, {
        ...{ data: latest.current.data, names: texts.live.throughput.names, colours },
        says: [per(bytes), per(whole), whole],
        select: (times) => latest.current.look(times),
      })
      drawn.current.show(latest.current.times)
      sized.observe(into)
    })
    return () => {
      gone = true
      sized.disconnect()
      drawn.current?.destroy()
      drawn.current = null
    }
  }, [isEmpty, theme])
  useEffect(() => drawn.current?.set(data), [data])
  useEffect(() => drawn.current?.show(times), [times])

  if (isEmpty) return null
  const last = data[0]!.length - 1
  const here = Math.min(at ?? last, last)
  const [when, rate, objects, failed] = data.map((values) => values[here]!)
  const said = says.says(time(when! * 1000), bytes(rate!), whole(objects!), count(failed!))
  const move = (event: { key: string; shiftKey: boolean }): boolean => {
    const page = Math.max(1, Math.round(last / 10))
    const to: Record<string, number> = {
      ArrowRight: here + 1,
      ArrowLeft: here - 1,
      PageUp: here + page,
      PageDown: here - page,
      Home: 0,
      End: last,
    }
    if (event.key === 'Escape') {
      setAnchor(null)
      look(null)
      return true
    }
    const wanted = to[event.key]
    if (wanted === undefined) return false
    const next = Math.max(0, Math.min(last, wanted))
    setAt(next)
    drawn.current?.mark(next)
    const from = event.shiftKey ? (anchor ?? here) : null
    setAnchor(from)
    if (from !== null && from !== next) {
      const [least, most] = [Math.min(from, next), Math.max(from, next)]
      look([data[0]![least]! * 1000, data[0]![most]! * 1000])
    }
    return true
  }
  return (
    <section className="card throughput" aria-label={says.name}>
      <h2>{says.name}</h2>
      <div
        role="slider"
        tabIndex={0}
        aria-label={says.name}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={here}
        aria-valuetext={said}
        aria-describedby={id}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return
          if (move(event)) event.preventDefault()
        }}
      >
        <div ref={place} aria-hidden="true" />
      </div>
      <p className="quiet small" id={id}>
        {says.help}
      </p>
      <Told data={data} />
    </section>
  )
}

const mostRows = 30

/** The same for who hears it, the latest first. */
const Told = memo(function Told({ data }: { data: readonly (readonly number[])[] }) {
  const [times, rates, objects, failed] = data as [number[], number[], number[], number[]]
  const step = Math.max(1, Math.ceil(times.length / mostRows))
  const rows = times.map((_, i) => i).filter((i) => (times.length - 1 - i) % step === 0)
  const { names } = texts.live.throughput
  return (
    <div className="hidden">
      <table>
        <caption>{says.table}</caption>
        <thead>
          <tr>
            {[says.time, ...names].map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.toReversed().map((i) => (
            <tr key={times[i]}>
              <th scope="row">{time(times[i]! * 1000)}</th>
              <td>{`${bytes(rates[i]!)}/s`}</td>
              <td>{`${whole(objects[i]!)}/s`}</td>
              <td>{count(failed[i]!)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
})
