/** What stands in a row of a connection, and on its own page. */

import { Link } from '@tanstack/react-router'
import type { ConnectionView } from '../../../shared/api/connections.ts'
import { plain } from '../hostile.ts'
import { connectionPageTexts as texts } from '../texts/connections.ts'
import { texts as common } from '../texts.ts'

/** `alone`: without its region, which stands beside it. */
export function Endpoint(props: { of: ConnectionView; alone?: boolean }) {
  const { endpoint, region } = props.of
  return (
    <span className="mono breaks">
      {plain(`${endpoint ?? texts.aws}${region && !props.alone ? `, ${region}` : ''}`)}
    </span>
  )
}

export function FromSites({ workspace, of: { sites } }: { workspace: string; of: ConnectionView }) {
  if (sites.length === 0) return common.everySite
  return sites.map((site, i) => (
    <span key={site}>
      {i > 0 && ', '}
      <Link to="/w/$workspace/sites/$site" params={{ workspace, site }}>
        {site}
      </Link>
    </span>
  ))
}

export function UsedBy(props: { workspace: string; migrations: readonly string[]; whole: boolean }) {
  const { workspace, migrations, whole } = props
  if (migrations.length === 0 && whole) return <span className="quiet">{texts.unused}</span>
  return (
    <span>
      {migrations.map((migration, i) => (
        <span key={migration}>
          {i > 0 && ', '}
          <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration }}>
            {migration}
          </Link>
        </span>
      ))}
      {!whole && <span className="quiet"> {texts.notAll}</span>}
    </span>
  )
}
