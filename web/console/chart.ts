/** Throughput and failures over time, by uPlot: a bundle of its own, loaded when there is something to draw. */
import uPlot from 'uplot'
import { time } from './format.ts'

const style = document.createElement('link')
style.rel = 'stylesheet'
style.href = '/chart.css'
document.head.append(style)

export interface Series {
  /** Seconds since the epoch, rising; then bytes a second, objects a second, failures in the span. */
  readonly data: readonly (readonly number[])[]
  readonly names: readonly [string, string, string]
  readonly says: readonly [(n: number) => string, (n: number) => string, (n: number) => string]
  readonly colours: {
    readonly ink: string
    readonly line: string
    readonly of: readonly [string, string, string]
  }
}

export interface Chart {
  set(data: Series['data']): void
  size(width: number): void
  destroy(): void
}

const height = 180
/** Bytes are told in KiB, MiB and so on. */
const powersOfTwo = Array.from({ length: 50 }, (_, i) => 2 ** i)

export function chart(into: HTMLElement, width: number, { data, names, says, colours }: Series): Chart {
  const axis = { stroke: colours.ink, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } }
  const value = (say: (n: number) => string) => (_: uPlot, n: number | null) => (n === null ? '–' : say(n))
  const plot = new uPlot(
    {
      ...{ width, height, cursor: { points: { size: 6 } }, legend: { live: true } },
      scales: {
        objects: { range: (_, __, max) => [0, max || 1] },
        y: { range: (_, __, max) => [0, max || 1] },
      },
      axes: [
        { ...axis, space: 90, values: (_, ticks) => ticks.map((at) => time(at * 1000)) },
        { ...axis, size: 80, incrs: powersOfTwo, values: (_, ticks) => ticks.map(says[0]) },
      ],
      series: [
        { value: (_, at) => (at === null ? '–' : time(at * 1000)) },
        { label: names[0], stroke: colours.of[0], width: 2, value: value(says[0]) },
        {
          label: names[1],
          scale: 'objects',
          stroke: colours.of[1],
          width: 1.5,
          dash: [6, 4],
          value: value(says[1]),
        },
        {
          label: names[2],
          scale: 'objects',
          stroke: colours.of[2],
          width: 2,
          points: { show: true },
          value: value(says[2]),
        },
      ],
    },
    data as unknown as uPlot.AlignedData,
    into,
  )
  return {
    set: (next) => plot.setData(next as unknown as uPlot.AlignedData),
    size: (next) => plot.setSize({ width: next, height }),
    destroy: () => plot.destroy(),
  }
}
