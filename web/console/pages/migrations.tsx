import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { MigrationView } from '../../../shared/api/migrations.ts'
import { bytes, count, percent, when } from '../format.ts'
import { Empty } from '../parts/empty.tsx'
import { Route } from '../parts/location.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { type Column, Table } from '../parts/table.tsx'
import * as queries from '../queries/migrations.ts'
import { texts } from '../texts.ts'

/** What needs somebody comes first, then what runs, then the newest. */
const urgency = ({ pass }: MigrationView) =>
  pass?.state === 'incomplete' ? 0 : pass?.state === 'running' ? 1 : 2

export function Migrations() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.migrations(workspace))
  return (
    <>
      <div className="head">
        <h1>{texts.nav.migrations}</h1>
      </div>
      <Shown of={asked} what="migrations">
        {({ migrations }) =>
          migrations.length === 0 ? (
            <Empty says={texts.empty.migrations} command="dray copy s3://old-bucket s3://new-bucket" />
          ) : (
            <Table
              caption={texts.nav.migrations}
              columns={columnsFor(workspace)}
              rows={migrations.toSorted((a, b) => urgency(a) - urgency(b))}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
    </>
  )
}

const columnsFor = (workspace: string): Column<MigrationView>[] => [
  {
    name: 'Migration',
    kind: 'key',
    cell: ({ id, source, destination }) => (
      <div>
        <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration: id }}>
          {id}
        </Link>
        <div className="quiet">
          <Route source={source} destination={destination} />
        </div>
      </div>
    ),
  },
  {
    name: 'State',
    cell: ({ pass }) => {
      const state = pass?.state ?? 'new'
      return <State is={state} says={texts.state[state]} />
    },
  },
  {
    name: 'Done',
    kind: 'number',
    cell: ({ pass }) => (pass ? percent(settled(pass.counts.objects), known(pass)) : '–'),
  },
  { name: 'Objects', kind: 'number', cell: ({ pass }) => count(pass?.counts.objects.listed ?? 0) },
  { name: 'Bytes copied', kind: 'number', cell: ({ pass }) => bytes(pass?.counts.bytes.copied ?? 0) },
  {
    name: 'Failed',
    kind: 'number',
    cell: ({ pass }) => count(pass?.counts.objects.failed ?? 0),
  },
  { name: 'Created', cell: ({ createdAt }) => when(createdAt) },
]

type Pass = NonNullable<MigrationView['pass']>

export const settled = ({ same, copied, skipped, vanished, failed }: Pass['counts']['objects']): number =>
  same + copied + skipped + vanished + failed

/** Objects that are known of so far. */
export const known = ({ counts, expected, surveying, state }: Pass): number =>
  state !== 'running' || !surveying
    ? Math.max(counts.objects.listed, expected.objects)
    : Math.max(counts.objects.listed, expected.objects) + 1
