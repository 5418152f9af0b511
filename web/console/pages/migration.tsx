import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useParams } from '@tanstack/react-router'
import { cancelPass, type MigrationView, type PassStatus, startPass } from '../../../shared/api/migrations.ts'
import { call } from '../../api.ts'
import { bytes, count, duration, percent, when } from '../format.ts'
import { Code } from '../parts/code.tsx'
import { Empty } from '../parts/empty.tsx'
import { Figures } from '../parts/figures.tsx'
import { Route } from '../parts/location.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries.ts'
import { texts } from '../texts.ts'
import { known, settled } from './migrations.tsx'

const from = '/w/$workspace/migrations/$migration'

export function Migration() {
  const { workspace, migration: id } = useParams({ from })
  const asked = useQuery(queries.migration(workspace, id))
  return (
    <Shown of={asked} what="this migration">
      {(migration) =>
        migration.pass ? (
          <WithPass workspace={workspace} migration={migration} number={migration.pass.number} />
        ) : (
          <>
            <Head workspace={workspace} migration={migration} pass={null} />
            <p className="quiet">{texts.state.new}</p>
          </>
        )
      }
    </Shown>
  )
}

function WithPass(props: { workspace: string; migration: MigrationView; number: number }) {
  const { workspace, migration, number } = props
  const asked = useQuery({
    ...queries.pass(workspace, migration.id, number),
    // Until the object itself has answered: as the catalogue last heard of it.
    placeholderData: migration.pass ?? undefined,
  } as ReturnType<typeof queries.pass>)
  return (
    <Shown of={asked} what="this pass">
      {(pass) => (
        <>
          <Head workspace={workspace} migration={migration} pass={pass} />
          <Troubles pass={pass} />
          <PassFigures pass={pass} />
          <Tabs workspace={workspace} migration={migration.id} pass={pass} />
          <Outlet />
        </>
      )}
    </Shown>
  )
}

function Head(props: { workspace: string; migration: MigrationView; pass: PassStatus | null }) {
  const { workspace, migration, pass } = props
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: async () => {
      const params = { workspace, migration: migration.id }
      if (pass?.state === 'running')
        await call(cancelPass, { params: { ...params, pass: pass.number } } as never)
      else await call(startPass, { params, body: pass?.options ?? {} })
    },
    onSettled: () => client.invalidateQueries({ queryKey: [workspace, 'migrations'] }),
  })
  const running = pass?.state === 'running'
  const state = pass?.state ?? 'new'
  return (
    <div>
      <p>
        <Link to="/w/$workspace" params={{ workspace }}>
          {texts.nav.migrations}
        </Link>
      </p>
      <div className="head">
        <h1>{migration.id}</h1>
        <State is={state} says={texts.state[state]} />
        <div className="actions">
          <button
            type="button"
            className={running ? undefined : 'primary'}
            disabled={change.isPending}
            onClick={() => change.mutate()}
          >
            {running ? 'Cancel the pass' : pass ? 'Start the next pass' : 'Start'}
          </button>
        </div>
      </div>
      <Route source={migration.source} destination={migration.destination} />
      {change.error && (
        <div className="banner bad" role="alert">
          <p>{change.error.message}</p>
        </div>
      )}
    </div>
  )
}

function Troubles({ pass }: { pass: PassStatus }) {
  return (
    <>
      {pass.waitsFor && (
        <div className="banner" role="status">
          <p>{pass.waitsFor.message}</p>
        </div>
      )}
      <Errors pass={pass} />
    </>
  )
}

function Errors({ pass }: { pass: PassStatus }) {
  return pass.errors.map(({ error, packets, parked }) => (
    <div className="banner bad" role="status" key={`${error.code} ${error.op}`}>
      <p>
        <strong>
          {count(packets)} {packets === 1 ? 'packet' : 'packets'}
          {parked > 0 ? `, ${count(parked)} of them parked` : ', being tried again'}
        </strong>
        {`: ${error.message}`}
      </p>
      {error.hint && <p className="quiet">{error.hint}</p>}
    </div>
  ))
}

function PassFigures({ pass }: { pass: PassStatus }) {
  const { counts, expected, packets, surveying, state, startedAt, endedAt, agents, inFlight } = pass
  const done = settled(counts.objects)
  const all = known(pass)
  const lasted = (endedAt ?? Date.now()) - startedAt
  const rate = lasted > 0 ? (counts.bytes.copied / lasted) * 1000 : 0
  const listing = state === 'running' && surveying ? texts.figures.listing : undefined
  return (
    <>
      <progress
        max={Math.max(all, 1)}
        value={done}
        aria-label={`${percent(done, all)} of the objects are settled`}
      />
      <Figures
        of={[
          [
            texts.figures.objects,
            `${count(done)} of ${count(Math.max(counts.objects.listed, expected.objects))}`,
            listing,
          ],
          [
            texts.figures.bytes,
            bytes(counts.bytes.copied + inFlight.bytes),
            `${bytes(expected.bytes)} expected`,
          ],
          [texts.figures.rate, `${bytes(rate)}/s`, 'on average'],
          ['Same', count(counts.objects.same)],
          ['Copied', count(counts.objects.copied)],
          ['Failed', count(counts.objects.failed)],
          [
            'Packets',
            `${count(packets.done)} done`,
            `${count(packets.leased)} leased, ${count(packets.ready)} ready, ${count(packets.parked)} parked`,
          ],
          [texts.figures.agents, count(agents), state === 'running' ? 'work for it' : undefined],
          [texts.figures.began, when(startedAt), `${texts.figures.lasted.toLowerCase()} ${duration(lasted)}`],
        ]}
      />
    </>
  )
}

function Tabs(props: { workspace: string; migration: string; pass: PassStatus }) {
  const { workspace, migration, pass } = props
  const params = { workspace, migration }
  return (
    <nav className="tabs" aria-label="Of this migration">
      <Link to="/w/$workspace/migrations/$migration" params={params} activeOptions={{ exact: true }}>
        Failures ({count(pass.counts.objects.failed)})
      </Link>
      <Link to="/w/$workspace/migrations/$migration/packets" params={params}>
        Packets
      </Link>
      <Link to="/w/$workspace/migrations/$migration/settings" params={params}>
        Definition
      </Link>
    </nav>
  )
}

/** The last pass of the migration in the address, for its tabs. */
function usePass(): { workspace: string; migration: MigrationView; number: number } | null {
  const { workspace, migration: id } = useParams({ from })
  const { data } = useQuery(queries.migration(workspace, id))
  return data?.pass ? { workspace, migration: data, number: data.pass.number } : null
}

export function Failures() {
  const at = usePass()
  return at && <FailuresOf {...at} />
}

function FailuresOf({ workspace, migration, number }: NonNullable<ReturnType<typeof usePass>>) {
  const status = useQuery(queries.pass(workspace, migration.id, number))
  const asked = useInfiniteQuery(queries.failures(workspace, migration.id, number))
  const causes = status.data?.failureCauses ?? []
  if (causes.length === 0) return <Empty says={texts.empty.failures} />
  return (
    <>
      <Table
        caption="Causes"
        columns={[
          { name: 'Cause', cell: ({ code }) => <code>{code}</code> },
          { name: 'Objects', kind: 'number', cell: ({ objects }) => count(objects) },
          { name: 'Bytes', kind: 'number', cell: (cause) => bytes(cause.bytes) },
          { name: 'For example', kind: 'key', cell: ({ message }) => message },
        ]}
        rows={causes}
        id={({ code }) => code}
      />
      <Shown of={asked} what="failures">
        {({ pages }) => (
          <>
            <Table
              caption="Objects that failed"
              columns={[
                { name: 'Key', kind: 'key', cell: ({ key }) => <span className="mono">{key}</span> },
                { name: 'Cause', cell: ({ code }) => <code>{code}</code> },
                { name: 'Message', kind: 'key', cell: ({ message }) => message },
              ]}
              rows={pages.flatMap(({ failures }) => failures)}
              id={({ key, keyEscaped }) => keyEscaped ?? key}
            />
            {asked.hasNextPage && (
              <button type="button" onClick={() => void asked.fetchNextPage()}>
                {texts.more}
              </button>
            )}
          </>
        )}
      </Shown>
    </>
  )
}

export function Packets() {
  const at = usePass()
  return at && <PacketsOf {...at} />
}

function PacketsOf({ workspace, migration, number }: NonNullable<ReturnType<typeof usePass>>) {
  const asked = useInfiniteQuery(queries.packets(workspace, migration.id, number))
  return (
    <Shown of={asked} what="packets">
      {({ pages }) => (
        <>
          <Table
            caption="Packets, in the order of keys"
            columns={[
              { name: 'Packet', kind: 'number', cell: ({ id }) => id },
              { name: 'Kind', cell: ({ kind }) => kind },
              { name: 'State', cell: ({ state }) => <State is={stateOf[state]} says={state} /> },
              {
                name: 'After',
                kind: 'key',
                cell: ({ after }) => <span className="mono">{after ?? 'the beginning'}</span>,
              },
              {
                name: 'Through',
                kind: 'key',
                cell: ({ through }) => <span className="mono">{through ?? 'the end'}</span>,
              },
              { name: 'Agent', cell: ({ agent }) => agent ?? '–' },
              { name: 'Attempts', kind: 'number', cell: ({ attempts }) => attempts },
            ]}
            rows={pages.flatMap((page) => page.packets)}
            id={({ id }) => String(id)}
          />
          {asked.hasNextPage && (
            <button type="button" onClick={() => void asked.fetchNextPage()}>
              {texts.more}
            </button>
          )}
        </>
      )}
    </Shown>
  )
}

const stateOf = { ready: 'new', leased: 'running', done: 'complete', parked: 'failed' } as const

export function Settings() {
  const { workspace, migration: id } = useParams({ from })
  const asked = useQuery(queries.migration(workspace, id))
  return (
    <Shown of={asked} what="this migration">
      {({ pass: _, ...definition }) => <Code label="Definition" text={JSON.stringify(definition, null, 2)} />}
    </Shown>
  )
}
