import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { bytes, count, when } from '../format.ts'
import { Empty } from '../parts/empty.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/limits.ts'
import { texts } from '../texts.ts'

const bound = (value: number | null, say: (value: number) => string): string =>
  value === null ? '–' : say(value)

export function Limits() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.limits(workspace))
  return (
    <>
      <div className="head">
        <h1>{texts.nav.limits}</h1>
      </div>
      <Shown of={asked} what="limits">
        {({ limits }) =>
          limits.length === 0 ? (
            <Empty
              says={texts.empty.limits}
              command="dray limit set https://s3.example.com --bandwidth 200Mbit/s --requests 500/s"
            />
          ) : (
            <Table
              caption={texts.nav.limits}
              columns={[
                {
                  name: 'Endpoint',
                  kind: 'key',
                  cell: ({ endpoint }) => <span className="mono">{endpoint}</span>,
                },
                {
                  name: 'Bandwidth now',
                  kind: 'number',
                  cell: ({ now }) => bound(now.bandwidth, (value) => `${bytes(value)}/s`),
                },
                {
                  name: 'Requests now',
                  kind: 'number',
                  cell: ({ now }) => bound(now.requests, (value) => `${count(value)}/s`),
                },
                { name: 'At once', kind: 'number', cell: ({ now }) => bound(now.concurrency, count) },
                {
                  name: 'Changes',
                  cell: ({ nextChange, zone }) =>
                    nextChange === null ? '–' : `${when(nextChange)} (${zone})`,
                },
              ]}
              rows={limits}
              id={({ endpoint }) => endpoint}
            />
          )
        }
      </Shown>
    </>
  )
}
