/** What holds a pass up: the cause, since when, and what to do about it. */
import { Link } from '@tanstack/react-router'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { WatchEvent } from '../../../shared/api/watch.ts'
import type { LifeView } from '../../../shared/life.ts'
import { when } from '../format.ts'
import { plain } from '../hostile.ts'
import { Said } from '../parts/key.tsx'
import { Notice } from '../parts/notice.tsx'
import { lifeTexts } from '../texts/life.ts'
import { migrationTexts as says } from '../texts/migration.ts'
import { Deletes } from './deletes.tsx'

export function Banners(props: {
  workspace: string
  migration: string
  pass: PassStatus
  life: LifeView | undefined
  events: readonly WatchEvent[]
}) {
  const { workspace, migration, pass, life } = props
  const events = props.events.filter((event) => event.pass === pass.number)
  const { paused, asks } = pass
  const conflicts = pass.failureCauses.find(({ code }) => code === 'conflict')
  const waits = pass.agents === 0 && pass.state === 'running' && !paused ? pass.waitsFor : undefined
  const lonely = events.findLast(({ is }) => is === 'left' || is === 'silent' || is === 'began')
  return (
    <>
      {asks && (
        <Deletes {...{ workspace, migration }} pass={pass.number} objects={asks.deletes} of={asks.of} />
      )}
      {life?.paused && (
        <Notice>
          <p>
            <strong>{lifeTexts.pausedBanner(when(life.paused.since), plain(life.paused.by))}</strong>{' '}
            {lifeTexts.pausedHow}
          </p>
        </Notice>
      )}
      {conflicts && pass.open > 0 && (
        <Notice
          actions={
            <Link
              className="button"
              to="/w/$workspace/migrations/$migration"
              params={{ workspace, migration }}
              resetScroll={false}
            >
              {lifeTexts.conflicts.look}
            </Link>
          }
        >
          <p>
            <strong>{lifeTexts.conflicts.title(conflicts.objects)}.</strong> {lifeTexts.conflicts.says}
          </p>
        </Notice>
      )}
      {paused && !life?.paused && (
        <Notice>
          <p>
            <strong>{says.pause.banner(when(paused.since), paused.by)}</strong> {says.pause.bannerHow}
          </p>
        </Notice>
      )}
      {waits && (
        <Notice>
          <p>
            <strong>{says.waits}</strong> <Said text={waits.message} />
          </p>
          <p className="quiet">
            {lonely && `${says.since(when(lonely.at))} `}
            <Link to="/w/$workspace/sites" params={{ workspace }}>
              {says.waitsHow}
            </Link>
          </p>
        </Notice>
      )}
      {pass.errors.map(({ error, packets, parked }) => {
        const first = events.find((event) => event.is === 'error' && event.code === error.code)
        return (
          <div className="banner bad" role="status" key={`${error.code} ${error.op}`}>
            <p>
              <strong>{says.parked(packets, parked)}: </strong>
              <Said text={error.message} />
            </p>
            <p className="quiet">
              {first && `${says.since(when(first.at))} `}
              {error.hint && <Said text={error.hint} />}
            </p>
          </div>
        )
      })}
    </>
  )
}
