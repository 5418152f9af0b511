/** What failed in a pass of a migration: by cause, and object by object; to try again, to let be, to take away. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import {
  type Cause,
  downloadFailures,
  type Failure,
  type FailureState,
} from '../../../shared/api/failures.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { CauseList, ParkedList } from '../failures/cause-list.tsx'
import { nothing, selectionOf, type Tally, type Chosen as Ticked, tallyOf } from '../failures/chosen.ts'
import { Deeds, type Doable } from '../failures/deeds.tsx'
import { Details } from '../failures/details.tsx'
import { FilterForm } from '../failures/filter-form.tsx'
import { List } from '../failures/list.tsx'
import { useLastPass } from '../last-pass.ts'
import { isAtRest } from '../life/view.ts'
import { useMay } from '../may.ts'
import { Download } from '../parts/download.tsx'
import { Empty } from '../parts/empty.tsx'
import { SelectField } from '../parts/field.tsx'
import { Notice } from '../parts/notice.tsx'
import { Shown } from '../parts/shown.tsx'
import { kindOf } from '../pass-kind.ts'
import * as queries from '../queries/failures.ts'
import { life } from '../queries/life.ts'
import * as migrations from '../queries/migrations.ts'
import { passes } from '../queries/passes.ts'
import { failureTexts as texts } from '../texts/failures.ts'
import { texts as common } from '../texts.ts'

const from = '/w/$workspace/migrations/$migration/'

export function Failures() {
  const { workspace, migration } = useParams({ from })
  const { pass, cause, prefix, text, state } = useSearch({ from })
  const last = useLastPass()
  if (!last) return null
  const filter = { cause, prefix, text, state }
  return <Chosen of={{ workspace, migration, pass }} last={last.migration.pass!} filter={filter} />
}

/**
 * The pass in the address; else the last one. Where that only tries again what failed before, and nothing did once more, what is still open is
 * of the one before.
 */
function Chosen(props: {
  of: Omit<queries.OfPass, 'pass'> & { pass: number | undefined }
  /** As the catalogue last heard of it: what failed is asked for without waiting for more. */
  last: PassStatus
  filter: queries.Filter
}) {
  const { of, filter } = props
  const last = props.last.number
  const { data: latest = props.last } = useQuery(migrations.pass(of.workspace, of.migration, last))
  const isBefore = latest.counts.objects.failed === 0 && latest.open > 0
  const found = useLeft({ ...of, last, isNew: latest.state === 'running' && latest.open === 0 })
  const pass = of.pass ?? found ?? (isBefore ? (latest.retries ?? last) : last)
  return <OfPass key={pass} of={{ ...of, pass }} last={last} filter={filter} />
}

/**
 * Of a migration that follows: what the pass before left open, while the next one has not come so far as to find it again. Null: the last one
 * is meant.
 */
function useLeft(of: { workspace: string; migration: string; last: number; isNew: boolean }): number | null {
  const { data: led } = useQuery(life(of.workspace, of.migration))
  const { data } = useInfiniteQuery({
    ...passes(of.workspace, of.migration),
    enabled: of.isNew && led?.lag.of === 'failure',
  })
  if (!of.isNew || led?.lag.of !== 'failure') return null
  const before = data?.pages[0]?.passes.find(({ number }) => number < of.last)
  return before && before.open > 0 ? before.number : null
}

function OfPass({ of, last, filter }: { of: queries.OfPass; last: number; filter: queries.Filter }) {
  const may = useMay(of.workspace, 'migrations:run')
  const status = useQuery(migrations.pass(of.workspace, of.migration, of.pass))
  const latest = useQuery(migrations.pass(of.workspace, of.migration, last))
  const causes = useQuery(queries.causes(of))
  const { data: led } = useQuery(life(of.workspace, of.migration))
  const isRunning = latest.data?.state === 'running'
  const busy = !isRunning ? null : isAtRest(led) ? texts.waits(last) : texts.follows(last)
  return (
    <>
      <Passes of={of} last={last} />
      <Shown of={status} what={common.what.pass}>
        {(pass) => (
          <Shown of={causes} what={common.what.failures}>
            {({ causes }) => (
              <>
                <Elsewhere pass={pass} last={last} open={sum(causes, 'open')} />
                <All on={{ of, pass, busy, may }} causes={causes} filter={filter} />
              </>
            )}
          </Shown>
        )}
      </Shown>
    </>
  )
}

/** Which pass; where there is only one, it is that. */
function Passes({ of, last }: { of: queries.OfPass; last: number }) {
  const navigate = useNavigate({ from })
  const { data } = useInfiniteQuery({ ...passes(of.workspace, of.migration), enabled: last > 1 })
  const all = data?.pages.flatMap(({ passes }) => passes) ?? []
  if (all.length < 2 && of.pass === last) return null
  const name = ({ number, counts, ...pass }: PassStatus) =>
    texts.passIs(number, kindOf(pass), counts.objects.failed)
  const options = all.map((pass) => [String(pass.number), name(pass)] as const)
  if (!all.some(({ number }) => number === of.pass)) options.push([String(of.pass), texts.title(of.pass)])
  return (
    <div className="fields">
      <SelectField
        label={texts.pass}
        value={String(of.pass)}
        change={(pass) =>
          void navigate({
            to: '.',
            search: (now) => ({ ...now, ...noFilter, pass: Number(pass) }),
            resetScroll: false,
          })
        }
        options={options}
      />
    </div>
  )
}

/** Where else to look: what failed is of the pass in which it did, and a retry is another one. */
function Elsewhere({ pass, last, open }: { pass: PassStatus; last: number; open: number }) {
  const { number, retries } = pass
  const others = pass.open - open
  return (
    <>
      {number !== last && (
        <Notice kind="note">
          <p>
            {texts.older(number)} <ToPass pass={last} />
          </p>
        </Notice>
      )}
      {retries !== undefined && (
        <Notice kind={others > 0 ? 'warn' : 'note'}>
          <p>
            {texts.retries(number, retries)} {others > 0 && texts.others(others)} <ToPass pass={retries} />
          </p>
        </Notice>
      )}
    </>
  )
}

const ToPass = ({ pass }: { pass: number }) => (
  <Link from={from} to="." search={(now) => ({ ...now, ...noFilter, pass })} resetScroll={false}>
    {texts.title(pass)}
  </Link>
)

const noFilter = { cause: undefined, prefix: undefined, text: undefined, state: undefined }

const sum = (causes: readonly Cause[], of: 'open' | 'waived' | 'objects') =>
  causes.reduce((sum, cause) => sum + cause[of], 0)

function All({ on, causes, filter }: { on: Doable; causes: readonly Cause[]; filter: queries.Filter }) {
  const { pass, busy } = on
  const isRunning = pass.state === 'running'
  const { parked, ready, leased } = pass.packets
  const undone = isRunning ? 0 : parked + ready + leased
  if (causes.length === 0 && undone === 0 && parked === 0) {
    return <Empty says={isRunning ? texts.noneYet : texts.none} />
  }
  const tally = { open: sum(causes, 'open'), waived: sum(causes, 'waived'), isMore: false }
  return (
    <>
      {busy && (
        <Notice kind="note">
          <p>{busy}</p>
        </Notice>
      )}
      {filter.cause === undefined && (
        <>
          <div className="head">
            <h2>{texts.title(pass.number)}</h2>
            {causes.length > 0 && <span>{texts.objects(sum(causes, 'objects'))}</span>}
            {(causes.length > 1 || undone > 0) && (
              <div className="actions">
                <Deeds on={on} selection={{}} tally={{ ...tally, waived: 0 }} undone={undone} />
              </div>
            )}
          </div>
          <ParkedList pass={pass} />
        </>
      )}
      <CauseList on={on} causes={causes} chosen={filter.cause} />
      {causes.length > 0 && <Objects key={JSON.stringify(filter)} on={on} causes={causes} filter={filter} />}
    </>
  )
}

function Objects({ on, causes, filter }: { on: Doable; causes: readonly Cause[]; filter: queries.Filter }) {
  const { of } = on
  const [chosen, choose] = useState<Ticked>(nothing)
  const [open, show] = useState<Failure | null>(null)
  const all = useQuery(queries.matching(of, filter)).data
  const total = all && texts.of(all.matching, all.isMore)
  const remedy = (id: string) => causes.find((cause) => cause.id === id)?.remedy
  return (
    <section className="objects" aria-label={texts.list.name}>
      <div className="head">
        <h2>{texts.list.name}</h2>
        <div className="actions">
          {(['csv', 'ndjson'] as const).map((format) => (
            <Download
              key={format}
              contract={downloadFailures}
              params={{ ...of }}
              query={{ ...filter, cause: filter.cause?.toString(), format }}
            >
              {texts.formats[format]}
            </Download>
          ))}
        </div>
      </div>
      <FilterForm filter={filter} causes={causes} />
      {all?.matching === 0 ? (
        <Empty says={texts.noneHere} />
      ) : (
        <>
          <div className="row chosen">
            <label className="tick">
              <input
                type="checkbox"
                checked={chosen.all}
                disabled={!all}
                onChange={(event) => choose(event.target.checked ? { all: true } : nothing)}
              />
              {texts.list.all(total ?? '…')}
            </label>
            {chosen.all ? (
              <OfAll on={on} filter={filter} done={() => choose(nothing)} />
            ) : (
              chosen.some.size > 0 && (
                <>
                  <span role="status">{texts.list.chosen(texts.of(chosen.some.size, false))}</span>
                  <Deeds
                    on={on}
                    selection={selectionOf(chosen, filter)}
                    tally={tallyOf(chosen.some)}
                    done={() => choose(nothing)}
                  />
                  <button type="button" onClick={() => choose(nothing)}>
                    {texts.list.clear}
                  </button>
                </>
              )
            )}
          </div>
          <List of={of} filter={filter} total={all?.matching} chosen={chosen} choose={choose} open={show} />
        </>
      )}
      {open && <Details on={on} failure={open} remedy={remedy(open.cause)} close={() => show(null)} />}
    </section>
  )
}

/** What can be done about all that the filter shows: to those of a state that it shows. */
function OfAll({ on, filter, done }: { on: Doable; filter: queries.Filter; done(): void }) {
  const ofState = (state: FailureState) => ({ ...filter, state })
  const open = useQuery(queries.matching(on.of, ofState('open'))).data
  const waived = useQuery(queries.matching(on.of, ofState('waived'))).data
  if (!open || !waived) return null
  const shows = (state: FailureState) => filter.state === undefined || filter.state === state
  const tally: Tally = {
    open: shows('open') ? open.matching : 0,
    waived: shows('waived') ? waived.matching : 0,
    isMore: open.isMore || waived.isMore,
  }
  return <Deeds on={on} selection={selectionOf({ all: true }, filter)} tally={tally} done={done} />
}
