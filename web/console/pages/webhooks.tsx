import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { when } from '../format.ts'
import { Empty } from '../parts/empty.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/webhooks.ts'
import { texts } from '../texts.ts'

export function Webhooks() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.webhooks(workspace))
  return (
    <>
      <div className="head">
        <h1>{texts.nav.webhooks}</h1>
      </div>
      <Shown of={asked} what="webhooks">
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <Empty
              says={texts.empty.webhooks}
              command="dray webhook create pager https://hooks.example.com/dray"
            />
          ) : (
            <Table
              caption={texts.nav.webhooks}
              columns={[
                { name: 'Webhook', cell: ({ id }) => <strong>{id}</strong> },
                {
                  name: 'Address',
                  kind: 'key',
                  cell: ({ address }) => <span className="mono">{address}</span>,
                },
                { name: 'Events', cell: ({ events }) => (events.length === 0 ? 'all' : events.join(', ')) },
                { name: 'Format', cell: ({ format }) => format },
                {
                  name: 'State',
                  cell: ({ disabled }) =>
                    disabled ? <State is="away" says="disabled" /> : <State is="connected" says="enabled" />,
                },
                { name: 'Created', cell: ({ createdAt }) => when(createdAt) },
              ]}
              rows={webhooks}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
    </>
  )
}
