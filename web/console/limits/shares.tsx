/** The week of a limit, and which agent has which share of it now. */
import { useQuery } from '@tanstack/react-query'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/limits.ts'
import { limitTexts } from '../texts/limits.ts'
import { amount, type Bound } from './values.tsx'
import { Week } from './week-view.tsx'

const texts = limitTexts.shares
const bounds = ['bandwidth', 'requests', 'concurrency'] as const

const part = (bound: Bound, used: number, share: number | null) =>
  share === null ? amount(bound, used) : limitTexts.used(amount(bound, used), amount(bound, share))

export function Shares(props: { workspace: string; endpoint: string; close(): void }) {
  const { workspace, endpoint } = props
  const asked = useQuery(queries.limit(workspace, endpoint))
  return (
    <section className="stack" aria-label={texts.title(endpoint)}>
      <div className="head">
        <h2>{texts.title(endpoint)}</h2>
        <div className="actions">
          <button type="button" onClick={props.close}>
            {texts.close}
          </button>
        </div>
      </div>
      <Shown of={asked} what={texts.title(endpoint)}>
        {(limit) => (
          <>
            <Week of={limit} />
            {limit.shares.length === 0 ? (
              <p className="quiet">{texts.empty}</p>
            ) : (
              <Table
                caption={texts.title(endpoint)}
                columns={[
                  {
                    name: texts.columns.agent,
                    cell: ({ agent, site }) => (
                      <div>
                        <strong>{agent}</strong>
                        <div className="quiet">{site}</div>
                      </div>
                    ),
                  },
                  ...bounds.map((bound) => ({
                    name: texts.columns[bound],
                    cell: ({ used, share }: (typeof limit.shares)[number]) =>
                      part(bound, used[bound], share[bound]),
                  })),
                  {
                    name: texts.columns.held,
                    cell: ({ held }) => (bounds.some((bound) => held[bound]) ? texts.held : texts.free),
                  },
                ]}
                rows={limit.shares}
                id={({ agent }) => agent}
              />
            )}
          </>
        )}
      </Shown>
    </section>
  )
}
