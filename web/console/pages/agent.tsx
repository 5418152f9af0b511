/** One agent: what it is, what it does now, what it reaches, who it is. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { readAgent } from '../../../shared/api/agents.ts'
import type { Answer } from '../../../shared/api/route.ts'
import { count, duration, when } from '../format.ts'
import { healthOf } from '../health.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Code } from '../parts/code.tsx'
import { Figures } from '../parts/figures.tsx'
import { Said } from '../parts/key.tsx'
import { Notice } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/sites.ts'
import { AgentState } from '../sites/agent-state.tsx'
import { AgentDeeds } from '../sites/deeds.tsx'
import { Fingerprint } from '../sites/fingerprint.tsx'
import { History } from '../sites/history.tsx'
import { rateOf } from '../sites/recent.ts'
import { Spark } from '../sites/spark.tsx'
import { siteTexts } from '../texts/sites.ts'

const texts = siteTexts.agent

type Told = Answer<typeof readAgent>
interface Of {
  readonly workspace: string
  readonly agent: Told
}

export function Agent() {
  const { workspace, agent: id } = useParams({ from: '/w/$workspace/agents/$agent' })
  const asked = useQuery(queries.agent(workspace, id))
  return (
    <Page
      title={id}
      back={
        <Link to="/w/$workspace/sites" params={{ workspace }}>
          {texts.back}
        </Link>
      }
      state={asked.data && <AgentState agent={asked.data} why={false} />}
      actions={asked.data && <AgentDeeds workspace={workspace} agent={asked.data} />}
    >
      <Shown of={asked} what={id}>
        {(agent) => (
          <>
            <Banners workspace={workspace} agent={agent} />
            <Numbers workspace={workspace} agent={agent} />
            <Now workspace={workspace} agent={agent} />
            <Reach agent={agent} />
            <Identity workspace={workspace} agent={agent} />
            <Secrets workspace={workspace} agent={agent} />
          </>
        )}
      </Shown>
      <History workspace={workspace} subject={`agent/${id}`} />
    </Page>
  )
}

function Banners({ workspace, agent }: Of) {
  const { revokedAt, secrets, twinAt, upgradeTo } = agent
  return (
    <>
      {revokedAt !== null && (
        <Notice kind="bad">
          <p>{texts.revoked(when(revokedAt))}</p>
          {secrets.length > 0 && <p>{texts.rotate}</p>}
          {secrets.map(({ connection }) => (
            <p key={connection}>
              <Link to="/w/$workspace/connections/$connection" params={{ workspace, connection }}>
                {connection}
              </Link>
            </p>
          ))}
        </Notice>
      )}
      {twinAt !== null && (
        <Notice>
          <p>{siteTexts.twin(when(twinAt))}</p>
        </Notice>
      )}
      {upgradeTo !== null && (
        <Notice>
          <p>{siteTexts.upgrade(upgradeTo)}</p>
          <Code label={siteTexts.joining.command} text={siteTexts.upgradeCommand} copies />
        </Notice>
      )}
    </>
  )
}

function Numbers({ workspace, agent }: Of) {
  const { facts, connected, id, seenAt } = agent
  const rate = rateOf(agent)
  /** What it told last, where it is not there. */
  const asOf = connected || seenAt === null ? undefined : texts.asOf(when(seenAt))
  return (
    <>
      <Why agent={agent} />
      <Figures
        of={[
          ...(connected
            ? ([
                [
                  siteTexts.column.rate,
                  <Bytes key="rate" of={rate.bytes} rate />,
                  texts.objectsPerSecond(rate.objects),
                ],
              ] as const)
            : []),
          ...(facts
            ? ([
                [texts.load, facts.health.load.toFixed(1), asOf ?? texts.onCores(facts.cores)],
                [texts.memory, <Bytes key="memory" of={facts.memory} />],
                [
                  texts.room,
                  facts.health.stateFree === null ? '–' : <Bytes key="room" of={facts.health.stateFree} />,
                  asOf,
                ],
                [texts.version, facts.version],
              ] as const)
            : []),
        ]}
      />
      <Spark workspace={workspace} agent={id} />
    </>
  )
}

/** Nothing where it is well. */
function Why({ agent }: { agent: Told }) {
  const { why } = healthOf(agent)
  if (why.length === 0) return null
  return (
    <Notice>
      {why.map((each) => (
        <p key={each}>
          <Said text={each} />
        </p>
      ))}
    </Notice>
  )
}

function Now({ workspace, agent: { doing } }: Of) {
  return (
    <section aria-labelledby="now">
      <h2 id="now">{texts.now}</h2>
      {doing === null || doing.length === 0 ? (
        <p className="quiet">{doing === null ? texts.unknown : texts.nothing}</p>
      ) : (
        <Table
          caption={texts.now}
          columns={[
            {
              name: texts.migration,
              cell: ({ migration }) => (
                <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration }}>
                  {migration}
                </Link>
              ),
            },
            { name: texts.holds, cell: ({ packets }) => siteTexts.packets(packets) },
            { name: texts.objects, kind: 'number', cell: ({ objects }) => `${count(Math.round(objects))}/s` },
            { name: texts.bytes, kind: 'number', cell: (one) => <Bytes of={one.bytes} rate /> },
          ]}
          rows={doing}
          id={({ migration }) => migration}
        />
      )}
    </section>
  )
}

function Reach({ agent: { facts } }: { agent: Told }) {
  const reach = facts?.reach ?? []
  return (
    <section aria-labelledby="reach">
      <h2 id="reach">{texts.reach}</h2>
      <p className="quiet">{reach.length === 0 ? texts.noReach : texts.reachSays}</p>
      {reach.length > 0 && (
        <Table
          caption={texts.reach}
          columns={[
            {
              name: texts.endpoint,
              kind: 'key',
              cell: ({ endpoint }) => <Said text={endpoint} />,
            },
            {
              name: texts.answer,
              cell: ({ ms, error }) => (
                <span className={ms === null ? 'state failed' : 'state connected'}>
                  {ms === null ? <Said text={texts.unreached(error ?? '')} /> : texts.ms(ms)}
                </span>
              ),
            },
          ]}
          rows={reach}
          id={({ endpoint }) => endpoint}
        />
      )}
    </section>
  )
}

function Identity({ workspace, agent }: Of) {
  const { id, site, facts, address, certificate, enrolledAt, seenAt, signing, sealing, revokedAt } = agent
  const { data: ownSite } = useQuery(queries.site(workspace, site))
  const clock = facts?.clockMs ?? 0
  const rows = [
    [siteTexts.filter.site, <SiteLink key="site" workspace={workspace} site={site} />],
    [texts.host, facts ? <Said key="host" text={`${facts.host}, ${facts.platform}`} /> : '–'],
    [texts.address, address ?? '–'],
    [texts.clock, clock === 0 ? texts.clockWell : texts.clockOff(duration(Math.abs(clock)))],
    [texts.enrolled, <Time key="enrolled" at={enrolledAt} />],
    [texts.seen, seenAt === null ? siteTexts.neverSeen : <Time key="seen" at={seenAt} />],
  ] as const
  return (
    <section aria-labelledby="identity">
      <h2 id="identity">{texts.identity}</h2>
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div>
          <dt>{texts.print}</dt>
          <dd>
            <Fingerprint of={[signing, sealing]} />
            <div className="quiet">{texts.printHint}</div>
          </dd>
        </div>
        <div>
          <dt>{texts.root}</dt>
          <dd>{certificate ? texts.certified(when(certificate.issuedAt)) : texts.uncertified}</dd>
        </div>
      </dl>
      {!certificate && revokedAt === null && ownSite?.rootKey && (
        <Code
          label={siteTexts.joining.command}
          text={texts.certifyCommand(site, id, texts.printOfAgent)}
          copies
        />
      )}
    </section>
  )
}

const SiteLink = ({ workspace, site }: { workspace: string; site: string }) => (
  <Link to="/w/$workspace/sites/$site" params={{ workspace, site }}>
    {site}
  </Link>
)

function Secrets({ workspace, agent: { secrets } }: Of) {
  return (
    <section aria-labelledby="secrets">
      <h2 id="secrets">{texts.secrets}</h2>
      {secrets.length === 0 ? (
        <p className="quiet">{texts.noSecrets}</p>
      ) : (
        <Table
          caption={texts.secrets}
          columns={[
            {
              name: texts.connection,
              cell: ({ connection }) => (
                <Link to="/w/$workspace/connections/$connection" params={{ workspace, connection }}>
                  {connection}
                </Link>
              ),
            },
            { name: texts.secretVersion, cell: ({ version }) => version },
          ]}
          rows={secrets}
          id={({ connection }) => connection}
        />
      )}
    </section>
  )
}
