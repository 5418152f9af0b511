/** What a site is: where, its labels, what it can certify, which secrets and endpoints are its own. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { AgentView } from '../../../shared/api/agents.ts'
import type { SiteView } from '../../../shared/api/sites.ts'
import { plain } from '../hostile.ts'
import { connections } from '../queries/connections.ts'
import { siteTexts } from '../texts/sites.ts'
import { Fingerprint } from './fingerprint.tsx'

const texts = siteTexts.site

export function SiteFacts(props: { workspace: string; site: SiteView; agents: readonly AgentView[] }) {
  const { workspace, site } = props
  const { data } = useQuery(connections(workspace))
  const secrets = (data?.connections ?? []).filter(
    ({ credential, sites }) =>
      credential.kind === 'sealed' && (sites.length === 0 || sites.includes(site.id)),
  )
  const own = props.agents.filter((agent) => agent.site === site.id && agent.revokedAt === null)
  const uncertified = site.rootKey === null ? 0 : own.filter(({ certificate }) => certificate === null).length
  const labels = Object.entries(site.labels)
  return (
    <dl className="facts">
      {site.region !== '' && (
        <div>
          <dt>{texts.region}</dt>
          <dd>{plain(site.region)}</dd>
        </div>
      )}
      {labels.length > 0 && (
        <div>
          <dt>{texts.labels}</dt>
          <dd className="chips">
            {labels.map(([name, value]) => (
              <span className="chip" key={name}>
                {plain(`${name}=${value}`)}
              </span>
            ))}
          </dd>
        </div>
      )}
      <div>
        <dt>{texts.root}</dt>
        <dd>
          {site.rootKey === null ? texts.noRoot : <Fingerprint of={[site.rootKey]} />}
          {uncertified > 0 && <div>{texts.uncertified(uncertified)}</div>}
        </dd>
      </div>
      <div>
        <dt>{texts.secrets}</dt>
        <dd>
          {secrets.length === 0
            ? texts.noSecrets
            : secrets.map(({ id }, i) => (
                <span key={id}>
                  {i > 0 && ', '}
                  <Link to="/w/$workspace/connections/$connection" params={{ workspace, connection: id }}>
                    {id}
                  </Link>
                </span>
              ))}
        </dd>
      </div>
      <div>
        <dt>{texts.reaches}</dt>
        <dd>{site.reaches.length === 0 ? texts.reachesNothing : site.reaches.join(', ')}</dd>
      </div>
    </dl>
  )
}
