/** What a first pass is going to take: from what was counted, and prices that people can correct. */
import type { Scan } from '../../../shared/api/browse.ts'
import type { ConnectionView } from '../../../shared/api/connections.ts'
import { type EndEstimate, estimate, type Rate } from '../../../shared/estimate.ts'
import { type Prices, priceLists, pricesOf } from '../../../shared/prices.ts'
import { bytes, count, duration } from '../format.ts'
import { SelectField, TextField } from '../parts/field.tsx'
import { Figures } from '../parts/figures.tsx'
import { Table } from '../parts/table.tsx'
import { newMigrationTexts } from '../texts/new-migration.ts'
import type { Draft, Which } from './draft.ts'
import { Control } from './filters.tsx'
import type { Scanner } from './scanning.ts'

const texts = newMigrationTexts.estimate
const sides = ['source', 'destination'] as const

export function Estimating(props: {
  draft: Draft
  change(part: Partial<Draft>): void
  connections: readonly ConnectionView[]
  scanner: Scanner
  /** What a migration like it has moved. */
  measured: Rate | null
}) {
  const { draft, change, scanner, measured } = props
  const { sum } = scanner
  if (!sum) {
    return <p className="quiet">{scanner.state === 'running' ? texts.counting : texts.notYet}</p>
  }
  const prices = {
    source: pricesFor(draft, 'source', props.connections),
    destination: pricesFor(draft, 'destination', props.connections),
  }
  const isAll = scanner.state === 'done'
  const of = estimate(sum, { ...prices, measured })
  const least = (text: string) => (isAll ? text : texts.atLeast(text))
  /** The same in a table. */
  const sign = (text: string, n: number) => (isAll || n === 0 ? text : texts.sign(text))
  const total = (of.source.cost?.total ?? 0) + (of.destination.cost?.total ?? 0)
  const isOneStore =
    draft.source.by === 'connection' &&
    draft.destination.by === 'connection' &&
    draft.source.name === draft.destination.name &&
    draft.options.serverSideCopy === 'auto'
  return (
    <>
      <div className="row between">
        <p role="status">{scanner.isOld ? texts.counting : restsOn(sum, isAll)}</p>
        {!isAll && <Control of={scanner} />}
      </div>
      <Figures
        of={[
          [texts.objects, least(count(of.objects))],
          [texts.bytes, least(bytes(of.bytes))],
          [
            texts.duration,
            least(range(of.seconds.least, of.seconds.most)),
            measured ? texts.measured : texts.assumed,
          ],
          [texts.cost, least(money(total)), texts.costNote],
        ]}
      />
      <Table
        caption={texts.ends}
        columns={[
          { name: texts.end, cell: (which: Which) => texts.sides[which] },
          ...(['list', 'read', 'write'] as const).map((kind) => ({
            name: texts.requests[kind],
            kind: 'number' as const,
            cell: (which: Which) => sign(count(of[which].requests[kind]), of[which].requests[kind]),
          })),
          { name: texts.forRequests, kind: 'number', cell: (which) => cost(of[which], 'requests', sign) },
          { name: texts.forTraffic, kind: 'number', cell: (which) => cost(of[which], 'egress', sign) },
          { name: texts.total, kind: 'number', cell: (which) => cost(of[which], 'total', sign) },
        ]}
        rows={sides.filter((which) => draft[which].by !== '')}
        id={(which) => which}
      />
      {isOneStore && <p className="quiet small">{texts.oneStore}</p>}
      <p className="quiet small">{texts.firstPass}</p>
      <div className="choices">
        {sides.map((which) => {
          const now = prices[which]
          const set = (to: Prices | null) => change({ prices: { ...draft.prices, [which]: to } })
          return (
            now && (
              <PriceList key={which} which={which} of={now} isOwn={draft.prices[which] !== null} set={set} />
            )
          )
        })}
      </div>
    </>
  )
}

/** Null for a directory, of which nothing is asked, and where nothing is chosen yet. */
function pricesFor(draft: Draft, which: Which, connections: readonly ConnectionView[]): Prices | null {
  const { by, name, like } = draft[which]
  if (by === 'site' || by === '') return null
  if (draft.prices[which]) return draft.prices[which]
  const connection = connections.find(({ id }) => id === name)
  return pricesOf(by === 'connection' ? (connection?.endpoint ?? null) : (like?.endpoint ?? null))
}

function restsOn({ taken, left }: Scan, isAll: boolean): string {
  const n = count(taken.objects + left.objects)
  return isAll ? texts.all(n) : texts.first(n)
}

function range(least: number, most: number): string {
  const [from, to] = [duration(least * 1_000), duration(most * 1_000)]
  return from === to ? texts.about(to) : texts.range(from, to)
}

const dollars = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' })
const money = (n: number) => (n > 0 && n < 0.01 ? texts.underACent : dollars.format(n))

const cost = (
  { cost }: EndEstimate,
  of: 'requests' | 'egress' | 'total',
  sign: (text: string, n: number) => string,
) => (cost === null ? texts.free : sign(money(cost[of]), cost[of]))

const names = Object.keys(priceLists) as (keyof typeof priceLists)[]
const figures = ['list', 'read', 'write', 'egress'] as const

function PriceList(props: { which: Which; of: Prices; isOwn: boolean; set(to: Prices | null): void }) {
  const { which, of, set } = props
  const known = names.find((name) => priceLists[name].name === of.name) ?? ''
  return (
    <details>
      <summary>{texts.prices(texts.sides[which], of.name, of.asOf)}</summary>
      <SelectField<keyof typeof priceLists | ''>
        label={texts.list}
        value={known}
        change={(name) => name !== '' && set(priceLists[name])}
        options={[
          ...(known === '' ? [['', of.name] as const] : []),
          ...names.map((name) => [name, priceLists[name].name] as const),
        ]}
      />
      <p className="quiet small">{of.note}</p>
      <div className="fields">
        {figures.map((figure) => (
          <TextField
            key={figure}
            label={texts.figures[figure]}
            type="number"
            min={0}
            step="any"
            inputMode="decimal"
            value={String(of[figure])}
            change={(text) => {
              const value = Number(text)
              if (!(value >= 0 && value <= 1_000_000)) return
              set({ ...of, [figure]: value, name: texts.own, asOf: null, note: '' })
            }}
          />
        ))}
      </div>
      {props.isOwn && (
        <button type="button" onClick={() => set(null)}>
          {texts.usual}
        </button>
      )}
    </details>
  )
}
