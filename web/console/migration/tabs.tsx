/** What there is of a migration: its life, what failed, what happens, its packets, passes and certificates. */
import { Link } from '@tanstack/react-router'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { LifeView } from '../../../shared/life.ts'
import { count } from '../format.ts'
import { isLed } from '../life/view.ts'
import { lookingIn } from '../search.ts'
import { migrationTexts } from '../texts/migration.ts'

export function Tabs(props: {
  workspace: string
  migration: string
  pass: PassStatus
  life: LifeView | undefined
}) {
  const { workspace, migration, pass, life } = props
  const params = { workspace, migration }
  const says = migrationTexts.tabs
  // What is looked at stays so from tab to tab; what one tab is asked for does not.
  const how = { params, search: (before: Record<string, unknown>) => lookingIn(before), resetScroll: false }
  return (
    <nav className="tabs" aria-label={says.name}>
      <Link
        {...how}
        to="/w/$workspace/migrations/$migration"
        activeOptions={{ exact: true, includeSearch: false }}
      >
        {says.failures}
        {` (${count(pass.open)})`}
      </Link>
      {isLed(life) && (
        <Link {...how} to="/w/$workspace/migrations/$migration/life" activeOptions={{ includeSearch: false }}>
          {says.life}
        </Link>
      )}
      <Link
        {...how}
        to="/w/$workspace/migrations/$migration/activity"
        activeOptions={{ includeSearch: false }}
      >
        {says.activity}
      </Link>
      <Link
        {...how}
        to="/w/$workspace/migrations/$migration/packets"
        activeOptions={{ includeSearch: false }}
      >
        {says.packets}
      </Link>
      <Link {...how} to="/w/$workspace/migrations/$migration/passes" activeOptions={{ includeSearch: false }}>
        {says.passes}
      </Link>
      <Link
        {...how}
        to="/w/$workspace/migrations/$migration/certificates"
        activeOptions={{ includeSearch: false }}
      >
        {says.certificates}
      </Link>
      <Link
        {...how}
        to="/w/$workspace/migrations/$migration/settings"
        activeOptions={{ includeSearch: false }}
      >
        {says.definition}
      </Link>
    </nav>
  )
}
