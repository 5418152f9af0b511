/**
 * Failures, object by object: only what is in sight is drawn, and held. One stop for the Tab key; within it arrow keys move, and what is
 * chosen is told as a grid's rows.
 */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type MouseEvent, useRef, useState } from 'react'
import type { Failure } from '../../../shared/api/failures.ts'
import { announce } from '../announce.tsx'
import { when } from '../format.ts'
import { plain } from '../hostile.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Key, Said } from '../parts/key.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import type { Filter, OfPass } from '../queries/failures.ts'
import { nameOf, failureTexts as texts } from '../texts/failures.ts'
import { texts as common } from '../texts.ts'
import { type Chosen, isChosen, mostChosen, withThese } from './chosen.ts'
import { mostRows, useRows } from './rows.ts'

/** Rows beyond those in sight, to scroll into. */
const overscan = 12

export function List(props: {
  of: OfPass
  filter: Filter
  /** Of the filter, where it is known. */
  total: number | undefined
  chosen: Chosen
  choose(chosen: Chosen): void
  open(failure: Failure): void
}) {
  const { of, filter, total, chosen, choose, open } = props
  const [inSight, look] = useState<readonly [number, number]>([0, 20])
  const rows = useRows(of, filter, inSight)
  const [active, setActive] = useState(0)
  const anchor = useRef<number | null>(null)
  const frame = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.count,
    getScrollElement: () => frame.current,
    estimateSize: () => 64,
    overscan,
    onChange({ range }) {
      if (!range) return
      const next = [Math.max(0, range.startIndex - overscan), range.endIndex + overscan] as const
      look((now) => (now[0] === next[0] && now[1] === next[1] ? now : next))
    },
  })

  const chooseThese = (failures: readonly Failure[], isOn: boolean) => {
    const next = withThese(chosen, failures, isOn)
    if (next) choose(next)
    else announce(texts.list.tooMany(mostChosen))
  }
  const toggle = (row: number, through: boolean) => {
    const failure = rows.at(row)
    if (!failure || chosen.all) return
    if (through && anchor.current !== null && anchor.current !== row) {
      const [from, to] = [Math.min(anchor.current, row), Math.max(anchor.current, row)]
      if (to - from >= mostChosen) announce(texts.list.tooMany(mostChosen))
      else void rows.between(from, to).then((between) => chooseThese(between, true))
    } else chooseThese([failure], !isChosen(chosen, failure))
    anchor.current = row
  }
  const go = (row: number) => {
    const next = Math.max(0, Math.min(rows.count - 1, row))
    setActive(next)
    virtual.scrollToIndex(next)
  }
  const click = (event: MouseEvent) => {
    const at = event.target as HTMLElement
    const row = Number(at.closest('tr')?.dataset.index)
    const failure = rows.at(row)
    if (!failure) return
    setActive(row)
    if (at.closest('.select')) {
      // The keys go on where the mouse was.
      frame.current?.querySelector('table')?.focus({ preventScroll: true })
      toggle(row, event.shiftKey)
    } else if (at.closest('.key') && !at.closest('button')) open(failure)
  }
  const keyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return
    const moves: Record<string, number> = {
      ...{ ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + 10, PageUp: active - 10 },
      ...{ Home: 0, End: rows.count - 1 },
    }
    const to = moves[event.key]
    if (to !== undefined) go(to)
    else if (event.key === ' ') toggle(active, event.shiftKey)
    else if (event.key === 'Enter') {
      const failure = rows.at(active)
      if (failure) open(failure)
    } else return
    event.preventDefault()
  }
  const current = rows.at(active)
  return (
    <>
      <p className="quiet small keys">{texts.list.help}</p>
      {rows.error && (
        <div className="banner bad" role="alert">
          <p>
            {texts.list.lost} {rows.error.message}
          </p>
          <button type="button" onClick={rows.again}>
            {common.again}
          </button>
        </div>
      )}
      <div ref={frame} className="rows">
        <table
          // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table whose rows are chosen is a grid.
          role="grid"
          tabIndex={0}
          aria-label={texts.list.name}
          aria-multiselectable="true"
          aria-rowcount={(total ?? rows.count) + 1}
          aria-activedescendant={current ? `failure-${current.id}` : undefined}
          onKeyDown={keyDown}
          onClick={click}
        >
          <thead>
            <tr aria-rowindex={1}>
              {Object.entries(texts.list.columns).map(([name, says]) => (
                <th scope="col" key={name} className={name === 'state' ? 'stands' : name}>
                  {name === 'select' ? <span className="hidden">{says}</span> : says}
                </th>
              ))}
            </tr>
          </thead>
          <tbody style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map(({ index, start, key }) => (
              <Row
                key={key}
                row={index}
                start={start}
                measure={virtual.measureElement}
                failure={rows.at(index)}
                chosen={chosen}
                isActive={index === active}
              />
            ))}
          </tbody>
        </table>
      </div>
      {rows.isCut && <p className="quiet">{texts.list.end(mostRows)}</p>}
    </>
  )
}

function Row(props: {
  row: number
  start: number
  measure(element: HTMLElement | null): void
  failure: Failure | null
  chosen: Chosen
  isActive: boolean
}) {
  const { row, start, failure, chosen } = props
  const at = {
    ref: props.measure,
    'data-index': row,
    'aria-rowindex': row + 2,
    style: { transform: `translateY(${start}px)` },
  }
  if (!failure) {
    return (
      <tr {...at}>
        <td className="key quiet">{texts.list.loading}</td>
      </tr>
    )
  }
  const isOn = isChosen(chosen, failure)
  const { waiver, retriedBy } = failure
  return (
    <tr
      {...at}
      id={`failure-${failure.id}`}
      className={props.isActive ? 'active' : undefined}
      aria-selected={isOn}
    >
      <td className="select">
        <input
          type="checkbox"
          tabIndex={-1}
          readOnly
          checked={isOn}
          disabled={chosen.all}
          aria-label={texts.list.select(plain(failure.key, 60))}
        />
      </td>
      <td className="key">
        <Key of={failure} most={160} brief />
        <small className="quiet">
          <Said text={failure.message} most={200} brief />
        </small>
      </td>
      <td className="cause">{nameOf(failure.code)}</td>
      <td className="bytes">
        <Bytes of={failure.bytes} />
      </td>
      <td className="at">
        <Time at={failure.at} />
      </td>
      <td className="stands">
        <State is={stateOf[failure.state]} says={texts.states[failure.state]} />
        {waiver && (
          <small className="quiet">
            {texts.one.waivedBy(plain(waiver.by, 60), when(waiver.at))}:{' '}
            <Said text={waiver.reason} most={80} brief />
          </small>
        )}
        {retriedBy !== null && <small className="quiet">{texts.list.retriedBy(retriedBy)}</small>}
      </td>
    </tr>
  )
}

export const stateOf = { open: 'failed', retried: 'running', waived: 'cancelled' } as const
