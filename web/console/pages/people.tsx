import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { when } from '../format.ts'
import { Empty } from '../parts/empty.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/people.ts'
import { texts } from '../texts.ts'

export function People() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const members = useQuery(queries.members(workspace))
  const tokens = useQuery(queries.tokens(workspace))
  return (
    <>
      <div className="head">
        <h1>{texts.nav.people}</h1>
      </div>
      <h2>Members</h2>
      <Shown of={members} what="members">
        {(page) =>
          page.members.length === 0 ? (
            <Empty says={texts.empty.members} />
          ) : (
            <Table
              caption="Members"
              columns={[
                { name: 'Name', cell: ({ name }) => <strong>{name}</strong> },
                { name: 'Address', cell: ({ email }) => email },
                { name: 'Role', cell: ({ role }) => role },
                { name: 'Since', cell: ({ createdAt }) => when(createdAt) },
              ]}
              rows={page.members}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
      <h2>API tokens</h2>
      <Shown of={tokens} what="API tokens">
        {(page) =>
          page.tokens.length === 0 ? (
            <Empty says={texts.empty.tokens} command="dray token create reporting --scope migrations:read" />
          ) : (
            <Table
              caption="API tokens"
              columns={[
                { name: 'Token', cell: ({ name }) => <strong>{name}</strong> },
                { name: 'Begins', cell: ({ start }) => <span className="mono">{start}…</span> },
                {
                  name: 'May',
                  cell: ({ scopes }) => (
                    <span className="chips">
                      {scopes.map((scope) => (
                        <span className="chip" key={scope}>
                          {scope}
                        </span>
                      ))}
                    </span>
                  ),
                },
                {
                  name: 'Expires',
                  cell: ({ expiresAt }) => (expiresAt === null ? 'never' : when(expiresAt)),
                },
                { name: 'Last used', cell: ({ usedAt }) => (usedAt === null ? 'never' : when(usedAt)) },
              ]}
              rows={page.tokens}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
    </>
  )
}
