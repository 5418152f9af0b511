/** Connections: where each leads, how agents get its credential, who uses it, and what its last test said. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { ConnectionView } from '../../../shared/api/connections.ts'
import { announce } from '../announce.tsx'
import { ConnectionDeeds } from '../connections/deeds.tsx'
import { cannot, useTested } from '../connections/tested.ts'
import { Endpoint, FromSites, UsedBy } from '../connections/where.tsx'
import { useCalled } from '../deeds.ts'
import { useMay } from '../may.ts'
import { Code } from '../parts/code.tsx'
import { ConnectionDialog, sealingPage } from '../parts/connection-form.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/connections.ts'
import { sites } from '../queries/sites.ts'
import { connectionTexts } from '../texts/connection-form.ts'
import { connectionPageTexts as texts } from '../texts/connections.ts'
import { siteTexts } from '../texts/sites.ts'
import { texts as common } from '../texts.ts'

export function Connections() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.connections(workspace))
  const used = useQuery(queries.uses(workspace))
  const may = useMay(workspace, 'connections:write')
  const known = useQuery({ ...sites(workspace), enabled: may })
  const navigate = useNavigate()
  const [makes, make] = useState(false)
  useCalled('/connections', () => may && make(true))
  return (
    <Page
      title={common.nav.connections}
      actions={
        may && (
          <button type="button" className="primary" onClick={() => make(true)}>
            {texts.new}
          </button>
        )
      }
    >
      <Shown of={asked} what={common.nav.connections}>
        {({ connections }) =>
          connections.length === 0 ? (
            <div className="card">
              <p className="quiet">{texts.empty}</p>
              <Code label={siteTexts.joining.command} text={texts.emptyCommand} copies />
            </div>
          ) : (
            <Table
              caption={common.nav.connections}
              columns={[
                {
                  name: texts.column.connection,
                  cell: ({ id }) => (
                    <Link to="/w/$workspace/connections/$connection" params={{ workspace, connection: id }}>
                      <strong>{id}</strong>
                    </Link>
                  ),
                },
                { name: texts.column.endpoint, kind: 'key', cell: (one) => <Endpoint of={one} /> },
                { name: texts.column.credential, cell: (one) => <How of={one} /> },
                { name: texts.column.sites, cell: (one) => <FromSites workspace={workspace} of={one} /> },
                {
                  name: texts.column.uses,
                  cell: ({ id }) =>
                    used.data ? (
                      <UsedBy
                        workspace={workspace}
                        migrations={used.data.by.get(id) ?? []}
                        whole={used.data.whole}
                      />
                    ) : (
                      '–'
                    ),
                },
                { name: texts.column.tested, cell: ({ id }) => <LastTest workspace={workspace} id={id} /> },
                {
                  name: texts.column.act,
                  cell: (one) => <ConnectionDeeds workspace={workspace} connection={one} />,
                },
              ]}
              rows={connections}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
      {makes && (
        <ConnectionDialog
          open
          title={connectionTexts.title}
          form={{
            workspace,
            sites: known.data?.sites.map(({ id }) => id) ?? [],
            cancel: () => make(false),
            done({ id }, seal) {
              make(false)
              announce(texts.created(id))
              if (seal) location.assign(sealingPage(workspace, id))
              else
                void navigate({
                  to: '/w/$workspace/connections/$connection',
                  params: { workspace, connection: id },
                })
            },
          }}
        />
      )}
    </Page>
  )
}

function How({ of: { credential, secretVersion, rotate } }: { of: ConnectionView }) {
  return (
    <div>
      {texts.credential(credential, secretVersion)}
      {rotate.length > 0 && (
        <div>
          <State is="failed" says={texts.rotateShort} />
        </div>
      )}
    </div>
  )
}

function LastTest({ workspace, id }: { workspace: string; id: string }) {
  const [last] = useTested(workspace, id).tested
  if (!last) return <span className="quiet">{texts.test.none}</span>
  const no = cannot(last)
  return (
    <State
      is={no === 0 ? 'complete' : 'incomplete'}
      says={no === 0 ? texts.test.well : texts.test.some(no)}
    />
  )
}
