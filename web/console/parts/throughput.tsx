/** How fast it went, over time. */
import { useEffect, useMemo, useRef } from 'react'
import type { Point } from '../../../shared/api/watch.ts'
import type { Chart } from '../chart.ts'
import { bytes, count } from '../format.ts'
import { texts } from '../texts.ts'

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

export function Throughput({ points }: { points: readonly Point[] }) {
  const place = useRef<HTMLDivElement>(null)
  const drawn = useRef<Chart | null>(null)
  const data = useMemo(() => series(points), [points])
  const latest = useRef(data)
  latest.current = data
  const isEmpty = data[0]!.length < 2

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
      const { names } = texts.live.throughput
      const per = (say: (n: number) => string) => (n: number) => `${say(n)}/s`
      const whole = (n: number) => count(Math.round(n))
      const says = [per(bytes), per(whole), whole] as const
      drawn.current = chart(into, into.clientWidth, { data: latest.current, names, says, colours })
      sized.observe(into)
    })
    return () => {
      gone = true
      sized.disconnect()
      drawn.current?.destroy()
      drawn.current = null
    }
  }, [isEmpty])
  useEffect(() => drawn.current?.set(data), [data])

  if (isEmpty) return null
  return (
    <section className="card throughput" aria-label={texts.live.throughput.name}>
      <h2>{texts.live.throughput.name}</h2>
      <div ref={place} />
    </section>
  )
}
