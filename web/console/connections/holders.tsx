/** Which agents have the secret of a connection, and which lack it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { when } from '../format.ts'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { holders } from '../queries/connections.ts'
import { connectionPageTexts } from '../texts/connections.ts'

const texts = connectionPageTexts.holders
const shapes = { current: 'complete', old: 'warned', missing: 'away', lost: 'failed' } as const

export function Holders({ workspace, connection }: { workspace: string; connection: string }) {
  const asked = useQuery(holders(workspace, connection))
  return (
    <section aria-labelledby="holders">
      <h2 id="holders">{texts.title}</h2>
      <p className="quiet">{texts.says}</p>
      <Shown of={asked} what={texts.title}>
        {({ agents }) =>
          agents.length === 0 ? (
            <p className="quiet">{texts.none}</p>
          ) : (
            <Table
              caption={texts.title}
              columns={[
                {
                  name: texts.agent,
                  cell: ({ agent }) => (
                    <Link to="/w/$workspace/agents/$agent" params={{ workspace, agent }}>
                      {agent}
                    </Link>
                  ),
                },
                { name: texts.site, cell: ({ site }) => site },
                {
                  name: texts.has,
                  cell: ({ secret, connected }) => (
                    <div>
                      <State is={shapes[secret]} says={texts.states[secret]} />
                      {!connected && secret !== 'lost' && <div className="quiet">{texts.away}</div>}
                    </div>
                  ),
                },
                {
                  name: texts.sealed,
                  cell: ({ sealedBy, sealedAt }) =>
                    sealedBy === null || sealedAt === null ? '–' : texts.by(sealedBy, when(sealedAt)),
                },
              ]}
              rows={agents}
              id={({ agent }) => agent}
            />
          )
        }
      </Shown>
    </section>
  )
}
