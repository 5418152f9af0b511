import { useInfiniteQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { when } from '../format.ts'
import { Code } from '../parts/code.tsx'
import { Empty } from '../parts/empty.tsx'
import { More } from '../parts/more.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/audit.ts'
import { texts } from '../texts.ts'

const nouns = [
  'migration',
  'pass',
  'site',
  'agent',
  'connection',
  'limit',
  'webhook',
  'member',
  'token',
  'workspace',
]

export function Audit() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const [action, setAction] = useState('')
  const asked = useInfiniteQuery(queries.audit(workspace, action === '' ? {} : { action }))
  return (
    <>
      <div className="head">
        <h1>{texts.nav.audit}</h1>
        <div className="actions">
          <label>
            About
            <select value={action} onChange={(event) => setAction(event.target.value)}>
              <option value="">everything</option>
              {nouns.map((noun) => (
                <option key={noun}>{noun}</option>
              ))}
            </select>
          </label>
        </div>
      </div>
      <Shown of={asked} what="the audit log">
        {({ pages }) => {
          const entries = pages.flatMap((page) => page.entries)
          return entries.length === 0 ? (
            <Empty says={texts.empty.audit} />
          ) : (
            <>
              <Table
                caption={texts.nav.audit}
                columns={[
                  { name: 'When', cell: ({ at }) => when(at) },
                  {
                    name: 'Who',
                    cell: ({ actor, address }) => (
                      <div>
                        {actor.name}
                        <div className="quiet">
                          {actor.kind}
                          {address ? ` from ${address}` : ''}
                        </div>
                      </div>
                    ),
                  },
                  { name: 'What', cell: (entry) => <code>{entry.action}</code> },
                  { name: 'Of', kind: 'key', cell: ({ subject }) => <span className="mono">{subject}</span> },
                  {
                    name: 'Details',
                    cell: ({ before, after }) =>
                      before === null && after === null ? (
                        '–'
                      ) : (
                        <details>
                          <summary>{before === null ? 'after' : 'before and after'}</summary>
                          <Code
                            label="Details"
                            text={JSON.stringify(before === null ? after : { before, after }, null, 2)}
                          />
                        </details>
                      ),
                  },
                ]}
                rows={entries}
                id={({ id }) => String(id)}
              />
              <More of={asked} />
            </>
          )
        }}
      </Shown>
    </>
  )
}
