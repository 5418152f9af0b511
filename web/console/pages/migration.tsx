import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useParams, useSearch } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { cancelPass, type MigrationView, type PassStatus, startPass } from '../../../shared/api/migrations.ts'
import { call } from '../../api.ts'
import { left, pointOf, rateOver } from '../estimate.ts'
import { bytes, count, duration, percent, when } from '../format.ts'
import { useLastPass } from '../last-pass.ts'
import { type Live, useLive } from '../live.ts'
import { Code } from '../parts/code.tsx'
import { Figures } from '../parts/figures.tsx'
import { KeySpace } from '../parts/key-space.tsx'
import { Lanes } from '../parts/lanes.tsx'
import { LinkState } from '../parts/link.tsx'
import { Route } from '../parts/location.tsx'
import { More } from '../parts/more.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { packetsIn } from '../parts/strip-model.ts'
import { Table } from '../parts/table.tsx'
import { Throughput } from '../parts/throughput.tsx'
import * as queries from '../queries/migrations.ts'
import { texts } from '../texts.ts'
import { known, settled } from './migrations.tsx'

const from = '/w/$workspace/migrations/$migration'

export function Migration() {
  const { workspace, migration: id } = useParams({ from })
  const asked = useQuery(queries.migration(workspace, id))
  const live = useLive(workspace, id)
  useTold(workspace, id, live.known?.pass ?? null)
  return (
    <Shown of={asked} what="this migration">
      {(migration) =>
        migration.pass ? (
          <WithPass workspace={workspace} migration={migration} number={migration.pass.number} live={live} />
        ) : (
          <>
            <Head workspace={workspace} migration={migration} pass={null} live={live} />
            <p className="quiet">{texts.state.new}</p>
          </>
        )
      }
    </Shown>
  )
}

/** Lists are asked for again so long after something failed (ms), at most once in that time. */
const listsMs = 3_000

/** What the socket says is what every part of the page knows; lists that it makes stale are asked for again. */
function useTold(workspace: string, id: string, told: PassStatus | null): void {
  const client = useQueryClient()
  const failed = told?.counts.objects.failed ?? 0
  const shown = useRef(failed)
  const latest = useRef(failed)
  latest.current = failed
  useEffect(() => {
    if (!told) return
    const { queryKey } = queries.pass(workspace, id, told.number)
    client.setQueryData<PassStatus>(queryKey, (known) => ({ ...known, ...told }))
  }, [client, workspace, id, told])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when these change.
  useEffect(() => {
    if (told) void client.invalidateQueries({ queryKey: [workspace, 'migrations', id] })
  }, [client, workspace, id, told?.number, told?.state])
  useEffect(() => {
    const timer = setInterval(() => {
      if (latest.current === shown.current) return
      shown.current = latest.current
      void client.invalidateQueries({ queryKey: queries.failuresOf(workspace, id) })
    }, listsMs)
    return () => clearInterval(timer)
  }, [client, workspace, id])
}

function WithPass(props: { workspace: string; migration: MigrationView; number: number; live: Live }) {
  const { workspace, migration, number, live } = props
  const asked = useQuery({
    ...queries.pass(workspace, migration.id, number),
    // Until the object itself has answered: as the catalogue last heard of it.
    placeholderData: migration.pass ?? undefined,
  } as ReturnType<typeof queries.pass>)
  return (
    <Shown of={asked} what="this pass">
      {(asked) => {
        // The very last that was said: what was asked for comes from the same, a little later.
        const told = live.known?.pass
        const pass: PassStatus = told?.number === number ? { ...asked, ...told } : asked
        return (
          <>
            <Head workspace={workspace} migration={migration} pass={pass} live={live} />
            <Troubles pass={pass} />
            <PassFigures pass={pass} live={live} />
            <KeySpace workspace={workspace} migration={migration.id} pass={pass} live={live} />
            <Throughput points={live.known?.points ?? []} />
            {pass.state === 'running' && <Lanes lanes={live.known?.lanes ?? []} />}
            <Tabs workspace={workspace} migration={migration.id} pass={pass} />
            <Outlet />
          </>
        )
      }}
    </Shown>
  )
}

function Head(props: { workspace: string; migration: MigrationView; pass: PassStatus | null; live: Live }) {
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
        <LinkState live={props.live} />
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

function PassFigures({ pass, live }: { pass: PassStatus; live: Live }) {
  const { counts, expected, packets, surveying, state, startedAt, endedAt, agents, inFlight } = pass
  const done = settled(counts.objects)
  const all = known(pass)
  const lasted = (endedAt ?? Date.now()) - startedAt
  const average = lasted > 0 ? (counts.bytes.copied / lasted) * 1000 : 0
  const running = state === 'running'
  const points = [
    ...(live.known?.points ?? []),
    pointOf(pass, (live.heardAt ?? startedAt) + (live.known?.ahead ?? 0)),
  ]
  const rate = running ? rateOver(points, 15_000) : null
  const remaining = left(pass, points)
  // As the strip has them: surveys that are done have become other packets.
  const inStates = live.known?.strip ? packetsIn(live.known.strip) : packets
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
          [
            texts.figures.rate,
            `${bytes(rate?.bytes ?? average)}/s`,
            rate ? `${count(Math.round(rate.objects))} objects/s ${texts.live.now}` : texts.live.average,
          ],
          ...(running ? ([[texts.live.timeLeft, timeLeft(remaining), listing]] as const) : []),
          ['Same', count(counts.objects.same)],
          ['Copied', count(counts.objects.copied)],
          ['Failed', count(counts.objects.failed)],
          ...(counts.objects.skipped > 0 ? [['Skipped', count(counts.objects.skipped)] as const] : []),
          ...(counts.objects.vanished > 0 ? [['Vanished', count(counts.objects.vanished)] as const] : []),
          [
            'Packets',
            `${count(inStates.done)} done`,
            `${count(inStates.leased)} leased, ${count(inStates.ready)} ready, ${count(inStates.parked)} parked`,
          ],
          [texts.figures.agents, count(agents), state === 'running' ? 'work for it' : undefined],
          [texts.figures.began, when(startedAt), `${texts.figures.lasted.toLowerCase()} ${duration(lasted)}`],
        ]}
      />
    </>
  )
}

const timeLeft = (ms: readonly [number, number] | null): string =>
  ms === null ? texts.live.unknown : texts.live.left(duration(ms[0]), duration(ms[1]))

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
      <Link to="/w/$workspace/migrations/$migration/passes" params={params}>
        Passes
      </Link>
      <Link to="/w/$workspace/migrations/$migration/settings" params={params}>
        Definition
      </Link>
    </nav>
  )
}

export function Packets() {
  const at = useLastPass()
  return at && <PacketsOf {...at} />
}

function PacketsOf({ workspace, migration, number }: NonNullable<ReturnType<typeof useLastPass>>) {
  const { after = null } = useSearch({ from: `${from}/packets` })
  const asked = useInfiniteQuery(queries.packets(workspace, migration.id, number, after))
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
          <More of={asked} />
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
