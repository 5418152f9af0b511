/** All passes of a migration: what each came to, its report to take away, and two of them side by side. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { MigrationView, PassStatus } from '../../../shared/api/migrations.ts'
import { downloadReport, reportFormats } from '../../../shared/api/passes.ts'
import { evidenceClasses } from '../../../shared/counts.ts'
import { count, duration } from '../format.ts'
import { useLastPass } from '../last-pass.ts'
import { useMay } from '../may.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Compared } from '../parts/compared.tsx'
import { Download } from '../parts/download.tsx'
import { Empty } from '../parts/empty.tsx'
import { type Figure, Figures } from '../parts/figures.tsx'
import { More } from '../parts/more.tsx'
import { Shown } from '../parts/shown.tsx'
import { StartPass } from '../parts/start-pass.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { kindOf } from '../pass-kind.ts'
import * as migrations from '../queries/migrations.ts'
import * as queries from '../queries/passes.ts'
import { passTexts as texts } from '../texts/passes.ts'
import { texts as common } from '../texts.ts'

const from = '/w/$workspace/migrations/$migration/passes'

export function Passes() {
  const { workspace, migration } = useParams({ from })
  const { compare } = useSearch({ from })
  const navigate = useNavigate({ from })
  const asked = useInfiniteQuery(queries.passes(workspace, migration))
  // One is ticked before the other.
  const [first, tick] = useState<number | null>(null)
  const compareThese = (compare: readonly [number, number] | undefined) =>
    void navigate({ to: '.', search: (now) => ({ ...now, compare }), resetScroll: false })
  const toggle = (number: number) => {
    if (compare) {
      const rest = compare.find((one) => one !== number)
      if (compare.includes(number)) tick(rest ?? null)
      else tick(number)
      return compareThese(undefined)
    }
    if (first === null) return tick(number)
    tick(null)
    if (first !== number) compareThese([Math.min(first, number), Math.max(first, number)])
  }
  const ticked: readonly number[] = compare ?? (first === null ? [] : [first])
  return (
    <>
      <div className="head">
        <h2>{texts.title}</h2>
        <div className="actions">
          <Start />
        </div>
      </div>
      {compare && (
        <Compared
          workspace={workspace}
          migration={migration}
          from={compare[0]}
          to={compare[1]}
          end={() => compareThese(undefined)}
        />
      )}
      <Shown of={asked} what={common.what.passes}>
        {({ pages }) => {
          const passes = pages.flatMap((page) => page.passes)
          if (passes.length === 0) return <Empty says={texts.none} />
          return (
            <>
              {passes.length > 1 && !compare && (
                <p className="quiet" role="status">
                  {first === null ? texts.compare.help : texts.compare.another(first)}
                </p>
              )}
              <ul className="passes" aria-label={texts.title}>
                {passes.map((pass) => (
                  <li key={pass.number}>
                    <Pass
                      workspace={workspace}
                      migration={migration}
                      pass={pass}
                      tick={
                        passes.length > 1
                          ? { is: ticked.includes(pass.number), run: () => toggle(pass.number) }
                          : null
                      }
                    />
                  </li>
                ))}
              </ul>
              <More of={asked} />
            </>
          )
        }}
      </Shown>
    </>
  )
}

function Start() {
  const last = useLastPass()
  const may = useMay(last?.workspace ?? '', 'migrations:run')
  const [open, setOpen] = useState(false)
  if (!last || !may) return null
  const { workspace, migration }: { workspace: string; migration: MigrationView } = last
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        {texts.start}
      </button>
      <StartPass workspace={workspace} migration={migration} open={open} close={() => setOpen(false)} />
    </>
  )
}

function Pass(props: {
  workspace: string
  migration: string
  pass: PassStatus
  tick: { is: boolean; run(): void } | null
}) {
  const { workspace, migration, tick } = props
  const { number, state: listed } = props.pass
  // What runs is known better by the page around it, which hears of it as it happens.
  const { data: pass = props.pass } = useQuery({
    ...migrations.pass(workspace, migration, number),
    enabled: listed === 'running',
  })
  const { state, counts, startedAt, endedAt } = pass
  const failed = counts.objects.failed
  return (
    <article className="card pass" id={`pass-${number}`} aria-label={texts.pass(number)}>
      <div className="head">
        <h3>
          {texts.pass(number)}, {kindOf(pass)}
        </h3>
        <State is={state} says={common.state[state]} />
        <span className="quiet">
          {texts.began} <Time at={startedAt} />, {texts.lasted.toLowerCase()}{' '}
          {duration((endedAt ?? Date.now()) - startedAt)}
        </span>
        {tick && (
          <div className="actions">
            <label className="tick">
              <input
                type="checkbox"
                checked={tick.is}
                onChange={tick.run}
                aria-label={texts.compare.pick(number)}
              />
              {texts.compare.label}
            </label>
          </div>
        )}
      </div>
      <Figures of={figuresOf(pass)} />
      <Evidence pass={pass} />
      <div className="row">
        {failed > 0 && (
          <Link
            className="button"
            to="/w/$workspace/migrations/$migration"
            params={{ workspace, migration }}
            search={{ pass: number }}
          >
            {texts.failures(failed)}
          </Link>
        )}
        <span className="quiet">{texts.reports}</span>
        {reportFormats.map((format) => (
          <Download
            key={format}
            contract={downloadReport}
            params={{ workspace, migration, pass: number, format }}
          >
            {texts.formats[format]}
          </Download>
        ))}
      </div>
    </article>
  )
}

/** What is listed is the sum of what follows it; the rest only where there is some. */
function figuresOf({ counts, packets, events, sampled }: PassStatus): Figure[] {
  const { listed, same, copied, skipped, vanished, failed, deleted, extra } = counts.objects
  const some = (name: string, n: number) => (n > 0 ? [[name, count(n)] as const] : [])
  return [
    [texts.figures.listed, count(listed)],
    [texts.figures.same, count(same)],
    [texts.figures.copied, count(copied)],
    ...some(texts.figures.skipped, skipped),
    ...some(texts.figures.vanished, vanished),
    [texts.figures.failed, count(failed)],
    ...some(texts.figures.deleted, deleted),
    ...some(texts.figures.extra, extra),
    [texts.figures.bytesCopied, <Bytes key="bytes" of={counts.bytes.copied} />],
    ...(events ? some(texts.figures.events, events.objects) : []),
    ...some(texts.figures.sampled, sampled ?? 0),
    ...some(texts.figures.parked, packets.parked),
  ]
}

function Evidence({ pass: { counts } }: { pass: PassStatus }) {
  const proved = evidenceClasses.filter((one) => (counts.evidence[one] ?? 0) > 0)
  const dropped = Object.entries(counts.dropped)
  return (
    <>
      {proved.length > 0 && (
        <p>
          <span className="quiet">{texts.evidence.title}:</span>{' '}
          {proved.map((one) => `${count(counts.evidence[one]!)} ${texts.evidence[one]}`).join(', ')}
        </p>
      )}
      {dropped.length > 0 && (
        <p>
          <span className="quiet">{texts.dropped}:</span>{' '}
          {dropped.map(([name, n]) => `${name} (${count(n)})`).join(', ')}
        </p>
      )}
    </>
  )
}
