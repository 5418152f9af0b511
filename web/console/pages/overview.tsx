/** What needs somebody, what runs, and the rest in figures: one question to the control plane. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { Attention, Running, readOverview } from '../../../shared/api/overview.ts'
import type { Answer } from '../../../shared/api/route.ts'
import { bytes, count, percent, when } from '../format.ts'
import { plain } from '../hostile.ts'
import { Steps } from '../overview/steps.tsx'
import { Bytes } from '../parts/bytes.tsx'
import { Figures } from '../parts/figures.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/overview.ts'
import { overviewTexts as says } from '../texts/overview.ts'
import { texts } from '../texts.ts'

type Known = Answer<typeof readOverview>

/** Rows of what needs somebody. */
const mostItems = 20

export function Overview() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.overview(workspace))
  return (
    <Page
      title={texts.nav.overview}
      actions={
        <Link className="button primary" to="/w/$workspace/new-migration" params={{ workspace }}>
          {says.newMigration}
        </Link>
      }
    >
      <Shown of={asked} what={texts.what.overview}>
        {(known) => {
          const { attention, running, migrations, agents, connections, latest } = known
          return (
            <>
              {latest.length === 0 && (
                <Steps
                  workspace={workspace}
                  done={{
                    agent: (agents?.all ?? 0) > 0,
                    connection: (connections ?? 0) > 0,
                    migration: false,
                  }}
                />
              )}
              <Needs workspace={workspace} items={attention} />
              {latest.length > 0 && (
                <>
                  <Runs
                    workspace={workspace}
                    running={running}
                    waiting={attention.filter(({ is }) => is === 'waits').map(({ id }) => id)}
                  />
                  <Figures
                    of={[
                      ...(['running', 'complete', 'incomplete', 'new'] as const).map(
                        (state) => [texts.state[state], count(migrations[state])] as const,
                      ),
                      ...(agents
                        ? [
                            [
                              says.figures.agents,
                              count(agents.connected),
                              says.figures.of(agents.all),
                            ] as const,
                            [
                              says.figures.rate,
                              <Bytes key="rate" of={agents.bytes} rate />,
                              says.figures.objects(count(Math.round(agents.objects))),
                            ] as const,
                          ]
                        : []),
                    ]}
                  />
                  <Latest workspace={workspace} latest={latest} />
                </>
              )}
            </>
          )
        }}
      </Shown>
    </Page>
  )
}

const kinds = {
  asks: 'life',
  deletes: 'migration',
  conflicts: 'migration',
  failing: 'migration',
  waits: 'migration',
  incomplete: 'migration',
  parked: 'migration',
  away: 'agent',
  blocked: 'agent',
  twin: 'agent',
  rotate: 'connection',
} as const satisfies Record<Attention['is'], string>
const pages = {
  life: '/w/$workspace/migrations/$migration/life',
  migration: '/w/$workspace/migrations/$migration',
  agent: '/w/$workspace/agents/$agent',
  connection: '/w/$workspace/connections/$connection',
} as const
const states = {
  ...{ asks: 'asks', deletes: 'asks', conflicts: 'failed', failing: 'failed' },
  ...{ waits: 'away', incomplete: 'incomplete', parked: 'failed', away: 'away' },
  ...{ blocked: 'failed', twin: 'new', rotate: 'failed' },
} as const satisfies Record<Attention['is'], string>

/** What is the matter, and what there is to know of it. */
function told({ is, failed, open, count: n, since, message }: Attention): readonly [string, string] {
  const { items } = says
  const at = since === null ? '' : when(since)
  switch (is) {
    case 'asks':
      return [items.asks, message]
    case 'deletes':
      return [items.deletes(n, open), items.deletesMore]
    case 'conflicts':
      return [items.conflicts(n), items.conflictsMore]
    case 'failing':
      return [items.failing, at && items.since(at)]
    case 'waits':
      return [items.waits, message]
    case 'incomplete':
      return [items.incomplete(failed, open, n), at && items.ended(at)]
    case 'parked':
      return [items.parked(n), message]
    case 'away':
      return [items.away, at && items.since(at)]
    case 'blocked':
      return [items.blocked, message]
    case 'twin':
      return [items.twin, at && items.since(at)]
    case 'rotate':
      return [items.rotate, items.rotateMore(n)]
    default:
      return is satisfies never
  }
}

function Needs({ workspace, items }: { workspace: string; items: readonly Attention[] }) {
  return (
    <section className="card" aria-label={says.attention}>
      <h2>{says.attention}</h2>
      {items.length === 0 && <p className="quiet">{says.calm}</p>}
      <ul className="glance">
        {items.slice(0, mostItems).map((item) => {
          const kind = kinds[item.is]
          const noun = kind === 'life' ? 'migration' : kind
          const [what, more] = told(item)
          return (
            <li key={`${item.is} ${item.id}`}>
              <Link to={pages[kind]} params={{ workspace, [noun]: item.id } as never}>
                {plain(item.id)}
              </Link>
              <div>
                <State is={states[item.is]} says={what} />
                {more !== '' && <div className="quiet">{plain(more, 300)}</div>}
              </div>
              <span className="quiet">{says.kinds[noun]}</span>
            </li>
          )
        })}
      </ul>
      {items.length > mostItems && <p className="quiet">{says.more(items.length - mostItems)}</p>}
    </section>
  )
}

function Runs(props: { workspace: string; running: readonly Running[]; waiting: readonly string[] }) {
  const { workspace, running, waiting } = props
  return (
    <section className="card" aria-label={says.running}>
      <h2>{says.running}</h2>
      {running.length === 0 && <p className="quiet">{says.idle}</p>}
      <ul className="glance">
        {running.map(({ id, done, all, surveying, paused, objects, bytes: rate }) => {
          // Never all of it before it is known how much there is.
          const share = all === 0 ? '–' : percent(done, surveying ? all + 1 : all)
          const pace =
            objects === null || rate === null || objects + rate === 0
              ? []
              : [`${bytes(rate)}/s`, says.figures.objects(count(Math.round(objects)))]
          const how = paused ? [says.paused] : [...pace, ...(surveying ? [says.listing] : [])]
          return (
            <li key={id}>
              <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration: id }}>
                {id}
              </Link>
              <div>
                <progress max={Math.max(all, 1)} value={done} aria-label={says.progress(share, id)} />
                <div className="quiet">
                  {waiting.includes(id) ? says.items.waits : how.join(', ') || says.figures.unknown}
                </div>
              </div>
              <span className="number">{share}</span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Latest({ workspace, latest }: { workspace: string; latest: Known['latest'] }) {
  return (
    <section className="card" aria-label={says.latest}>
      <h2>{says.latest}</h2>
      <ul className="glance">
        {latest.map(({ id, state, at }) => (
          <li key={id}>
            <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration: id }}>
              {id}
            </Link>
            <div>
              <State is={state} says={texts.state[state]} />
            </div>
            <span className="quiet">{at !== null && <Time at={at} />}</span>
          </li>
        ))}
      </ul>
      <p>
        <Link to="/w/$workspace/migrations" params={{ workspace }}>
          {says.allMigrations}
        </Link>
      </p>
    </section>
  )
}
