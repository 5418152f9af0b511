/** The strip of the key space: one bar for the whole bucket, by state; for the pointer, the keyboard, and whoever hears it. */
import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react'
import type { BucketRow, Lane } from '../../../shared/api/watch.ts'
import { count } from '../format.ts'
import { texts } from '../texts.ts'
import { draw } from './strip-drawing.ts'
import {
  condensed,
  edges,
  failedOf,
  figureOf,
  hasTrouble,
  keyName,
  nextTrouble,
  sentence,
  startOf,
  stateNames,
  states,
} from './strip-model.ts'

export interface Span {
  readonly after: string | null
  readonly through: string | null
}

export function Strip(props: {
  name: string
  strip: readonly BucketRow[]
  lanes?: readonly Lane[]
  open(after: string | null): void
  zoom?(span: Span | null): void
}) {
  const { strip, lanes = [] } = props
  const canvas = useRef<HTMLCanvasElement>(null)
  const [by, setBy] = useState<'keys' | 'bytes'>('keys')
  const [chosen, choose] = useState<number | null>(null)
  const [dragged, drag] = useState<readonly [number, number] | null>(null)
  const [width, setWidth] = useState(0)
  const [theme, setTheme] = useState(0)
  const at = chosen === null ? null : Math.min(chosen, strip.length - 1)
  const x = useMemo(() => edges(strip, by, width), [strip, by, width])

  useEffect(() => {
    const element = canvas.current!
    const sized = new ResizeObserver(() => setWidth(element.clientWidth))
    sized.observe(element)
    const repaint = () => setTheme((n) => n + 1)
    const themed = new MutationObserver(repaint)
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', repaint)
    return () => {
      sized.disconnect()
      themed.disconnect()
      dark.removeEventListener('change', repaint)
    }
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours.
  useEffect(() => {
    const work = [...new Set(lanes.flatMap((lane) => lane.at))].filter((i) => i < strip.length)
    if (canvas.current && width > 0) {
      draw(canvas.current, { strip, edges: x, work, chosen: at, range: dragged })
    }
  }, [strip, x, at, dragged, lanes, width, theme])

  const under = (event: PointerEvent): number => {
    const from = event.clientX - event.currentTarget.getBoundingClientRect().left
    const next = x.findIndex((edge) => edge > from)
    return next <= 0 ? strip.length - 1 : next - 1
  }
  const spanOf = (from: number, to: number): Span => ({
    after: startOf(strip, Math.min(from, to)),
    through: strip[Math.max(from, to)]![0],
  })
  const released = () => {
    if (dragged && dragged[0] !== dragged[1]) props.zoom?.(spanOf(...dragged))
    drag(null)
  }
  const move = (key: string): boolean => {
    const from = at ?? 0
    const last = strip.length - 1
    const page = Math.max(1, Math.round(strip.length / 20))
    const to: Record<string, number> = {
      ArrowRight: at === null ? 0 : from + 1,
      ArrowUp: from + 1,
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      PageUp: from + page,
      PageDown: from - page,
      Home: 0,
      End: last,
      '[': nextTrouble(strip, at ?? strip.length, -1),
      ']': nextTrouble(strip, at ?? -1, 1),
    }
    const next = to[key]
    if (next === undefined) return false
    choose(Math.max(0, Math.min(last, next)))
    return true
  }
  const troubled = strip.filter(hasTrouble).length
  const says = at === null ? texts.live.strip.summary(strip.length, troubled) : sentence(strip, at)

  return (
    <section className="card strip" aria-label={props.name}>
      <div className="head">
        <h2>{props.name}</h2>
        <div className="actions">
          <label className="row">
            {texts.live.strip.by}
            <select value={by} onChange={(event) => setBy(event.target.value as 'keys' | 'bytes')}>
              <option value="keys">{texts.live.strip.keys}</option>
              <option value="bytes">{texts.live.strip.bytes}</option>
            </select>
          </label>
        </div>
      </div>
      <div
        className="bar"
        role="slider"
        tabIndex={0}
        aria-label={props.name}
        aria-valuemin={0}
        aria-valuemax={strip.length - 1}
        aria-valuenow={at ?? 0}
        aria-valuetext={says}
        aria-describedby="strip-keys"
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return
          if (event.key === 'Enter') props.open(startOf(strip, at ?? 0))
          else if (event.key === 'z' && at !== null) props.zoom?.(spanOf(at, at))
          else if (event.key === 'Escape') props.zoom?.(null)
          else if (!move(event.key)) return
          event.preventDefault()
        }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          drag([under(event), under(event)])
        }}
        onPointerMove={(event) => {
          choose(under(event))
          if (dragged) drag([dragged[0], under(event)])
        }}
        onPointerUp={released}
        onPointerCancel={() => drag(null)}
        onDoubleClick={() => props.open(startOf(strip, at ?? 0))}
      >
        <canvas ref={canvas} />
      </div>
      <p className="says">{says}</p>
      <ul className="legend">
        {states.map((state) => (
          <li key={state} className={state}>
            {stateNames[state]} <b>{count(strip.reduce((sum, row) => sum + figureOf(row, state), 0))}</b>
          </li>
        ))}
        <li className="trouble">
          {texts.live.strip.failed} <b>{count(strip.reduce((sum, row) => sum + failedOf(row), 0))}</b>
        </li>
      </ul>
      <p className="quiet small" id="strip-keys">
        {texts.live.strip.help}
      </p>
      <Told strip={strip} />
    </section>
  )
}

/** The same for who hears it. */
function Told({ strip }: { strip: readonly BucketRow[] }) {
  const rows = useMemo(() => condensed(strip, 40), [strip])
  return (
    <div className="hidden">
      <table>
        <caption>{texts.live.strip.table}</caption>
        <thead>
          <tr>
            <th scope="col">{texts.live.strip.through}</th>
            {states.map((state) => (
              <th scope="col" key={state}>
                {stateNames[state]}
              </th>
            ))}
            <th scope="col">{texts.live.strip.failed}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[0] ?? '\u0000'}>
              <th scope="row">{row[0] === null ? texts.live.strip.end : keyName(row[0])}</th>
              {states.map((state) => (
                <td key={state}>{count(figureOf(row, state))}</td>
              ))}
              <td>{count(failedOf(row))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
