import { useMutation, useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { type ConnectionView, type Credential, testConnection } from '../../../shared/api/connections.ts'
import { call } from '../../api.ts'
import { Code } from '../parts/code.tsx'
import { Empty } from '../parts/empty.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/connections.ts'
import { texts } from '../texts.ts'

const credentialOf = (credential: Credential, { secretVersion }: ConnectionView): string => {
  switch (credential.kind) {
    case 'profile':
      return credential.profile === null ? 'what the agent has' : `profile ${credential.profile} of the agent`
    case 'sealed':
      return secretVersion === 0 ? 'to be sealed' : `sealed, version ${secretVersion}`
    case 'anonymous':
      return 'nobody’s'
    default:
      return credential satisfies never
  }
}

export function Connections() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.connections(workspace))
  return (
    <>
      <div className="head">
        <h1>{texts.nav.connections}</h1>
      </div>
      <Shown of={asked} what="connections">
        {({ connections }) =>
          connections.length === 0 ? (
            <Empty
              says={texts.empty.connections}
              command={
                'dray connection create archive --endpoint https://s3.example.com --sealed\ndray connection seal archive'
              }
            />
          ) : (
            <>
              <Table
                caption={texts.nav.connections}
                columns={[
                  { name: 'Connection', cell: ({ id }) => <strong>{id}</strong> },
                  {
                    name: 'Endpoint',
                    kind: 'key',
                    cell: ({ endpoint, region }) => (
                      <span className="mono">
                        {endpoint ?? 'AWS'}
                        {region ? `, ${region}` : ''}
                      </span>
                    ),
                  },
                  {
                    name: 'Credential',
                    cell: (connection) => (
                      <div>
                        {credentialOf(connection.credential, connection)}
                        {connection.credential.kind === 'sealed' && (
                          <>
                            {' '}
                            <a
                              href={`/seal.html?${new URLSearchParams({ workspace, connection: connection.id })}`}
                            >
                              seal
                            </a>
                          </>
                        )}
                        {connection.rotate.length > 0 && (
                          <div>
                            <State is="failed" says={`rotate: ${connection.rotate.join(', ')} had it`} />
                          </div>
                        )}
                      </div>
                    ),
                  },
                  {
                    name: 'Reached from',
                    cell: ({ sites }) => (sites.length === 0 ? texts.everySite : sites.join(', ')),
                  },
                ]}
                rows={connections}
                id={({ id }) => id}
              />
              <Test workspace={workspace} connections={connections.map(({ id }) => id)} />
            </>
          )
        }
      </Shown>
    </>
  )
}

/** Lets a real agent try what it can do. */
function Test({ workspace, connections }: { workspace: string; connections: readonly string[] }) {
  const [connection, setConnection] = useState(connections[0] ?? '')
  const [bucket, setBucket] = useState('')
  const test = useMutation({
    mutationFn: () => call(testConnection, { params: { workspace, connection }, body: { bucket } }),
  })
  return (
    <section className="card" aria-labelledby="test">
      <h2 id="test">Test a connection</h2>
      <p className="quiet">An agent tries what it can do in the bucket. What it writes, it deletes again.</p>
      <form
        className="head"
        onSubmit={(event) => {
          event.preventDefault()
          test.mutate()
        }}
      >
        <label>
          Connection
          <select value={connection} onChange={(event) => setConnection(event.target.value)}>
            {connections.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
        <label>
          Bucket
          <input required value={bucket} onChange={(event) => setBucket(event.target.value)} />
        </label>
        <button type="submit" className="primary" disabled={test.isPending}>
          {test.isPending ? 'An agent is trying…' : 'Test'}
        </button>
      </form>
      {test.error && (
        <p role="alert" className="banner bad">
          {test.error.message}
        </p>
      )}
      {test.data && <Code label="What it could do" text={JSON.stringify(test.data, null, 2)} />}
    </section>
  )
}
