import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { drainAgent, revokeAgent } from '../../../shared/api/agents.ts'
import { createJoinToken, createSite } from '../../../shared/api/sites.ts'
import { call } from '../../api.ts'
import { bytes, when } from '../format.ts'
import { Code } from '../parts/code.tsx'
import { Empty } from '../parts/empty.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import * as queries from '../queries/sites.ts'
import { texts } from '../texts.ts'

export function Sites() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const sites = useQuery(queries.sites(workspace))
  return (
    <>
      <div className="head">
        <h1>{texts.nav.sites}</h1>
      </div>
      <Agents workspace={workspace} />
      <h2>Sites</h2>
      <Shown of={sites} what="sites">
        {(page) => (
          <Table
            caption="Sites"
            columns={[
              { name: 'Site', cell: ({ id }) => <strong>{id}</strong> },
              { name: 'Region', cell: ({ region }) => region || '–' },
              { name: 'Agents', kind: 'number', cell: ({ agents }) => agents },
              {
                name: 'Labels',
                cell: ({ labels }) => (
                  <span className="chips">
                    {Object.entries(labels).map(([name, value]) => (
                      <span className="chip" key={name}>{`${name}=${value}`}</span>
                    ))}
                  </span>
                ),
              },
              { name: 'Root key', cell: ({ rootKey }) => (rootKey ? 'made' : 'its first agent makes it') },
            ]}
            rows={page.sites}
            id={({ id }) => id}
          />
        )}
      </Shown>
      <Join workspace={workspace} sites={sites.data?.sites.map(({ id }) => id) ?? []} />
    </>
  )
}

function Agents({ workspace }: { workspace: string }) {
  const asked = useQuery(queries.agents(workspace))
  const client = useQueryClient()
  const act = useMutation({
    mutationFn: ({ agent, how }: { agent: string; how: 'drain' | 'revoke' }) =>
      call(how === 'drain' ? drainAgent : revokeAgent, { params: { workspace, agent } } as never),
    onSettled: () => client.invalidateQueries({ queryKey: [workspace, 'agents'] }),
  })
  const confirmed = (agent: string) =>
    confirm(
      `Shut ${agent} out for good? What it holds goes to other agents. It can only come back by joining anew.`,
    )
  return (
    <Shown of={asked} what="agents">
      {({ agents }) =>
        agents.length === 0 ? (
          <Empty says={texts.empty.agents} command={`dray agent join ${location.origin} --token-file FILE`} />
        ) : (
          <>
            {act.error && (
              <div className="banner bad" role="alert">
                <p>{act.error.message}</p>
              </div>
            )}
            <Table
              caption="Agents"
              columns={[
                {
                  name: 'Agent',
                  cell: ({ id, twinAt }) => (
                    <div>
                      <strong>{id}</strong>
                      {twinAt !== null && (
                        <div className="quiet">two processes had its identity, last {when(twinAt)}</div>
                      )}
                    </div>
                  ),
                },
                { name: 'Site', cell: ({ site }) => site },
                {
                  name: 'State',
                  cell: ({ connected, revokedAt, seenAt }) =>
                    revokedAt !== null ? (
                      <State is="failed" says={`revoked ${when(revokedAt)}`} />
                    ) : connected ? (
                      <State is="connected" says="connected" />
                    ) : (
                      <State is="away" says={seenAt === null ? 'never seen' : `away since ${when(seenAt)}`} />
                    ),
                },
                { name: 'Version', cell: ({ facts }) => facts?.version ?? '–' },
                {
                  name: 'Machine',
                  cell: ({ facts, address }) =>
                    facts ? (
                      <div>
                        {facts.host}
                        <div className="quiet">
                          {`${facts.cores} cores, ${bytes(facts.memory)}`}
                          {address ? `, ${address}` : ''}
                        </div>
                      </div>
                    ) : (
                      '–'
                    ),
                },
                {
                  name: 'Act',
                  cell: ({ id, connected, revokedAt }) =>
                    revokedAt === null && (
                      <span className="chips">
                        {connected && (
                          <button type="button" onClick={() => act.mutate({ agent: id, how: 'drain' })}>
                            Drain
                          </button>
                        )}
                        <button
                          type="button"
                          onClick={() => confirmed(id) && act.mutate({ agent: id, how: 'revoke' })}
                        >
                          Revoke
                        </button>
                      </span>
                    ),
                },
              ]}
              rows={agents}
              id={({ id }) => id}
            />
          </>
        )
      }
    </Shown>
  )
}

/** Makes a join token, and shows the one command that uses it. */
function Join({ workspace, sites }: { workspace: string; sites: readonly string[] }) {
  const client = useQueryClient()
  const [site, setSite] = useState('')
  const make = useMutation({
    mutationFn: async () => {
      if (!sites.includes(site)) await call(createSite, { params: { workspace }, body: { id: site } })
      return call(createJoinToken, { params: { workspace, site }, body: {} })
    },
    onSettled: () => client.invalidateQueries({ queryKey: [workspace, 'sites'] }),
  })
  return (
    <section className="card" aria-labelledby="join">
      <h2 id="join">Let an agent join</h2>
      <form
        className="head"
        onSubmit={(event) => {
          event.preventDefault()
          make.mutate()
        }}
      >
        <label>
          Site, a new one or one that is there
          <input
            required
            pattern="[a-z0-9][a-z0-9\-]{0,62}"
            title="lower-case letters, digits and -, at most 63"
            list="known-sites"
            value={site}
            onChange={(event) => setSite(event.target.value)}
          />
          <datalist id="known-sites">
            {sites.map((id) => (
              <option key={id} value={id} />
            ))}
          </datalist>
        </label>
        <button type="submit" className="primary" disabled={make.isPending}>
          Make a join token
        </button>
      </form>
      {make.error && (
        <p role="alert" className="banner bad">
          {make.error.message}
        </p>
      )}
      {make.data && (
        <div role="status">
          <p>
            For one agent of {make.data.site}, until {when(make.data.expiresAt)}. It is shown this once. On
            the machine near the data:
          </p>
          <Code
            label="Command"
            text={`DRAY_JOIN_TOKEN=${make.data.token} dray agent join ${location.origin} --allow 's3://BUCKET'\ndray agent run`}
          />
        </div>
      )}
    </section>
  )
}
