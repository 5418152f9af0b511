/** One connection: its settings, a real test of it, who has its secret. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { readConnection } from '../../../shared/api/connections.ts'
import type { Answer } from '../../../shared/api/route.ts'
import { ConnectionDeeds } from '../connections/deeds.tsx'
import { Holders } from '../connections/holders.tsx'
import { Test } from '../connections/test.tsx'
import { Endpoint, FromSites, UsedBy } from '../connections/where.tsx'
import { plain } from '../hostile.ts'
import { useMay } from '../may.ts'
import { sealingPage } from '../parts/connection-form.tsx'
import { Notice } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/connections.ts'
import { sites as allSites } from '../queries/sites.ts'
import { History } from '../sites/history.tsx'
import { connectionPageTexts as texts } from '../texts/connections.ts'

/** What `usedBy` holds at most. */
const mostUsers = 10

export function Connection() {
  const { workspace, connection: id } = useParams({ from: '/w/$workspace/connections/$connection' })
  const asked = useQuery(queries.connection(workspace, id))
  const known = useQuery(allSites(workspace))
  const mayTest = useMay(workspace, 'connections:test')
  const navigate = useNavigate()
  return (
    <Page
      title={id}
      back={
        <Link to="/w/$workspace/connections" params={{ workspace }}>
          {texts.back}
        </Link>
      }
      actions={
        asked.data && (
          <ConnectionDeeds
            workspace={workspace}
            connection={asked.data}
            gone={() => void navigate({ to: '/w/$workspace/connections', params: { workspace } })}
          />
        )
      }
    >
      <Shown of={asked} what={id}>
        {(connection) => {
          const { credential, sites } = connection
          return (
            <>
              <Warnings workspace={workspace} connection={connection} />
              <Settings workspace={workspace} connection={connection} />
              {mayTest && (
                <Test
                  key={id}
                  workspace={workspace}
                  connection={connection}
                  sites={sites.length > 0 ? sites : (known.data?.sites.map((site) => site.id) ?? [])}
                />
              )}
              {credential.kind === 'sealed' && <Holders workspace={workspace} connection={id} />}
            </>
          )
        }}
      </Shown>
      <History workspace={workspace} subject={`connection/${id}`} />
    </Page>
  )
}

interface Of {
  readonly workspace: string
  readonly connection: Answer<typeof readConnection>
}

function Warnings({ workspace, connection: { id, credential, secretVersion, rotate } }: Of) {
  const may = useMay(workspace, 'connections:write')
  const isUnsealed = credential.kind === 'sealed' && secretVersion === 0
  if (!isUnsealed && rotate.length === 0) return null
  const back = `/w/${workspace}/connections/${id}`
  return (
    <Notice
      kind={isUnsealed ? 'warn' : 'bad'}
      actions={
        may && (
          <a className="button" href={sealingPage(workspace, id, back)}>
            {isUnsealed ? texts.seal : texts.sealAgain}
          </a>
        )
      }
    >
      <p>{isUnsealed ? texts.unsealed : texts.rotate(rotate)}</p>
    </Notice>
  )
}

function Settings({ workspace, connection }: Of) {
  const { credential, secretVersion, region, pathStyle, requesterPays, updatedAt, usedBy } = connection
  const { settings } = texts
  const style = pathStyle === null ? 'usual' : pathStyle ? 'path' : 'host'
  const rows = [
    [texts.column.endpoint, <Endpoint key="endpoint" of={connection} alone />],
    [settings.region, region === null ? settings.unsaid : plain(region)],
    [texts.column.credential, texts.credential(credential, secretVersion)],
    [texts.column.sites, <FromSites key="sites" workspace={workspace} of={connection} />],
    [settings.style, settings.styles[style]],
    [settings.pays, requesterPays ? settings.yes : settings.no],
    [
      settings.uses,
      <UsedBy key="uses" workspace={workspace} migrations={usedBy} whole={usedBy.length < mostUsers} />,
    ],
    [settings.changed, <Time key="changed" at={updatedAt} />],
  ] as const
  return (
    <section aria-label={settings.title} className="card">
      <dl className="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
