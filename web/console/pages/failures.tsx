/** What failed in a pass of a migration. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { bytes, count } from '../format.ts'
import { useLastPass } from '../last-pass.ts'
import { Empty } from '../parts/empty.tsx'
import { More } from '../parts/more.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/migrations.ts'
import { texts } from '../texts.ts'

export function Failures() {
  const at = useLastPass()
  return at && <FailuresOf {...at} />
}

function FailuresOf({ workspace, migration, number }: NonNullable<ReturnType<typeof useLastPass>>) {
  const status = useQuery(queries.pass(workspace, migration.id, number))
  const asked = useInfiniteQuery(queries.failures(workspace, migration.id, number))
  const causes = status.data?.failureCauses ?? []
  if (causes.length === 0) return <Empty says={texts.empty.failures} />
  return (
    <>
      <Table
        caption="Causes"
        columns={[
          { name: 'Cause', cell: ({ code }) => <code>{code}</code> },
          { name: 'Objects', kind: 'number', cell: ({ objects }) => count(objects) },
          { name: 'Bytes', kind: 'number', cell: (cause) => bytes(cause.bytes) },
          { name: 'For example', kind: 'key', cell: ({ message }) => message },
        ]}
        rows={causes}
        id={({ code }) => code}
      />
      <Shown of={asked} what="failures">
        {({ pages }) => (
          <>
            <Table
              caption="Objects that failed"
              columns={[
                { name: 'Key', kind: 'key', cell: ({ key }) => <span className="mono">{key}</span> },
                { name: 'Cause', cell: ({ code }) => <code>{code}</code> },
                { name: 'Message', kind: 'key', cell: ({ message }) => message },
              ]}
              rows={pages.flatMap(({ failures }) => failures)}
              id={({ key, keyEscaped }) => keyEscaped ?? key}
            />
            <More of={asked} />
          </>
        )}
      </Shown>
    </>
  )
}
