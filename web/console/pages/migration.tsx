import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useMatch, useParams } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import type { MigrationView, PassStatus } from '../../../shared/api/migrations.ts'
import type { LifeView } from '../../../shared/life.ts'
import { percent, time } from '../format.ts'
import { latest } from '../known.ts'
import { isLed } from '../life/view.ts'
import { type Live, useLive } from '../live.ts'
import { Activity, useIsWide } from '../migration/activity.tsx'
import { Banners } from '../migration/banners.tsx'
import { Latest } from '../migration/events.tsx'
import { Head } from '../migration/head.tsx'
import { useLooking } from '../migration/looking.ts'
import { PassFigures } from '../migration/pass-figures.tsx'
import { Tabs } from '../migration/tabs.tsx'
import { Code } from '../parts/code.tsx'
import { KeySpace } from '../parts/key-space.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { Style } from '../parts/style.tsx'
import { known, settled } from '../progress.ts'
import { life as lifeOf } from '../queries/life.ts'
import * as queries from '../queries/migrations.ts'
import { lifeTexts } from '../texts/life.ts'
import { migrationTexts } from '../texts/migration.ts'
import { texts } from '../texts.ts'

const from = '/w/$workspace/migrations/$migration'

export function Migration() {
  const { workspace, migration: id } = useParams({ from })
  const asked = useQuery(queries.migration(workspace, id))
  const live = useLive(workspace, id)
  const { data: life } = useQuery(lifeOf(workspace, id))
  useTold(workspace, id, live.known?.pass ?? null)
  useToldOfLife(workspace, id, live.known?.life?.revision)
  if (!asked.data) {
    const back = (
      <Link to="/w/$workspace/migrations" params={{ workspace }}>
        {texts.nav.migrations}
      </Link>
    )
    return (
      <Page title={id} back={back}>
        <Shown of={asked} what={texts.what.migration}>
          {() => null}
        </Shown>
      </Page>
    )
  }
  return (
    <>
      <Style of="migration" />
      <Shown of={asked} what={texts.what.migration}>
        {(migration) =>
          migration.pass ? (
            <WithPass
              workspace={workspace}
              migration={migration}
              life={life}
              number={migration.pass.number}
              live={live}
            />
          ) : (
            <Head {...{ workspace, migration, life, live }} pass={null} tab={texts.state.new}>
              {isLed(life) ? <p className="quiet">{lifeTexts.begins}</p> : <NotStarted life={life} />}
              <Settings />
            </Head>
          )
        }
      </Shown>
    </>
  )
}

/** Lists are asked for again so long after something failed (ms), at most once in that time. */
const listsMs = 3_000

/** What the socket says is what every part of the page knows; lists that it makes stale are asked for again. */
function useTold(workspace: string, id: string, told: PassStatus | null): void {
  const client = useQueryClient()
  const failed = told?.counts.objects.failed ?? 0
  const shown = useRef(failed)
  const now = useRef(failed)
  now.current = failed
  useEffect(() => {
    if (!told) return
    const { queryKey } = queries.pass(workspace, id, told.number)
    client.setQueryData<PassStatus>(queryKey, (known) => latest(known, told))
  }, [client, workspace, id, told])
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when these change; only the fleet knows what nobody works for waits for.
  useEffect(() => {
    if (told) void client.invalidateQueries({ queryKey: [workspace, 'migrations', id] })
  }, [client, workspace, id, told?.number, told?.state, told?.agents === 0])
  useEffect(() => {
    const timer = setInterval(() => {
      if (now.current === shown.current) return
      shown.current = now.current
      void client.invalidateQueries({ queryKey: queries.failuresOf(workspace, id) })
    }, listsMs)
    return () => clearInterval(timer)
  }, [client, workspace, id])
}

/** The two ways to begin, for whoever begins the first time. */
function NotStarted({ life }: { life: LifeView | undefined }) {
  const says = lifeTexts.notStarted
  return (
    <>
      <p className="quiet">{migrationTexts.notStarted}</p>
      {life?.commands.includes('start') && (
        <dl className="ways">
          <dt>{says.once}</dt>
          <dd>{says.onceSays}</dd>
          <dt>{says.life}</dt>
          <dd>{says.lifeSays}</dd>
        </dl>
      )}
    </>
  )
}

/** A life that came to another state is asked for at once. */
function useToldOfLife(workspace: string, id: string, revision: number | undefined): void {
  const client = useQueryClient()
  useEffect(() => {
    if (revision !== undefined) void client.invalidateQueries(lifeOf(workspace, id))
  }, [client, workspace, id, revision])
}

function WithPass(props: {
  workspace: string
  migration: MigrationView
  life: LifeView | undefined
  number: number
  live: Live
}) {
  const { workspace, migration, life, number, live } = props
  const asked = useQuery({
    ...queries.pass(workspace, migration.id, number),
    // Until the object itself has answered: as the catalogue last heard of it.
    placeholderData: migration.pass ?? undefined,
  } as ReturnType<typeof queries.pass>)
  const { events = [] } = live.known ?? {}
  const isWide = useIsWide()
  const isFirst = useMatch({ from: `${from}/`, shouldThrow: false }) !== undefined
  // Of all passes, not of the last one.
  const isLife = useMatch({ from: `${from}/life`, shouldThrow: false }) !== undefined
  const isProof = useMatch({ from: `${from}/certificates`, shouldThrow: false }) !== undefined
  const isOfLife = isLife || isProof
  const isActivity = useMatch({ from: `${from}/activity`, shouldThrow: false }) !== undefined
  return (
    <Shown of={asked} what={texts.what.pass}>
      {(asked) => {
        // The very last that was said: what was asked for comes from the same, a little later.
        const told = live.known?.pass
        const pass: PassStatus = told?.number === number ? latest(asked, told) : asked
        const share = percent(settled(pass.counts.objects), known(pass))
        const tab = pass.state === 'running' ? share : texts.state[pass.state]
        return (
          <Head {...{ workspace, migration, pass, life, live, tab }}>
            <Latest events={events} />
            <Banners {...{ workspace, pass, events, life }} migration={migration.id} />
            {!isOfLife && <PassFigures pass={pass} live={live} />}
            <div className={isWide && !isActivity ? 'watched beside' : 'watched'}>
              {!isOfLife && (
                <div className="stack">
                  <KeySpace workspace={workspace} migration={migration.id} pass={pass} live={live} />
                  <Selected />
                </div>
              )}
              {isWide && !isActivity && <Activity pass={pass} live={live} />}
              <div className="stack">
                <Tabs workspace={workspace} migration={migration.id} pass={pass} life={life} />
                <Outlet />
                {/* Where nothing failed there is nothing else to be seen. */}
                {(isActivity || (isFirst && !isWide && pass.open === 0)) && (
                  <Activity pass={pass} live={live} />
                )}
              </div>
            </div>
          </Head>
        )
      }}
    </Shown>
  )
}

/** What of all this is looked at, and the way back. */
function Selected() {
  const [{ agent, since, until }, look] = useLooking()
  const says = migrationTexts.selected
  if (agent === undefined && since === undefined) return null
  return (
    <p className="selected" role="status">
      <strong>{says.name}:</strong>
      {agent !== undefined && <span>{says.agent(agent)}</span>}
      {since !== undefined && until !== undefined && <span>{says.time(time(since), time(until))}</span>}
      <button type="button" onClick={() => look({ agent: undefined, since: undefined, until: undefined })}>
        {says.clear}
      </button>
    </p>
  )
}

/** JSON whose characters are seen: those that are not, or that turn a text around, are written as its escapes. */
const visible = (json: string) =>
  json.replaceAll(/[\p{Cf}\u2028\u2029]/gu, (odd) =>
    Array.from(
      { length: odd.length },
      (_, i) => `\\u${odd.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  )

export function Settings() {
  const { workspace, migration: id } = useParams({ from })
  const asked = useQuery(queries.migration(workspace, id))
  return (
    <Shown of={asked} what={texts.what.migration}>
      {({ pass: _, ...definition }) => (
        <Code label={migrationTexts.tabs.definition} text={visible(JSON.stringify(definition, null, 2))} />
      )}
    </Shown>
  )
}
