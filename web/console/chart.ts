/** Throughput and failures over time, and a lane for each agent, by uPlot: a bundle of its own, loaded when there is something to draw. */
import uPlot from 'uplot'
import { time } from './format.ts'

const style = document.createElement('link')
style.rel = 'stylesheet'
style.href = '/chart.css'
document.head.append(style)

/** Ms since the epoch. */
export type Times = readonly [from: number, to: number]

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
  /** Somebody has dragged over it. */
  select(times: Times): void
}

export interface Chart {
  set(data: Series['data']): void
  /** What is shown of it; all where null. */
  show(times: Times | null): void
  /** Marks one of its points; none where null. */
  mark(i: number | null): void
  size(width: number): void
  destroy(): void
}

const height = 180
/** Bytes are told in KiB, MiB and so on. */
const powersOfTwo = Array.from({ length: 50 }, (_, i) => 2 ** i)
const fromZero: uPlot.Scale.Range = (_, __, max) => [0, max || 1]

const seconds = ([from, to]: Times) => ({ min: from / 1000, max: to / 1000 })
const ends = (data: readonly (readonly number[])[]) => ({ min: data[0]![0]!, max: data[0]!.at(-1)! })

export function chart(
  into: HTMLElement,
  width: number,
  { data, names, says, colours, select }: Series,
): Chart {
  let shown: Times | null = null
  let all = data
  const axis = { stroke: colours.ink, grid: { stroke: colours.line, width: 1 }, ticks: { show: false } }
  const value = (say: (n: number) => string) => (_: uPlot, n: number | null) => (n === null ? '–' : say(n))
  const plot = new uPlot(
    {
      ...{ width, height, legend: { live: true } },
      cursor: { points: { size: 6 }, drag: { x: true, y: false, setScale: false } },
      scales: { objects: { range: fromZero }, y: { range: fromZero } },
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
      hooks: {
        setSelect: [
          ({ select: { left, width }, posToVal }) => {
            if (width < 4) return
            select([posToVal(left, 'x') * 1000, posToVal(left + width, 'x') * 1000])
            plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
          },
        ],
      },
    },
    data as unknown as uPlot.AlignedData,
    into,
  )
  const scale = () => plot.setScale('x', shown ? seconds(shown) : ends(all))
  return {
    set(next) {
      all = next
      plot.setData(next as unknown as uPlot.AlignedData, false)
      scale()
    },
    show(times) {
      shown = times
      scale()
    },
    mark(i) {
      const at = i === null ? undefined : all[0]![i]
      plot.setCursor(at === undefined ? { left: -10, top: -10 } : { left: plot.valToPos(at, 'x'), top: 10 })
    },
    size: (next) => plot.setSize({ width: next, height }),
    destroy: () => plot.destroy(),
  }
}

export interface LaneChart {
  /** Seconds since the epoch, and bytes a second; `most`: of all lanes, so that they can be compared. */
  set(data: readonly (readonly number[])[], times: Times, most: number): void
  size(width: number): void
  destroy(): void
}

const laneHeight = 34

/** One agent over time: no axes, and no words. */
export function laneChart(into: HTMLElement, width: number, colour: string): LaneChart {
  let top = 1
  const plot = new uPlot(
    {
      ...{ width, height: laneHeight, legend: { show: false }, cursor: { show: false } },
      padding: [2, 0, 2, 0],
      scales: { y: { range: () => [0, top] } },
      axes: [{ show: false }, { show: false }],
      series: [{}, { stroke: colour, fill: `${colour}33`, width: 1.5, points: { show: false } }],
    },
    [[], []],
    into,
  )
  return {
    set(data, times, most) {
      top = most || 1
      plot.setData(data as unknown as uPlot.AlignedData, false)
      plot.setScale('x', seconds(times))
    },
    size: (next) => plot.setSize({ width: next, height: laneHeight }),
    destroy: () => plot.destroy(),
  }
}
