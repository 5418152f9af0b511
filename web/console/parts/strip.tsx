/** The strip of the key space: one bar for the whole bucket, by state; for the pointer, the keyboard, and whoever hears it. */
import { memo, type PointerEvent, useEffect, useId, useMemo, useRef, useState } from 'react'
import type { BucketRow, Lane } from '../../../shared/api/watch.ts'
import { count } from '../format.ts'
import { plain } from '../hostile.ts'
import type { Span } from '../search.ts'
import { texts } from '../texts.ts'
import { useTheme } from '../theme.ts'
import { draw } from './strip-drawing.ts'
import {
  condensed,
  edges,
  failedOf,
  figureOf,
  hasTrouble,
  keyName,
  nameOf,
  nextTrouble,
  packetsIn,
  packetsOf,
  placeOf,
  sentence,
  startOf,
  stateNames,
  states,
} from './strip-model.ts'

const says = texts.live.strip

export function Strip(props: {
  name: string
  strip: readonly BucketRow[]
  /** What of the key space it shows; all of it unless told. */
  span?: Span
  lanes?: readonly Lane[]
  /** Of these lanes the one that is looked at. */
  agent?: string | undefined
  /** Shows the one packet after this key. */
  open(after: string | null): void
  zoom(span: Span): void
  /** Back to where it was zoomed from. */
  up(): void
}) {
  const { strip, lanes = noLanes, agent, span } = props
  const id = useId()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [by, setBy] = useState<'keys' | 'bytes'>('keys')
  const [chosen, choose] = useState<readonly [at: number, through: string | null] | null>(null)
  const [dragged, drag] = useState<readonly [number, number] | null>(null)
  const [[width, height], setSize] = useState<readonly [number, number]>([0, 0])
  const theme = useTheme()
  const at = chosen === null ? null : placeOf(strip, ...chosen)
  const x = useMemo(() => edges(strip, by, width), [strip, by, width])
  const sites = useMemo(() => [...new Set(lanes.map(({ site }) => site))].sort(), [lanes])
  const select = (i: number) => choose([i, strip[i]?.[0] ?? null])

  useEffect(() => {
    const element = canvas.current!
    const sized = new ResizeObserver(() => setSize([element.clientWidth, element.clientHeight]))
    sized.observe(element)
    return () => sized.disconnect()
  }, [])

  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours.
  useEffect(() => {
    const work = lanes.flatMap((lane) =>
      agent === undefined || lane.agent === agent
        ? lane.at.map((i) => [i, sites.indexOf(lane.site)] as const)
        : [],
    )
    if (canvas.current && width > 0 && height > 0) {
      draw(canvas.current, {
        ...{ strip, edges: x, chosen: at, range: dragged },
        work: work.filter(([i]) => i < strip.length),
      })
    }
  }, [strip, x, at, dragged, lanes, agent, sites, width, height, theme])

  const under = (event: PointerEvent): number => {
    const from = event.clientX - event.currentTarget.getBoundingClientRect().left
    const next = x.findIndex((edge) => edge > from)
    return next <= 0 ? (from < 0 ? 0 : strip.length - 1) : next - 1
  }
  const start = (i: number) => (i === 0 ? (span?.after ?? null) : startOf(strip, i))
  const spanOf = (from: number, to: number): Span => ({
    after: start(Math.min(from, to)),
    through: strip[Math.max(from, to)]![0],
  })
  /** One packet is shown, many are looked at closer. */
  const enter = (i: number) => {
    const row = strip[i]
    if (!row) return
    if (packetsOf(row) > 1 && strip.length > 1) props.zoom(spanOf(i, i))
    else props.open(start(i))
  }
  const released = () => {
    if (dragged && dragged[0] !== dragged[1]) props.zoom(spanOf(...dragged))
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
    select(Math.max(0, Math.min(last, next)))
    return true
  }
  const sums = useMemo(
    () => ({
      ...packetsIn(strip),
      failed: strip.reduce((sum, row) => sum + failedOf(row), 0),
      troubled: strip.filter(hasTrouble).length,
    }),
    [strip],
  )
  const here = at === null ? [] : lanes.filter((lane) => lane.at.includes(at))
  const said =
    at === null
      ? says.summary(strip.length, sums.troubled)
      : `${sentence(strip, at, span?.after)}${here.length > 0 ? ` ${says.atWork(here.map((lane) => plain(lane.agent) + (lane.site ? ` (${lane.site})` : '')))}` : ''}`

  return (
    <section className="card strip" aria-label={props.name}>
      <div className="head">
        <h2>{props.name}</h2>
        <div className="actions">
          <label className="row">
            {says.by}
            <select value={by} onChange={(event) => setBy(event.target.value as 'keys' | 'bytes')}>
              <option value="keys">{says.keys}</option>
              <option value="bytes">{says.bytes}</option>
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
        aria-valuetext={said}
        aria-describedby={id}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return
          if (event.key === 'Enter') enter(at ?? 0)
          else if (event.key === 'z' && at !== null) props.zoom(spanOf(at, at))
          else if (event.key === 'Escape') props.up()
          else if (!move(event.key)) return
          event.preventDefault()
        }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId)
          drag([under(event), under(event)])
        }}
        onPointerMove={(event) => {
          const i = under(event)
          if (i !== at) select(i)
          if (dragged && dragged[1] !== i) drag([dragged[0], i])
        }}
        onPointerUp={released}
        onPointerCancel={() => drag(null)}
        onDoubleClick={() => at !== null && enter(at)}
      >
        <canvas ref={canvas} />
      </div>
      <p className="ends">
        <span>{nameOf(span?.after, says.beginning)}</span>
        <span>{nameOf(strip.at(-1)?.[0], says.end)}</span>
      </p>
      <p className="says">{said}</p>
      {at !== null && (
        <div className="row wraps">
          <button type="button" onClick={() => enter(at)}>
            {packetsOf(strip[at]!) > 1 && strip.length > 1 ? says.closer : says.show}
          </button>
        </div>
      )}
      <ul className="legend">
        {states.map((state) => (
          <li key={state} className={state}>
            {stateNames[state]} <b>{count(sums[state])}</b>
          </li>
        ))}
        <li className="trouble">
          {says.failed} <b>{count(sums.failed)}</b>
        </li>
      </ul>
      {sites.length > 0 && (
        <ul className="legend sites" aria-label={says.sites}>
          {sites.map((site, i) => (
            <li key={site} className={`site-${i % 6}`}>
              {says.site(
                site,
                count(lanes.filter((lane) => lane.site === site).reduce((sum, lane) => sum + lane.leased, 0)),
              )}
            </li>
          ))}
        </ul>
      )}
      <p className="quiet small" id={id}>
        {says.help}
      </p>
      <Told strip={strip} />
    </section>
  )
}

const noLanes: readonly Lane[] = []

/** The same for who hears it. */
const Told = memo(function Told({ strip }: { strip: readonly BucketRow[] }) {
  const rows = useMemo(() => condensed(strip, 40), [strip])
  return (
    <div className="hidden">
      <table>
        <caption>{says.table}</caption>
        <thead>
          <tr>
            <th scope="col">{says.through}</th>
            {states.map((state) => (
              <th scope="col" key={state}>
                {stateNames[state]}
              </th>
            ))}
            <th scope="col">{says.failed}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row[0] ?? '\u0000'}>
              <th scope="row">{row[0] === null ? says.end : keyName(row[0])}</th>
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
})
