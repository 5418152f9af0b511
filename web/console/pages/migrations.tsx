/** The migrations of a workspace: searched, filtered, a page at a time; what is asked for is in the address. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { type MigrationView, passStates } from '../../../shared/api/migrations.ts'
import { count, percent } from '../format.ts'
import { briefly } from '../life/view.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Empty } from '../parts/empty.tsx'
import { SelectField, TextField } from '../parts/field.tsx'
import { Route } from '../parts/location.tsx'
import { More } from '../parts/more.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import { bar, known, settled } from '../progress.ts'
import * as queries from '../queries/migrations.ts'
import type { Listing } from '../search.ts'
import { migrationsTexts as says } from '../texts/migrations.ts'
import { texts } from '../texts.ts'

const from = '/w/$workspace/migrations'
const states = ['new', ...passStates] as const
/** Ms for which nobody types. */
const typedMs = 250

export function Migrations() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { state, text, order } = useSearch({ from })
  const navigate = useNavigate({ from })
  const asked = useInfiniteQuery(
    queries.migrations(workspace, { ...(state && { state }), ...(text && { text }) }),
  )
  const look = (change: { [name in keyof Listing]: Listing[name] | undefined }) =>
    void navigate({ search: (before) => ({ ...before, ...change }) as Listing, replace: true })
  const isAll = state === undefined && text === undefined
  return (
    <Page
      title={texts.nav.migrations}
      actions={
        <Link className="button primary" to="/w/$workspace/new-migration" params={{ workspace }}>
          {says.newMigration}
        </Link>
      }
    >
      <div className="fields">
        <Search text={text ?? ''} change={(text) => look({ text: text || undefined })} />
        <SelectField<'any' | (typeof states)[number]>
          label={says.state}
          value={state ?? 'any'}
          change={(one) => look({ state: one === 'any' ? undefined : one })}
          options={[['any', says.any], ...states.map((one) => [one, texts.state[one]] as const)]}
        />
        <SelectField<'newest' | NonNullable<Listing['order']>>
          label={says.order}
          value={order ?? 'newest'}
          change={(one) => look({ order: one === 'newest' ? undefined : one })}
          options={(['newest', 'name', 'failed', 'bytes'] as const).map((one) => [one, says.orders[one]])}
        />
      </div>
      <Shown of={asked} what={texts.what.migrations}>
        {({ pages }) => {
          const migrations = pages.flatMap((page) => page.migrations)
          if (migrations.length === 0)
            return isAll ? (
              <Empty says={texts.empty.migrations} command="dray copy s3://old-bucket s3://new-bucket" />
            ) : (
              <p className="quiet" role="status">
                {says.none}{' '}
                <button type="button" onClick={() => look({ state: undefined, text: undefined })}>
                  {says.clear}
                </button>
              </p>
            )
          return (
            <div>
              <Table
                caption={texts.nav.migrations}
                columns={columnsFor(workspace)}
                rows={sorted(migrations, order)}
                id={({ id }) => id}
              />
              <p className="quiet small">{says.keys}</p>
              <More of={asked} />
            </div>
          )
        }}
      </Shown>
    </Page>
  )
}

/** What is typed is asked for once nobody types. */
function Search({ text, change }: { text: string; change(text: string): void }) {
  const [typed, type] = useState(text)
  const latest = useRef(change)
  latest.current = change
  useEffect(() => type(text), [text])
  useEffect(() => {
    if (typed === text) return
    const timer = setTimeout(() => latest.current(typed), typedMs)
    return () => clearTimeout(timer)
  }, [typed, text])
  return <TextField label={says.search} type="search" maxLength={64} value={typed} change={type} />
}

const failedOf = ({ pass }: MigrationView) => pass?.counts.objects.failed ?? 0
const bytesOf = ({ pass }: MigrationView) => pass?.counts.bytes.copied ?? 0

function sorted(migrations: readonly MigrationView[], order: Listing['order']): readonly MigrationView[] {
  switch (order) {
    case undefined:
      return migrations
    case 'name':
      return migrations.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    case 'failed':
      return migrations.toSorted((a, b) => failedOf(b) - failedOf(a))
    case 'bytes':
      return migrations.toSorted((a, b) => bytesOf(b) - bytesOf(a))
    default:
      return order satisfies never
  }
}

const columnsFor = (workspace: string): Column<MigrationView>[] => [
  {
    name: says.columns.migration,
    kind: 'key',
    cell: ({ id, source, destination }) => (
      <div>
        <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration: id }}>
          {id}
        </Link>
        <div className="quiet">
          <Route source={source} destination={destination} />
        </div>
      </div>
    ),
  },
  {
    name: says.columns.state,
    cell: ({ pass, life }) => {
      if (life && life.state !== 'draft') return <State {...briefly(life)} />
      const state = pass?.state ?? 'new'
      return <State is={state} says={texts.state[state]} />
    },
  },
  {
    name: says.columns.done,
    kind: 'number',
    cell: ({ id, pass }) => {
      if (!pass) return '–'
      const { counts, expected } = pass
      // Before anything is listed nobody knows.
      if (counts.objects.listed + expected.objects === 0 && pass.state === 'running') return '–'
      const share = percent(settled(counts.objects), known(pass))
      return (
        <div className="share">
          {share}
          <progress {...bar(pass)} aria-label={says.progress(share, id)} />
        </div>
      )
    },
  },
  {
    name: says.columns.objects,
    kind: 'number',
    cell: ({ pass }) => count(pass?.counts.objects.listed ?? 0),
  },
  { name: says.columns.bytes, kind: 'number', cell: (migration) => <Bytes of={bytesOf(migration)} /> },
  { name: says.columns.failed, kind: 'number', cell: (migration) => count(failedOf(migration)) },
  { name: says.columns.created, cell: ({ createdAt }) => <Time at={createdAt} /> },
]
