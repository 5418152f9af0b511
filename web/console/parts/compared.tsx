/** Two passes side by side: their figures with what changed, and which failures were mended. */
import { useQuery } from '@tanstack/react-query'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { bytes, count, duration } from '../format.ts'
import { kindOf } from '../pass-kind.ts'
import * as queries from '../queries/passes.ts'
import { passTexts } from '../texts/passes.ts'
import { texts as common } from '../texts.ts'
import { Key } from './key.tsx'
import { Shown } from './shown.tsx'
import { Table } from './table.tsx'

const texts = passTexts.compare

interface Row {
  readonly name: string
  readonly from: string
  readonly to: string
  readonly change: string
}

export function Compared(props: {
  workspace: string
  migration: string
  from: number
  to: number
  end(): void
}) {
  const { workspace, migration, from, to } = props
  const asked = useQuery(queries.comparison(workspace, migration, from, to))
  return (
    <section className="objects" aria-label={texts.title(from, to)}>
      <div className="head">
        <h2>{texts.title(from, to)}</h2>
        <div className="actions">
          <button type="button" onClick={props.end}>
            {texts.end}
          </button>
        </div>
      </div>
      <Shown of={asked} what={common.what.comparison}>
        {({ from, to, failures }) => (
          <>
            <Table<Row>
              caption={texts.title(from.number, to.number)}
              columns={[
                { name: texts.figure, cell: ({ name }) => name },
                { name: passTexts.pass(from.number), kind: 'number', cell: (row) => row.from },
                { name: passTexts.pass(to.number), kind: 'number', cell: (row) => row.to },
                { name: texts.change, kind: 'number', cell: ({ change }) => change },
              ]}
              rows={rowsOf(from, to)}
              id={({ name }) => name}
            />
            <Keys
              title={texts.fixed(from.number)}
              says={isWhole(to) ? texts.fixedSays(to.number) : texts.gone(to.number)}
              of={failures.fixed}
            />
            <Keys title={texts.still} of={failures.still} />
            <Keys title={texts.new(to.number)} of={failures.new} />
          </>
        )}
      </Shown>
    </section>
  )
}

function rowsOf(from: PassStatus, to: PassStatus): Row[] {
  const figure = (name: string, a: number, b: number, say: (n: number) => string = count): Row => ({
    name,
    from: say(a),
    to: say(b),
    change: a === b ? texts.none : `${b > a ? '+' : '−'}${say(Math.abs(b - a))}`,
  })
  const { figures } = passTexts
  const [a, b] = [from.counts.objects, to.counts.objects]
  const lasted = ({ startedAt, endedAt }: PassStatus) => (endedAt ?? Date.now()) - startedAt
  const plain = (name: string, from: string, to: string): Row => ({ name, from, to, change: '' })
  return [
    plain(passTexts.dialog.kind, kindOf(from), kindOf(to)),
    plain(passTexts.state, common.state[from.state], common.state[to.state]),
    ...(['listed', 'same', 'copied', 'skipped', 'vanished', 'failed', 'deleted', 'extra'] as const)
      .filter((name) => a[name] > 0 || b[name] > 0)
      .map((name) => figure(figures[name], a[name], b[name])),
    figure(figures.bytesListed, from.counts.bytes.listed, to.counts.bytes.listed, bytes),
    figure(figures.bytesCopied, from.counts.bytes.copied, to.counts.bytes.copied, bytes),
    figure(passTexts.lasted, lasted(from), lasted(to), duration),
  ]
}

/** Whether it looked at everything. */
const isWhole = ({ state, retries }: PassStatus) =>
  retries === undefined && state !== 'running' && state !== 'cancelled'

function Keys(props: {
  title: string
  says?: string
  of: { objects: number; samples: { key: string; keyEscaped?: string | undefined }[] }
}) {
  const { title, says, of } = props
  return (
    <section className="card" aria-label={title}>
      <h3>
        {title}: {count(of.objects)}
      </h3>
      {of.samples.length > 0 && (
        <>
          {says && <p className="quiet">{says}</p>}
          {of.samples.length < of.objects && (
            <p className="quiet">{texts.some(of.samples.length, of.objects)}</p>
          )}
          <ul className="keys-of">
            {of.samples.map((sample) => (
              <li key={sample.keyEscaped ?? sample.key}>
                <Key of={sample} />
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
