/** The packets of a migration's last pass, in the order of keys. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useSearch } from '@tanstack/react-router'
import { count } from '../format.ts'
import { useLastPass } from '../last-pass.ts'
import { Bound, stateOf } from '../migration/packet-details.tsx'
import { More } from '../parts/more.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/migrations.ts'
import { migrationTexts } from '../texts/migration.ts'
import { texts } from '../texts.ts'

const from = '/w/$workspace/migrations/$migration'

export function Packets() {
  const at = useLastPass()
  return at && <PacketsOf {...at} />
}

function PacketsOf({ workspace, migration, number }: NonNullable<ReturnType<typeof useLastPass>>) {
  const { after = null } = useSearch({ from: `${from}/packets` })
  const asked = useInfiniteQuery(queries.packets(workspace, migration.id, number, after))
  const says = migrationTexts.packet
  return (
    <Shown of={asked} what={texts.what.packets}>
      {({ pages }) => (
        <>
          <Table
            caption={says.caption}
            columns={[
              { name: says.name, kind: 'number', cell: ({ id }) => count(id) },
              { name: says.kind, cell: ({ kind }) => says.kinds[kind] },
              {
                name: says.state,
                cell: ({ state }) => <State is={stateOf[state]} says={says.states[state]} />,
              },
              {
                name: says.after,
                kind: 'key',
                cell: ({ after }) => <Bound of={after} end={says.beginning} />,
              },
              {
                name: says.through,
                kind: 'key',
                cell: ({ through }) => <Bound of={through} end={says.end} />,
              },
              { name: says.agent, cell: ({ agent }) => agent ?? '–' },
              { name: says.attempts, kind: 'number', cell: ({ attempts }) => attempts },
              { name: says.objects, kind: 'number', cell: ({ objects }) => count(objects) },
              { name: says.failed, kind: 'number', cell: ({ failed }) => count(failed) },
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
