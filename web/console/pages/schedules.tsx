/** When passes begin by themselves. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { startLife } from '../../../shared/api/life.ts'
import { startPass } from '../../../shared/api/migrations.ts'
import { asSet, deleteSchedule, putSchedule, type ScheduleView } from '../../../shared/api/schedules.ts'
import { type Day, days } from '../../../shared/limit.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useCalled } from '../deeds.ts'
import { viewerZone, wallTime, when } from '../format.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { Menu } from '../parts/menu.tsx'
import { Notice, Refusal } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/schedules.ts'
import { cronWords } from '../schedules/cron-words.ts'
import { kindOf } from '../schedules/draft.ts'
import { ScheduleForm } from '../schedules/form.tsx'
import { limitTexts } from '../texts/limits.ts'
import { scheduleTexts as texts } from '../texts/schedules.ts'
import { texts as common } from '../texts.ts'

export function Schedules() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.schedules(workspace))
  const mayWrite = useMay(workspace, 'migrations:write')
  const mayRun = useMay(workspace, 'migrations:run')
  const stale = [workspace, 'schedules']
  /** `null`: a new one. */
  const [edited, edit] = useState<ScheduleView | null | undefined>(undefined)
  useCalled('/schedules', () => mayWrite && edit(null))
  const [doomed, doom] = useState<ScheduleView | null>(null)
  const [collides, tell] = useState<ScheduleView | null>(null)
  const run = useChange({
    async run({ migration, options, starts }: ScheduleView) {
      const params = { workspace, migration }
      if (starts === 'life') {
        await call(startLife, { params })
        return null
      }
      return call(startPass, { params, body: options })
    },
    stale: [workspace, 'migrations'],
    says: (ran, { migration }) =>
      ran ? texts.ran(migration, ran.pass.number, ran.resumed) : texts.lives(migration),
  })
  const enable = useChange({
    run: ({ id, revision, ...rest }: ScheduleView) =>
      call(
        putSchedule,
        { params: { workspace, schedule: id }, body: { ...asSet(rest), enabled: !rest.enabled } },
        { ifMatch: revision },
      ),
    stale,
    says: ({ enabled }, { id }) => (enabled ? texts.resumedNow(id) : texts.pausedNow(id)),
  })
  const remove = useChange({
    run: ({ id, revision }: ScheduleView) =>
      call(deleteSchedule, { params: { workspace, schedule: id } }, { ifMatch: revision }),
    stale,
    says: (_, { id }) => texts.deleted(id),
  })
  const deedsOf = (schedule: ScheduleView) => [
    { name: texts.deeds.run, disabled: !mayRun, run: () => run.mutate(schedule) },
    { name: texts.deeds.edit, disabled: !mayWrite, run: () => edit(schedule) },
    {
      name: schedule.enabled ? texts.deeds.pause : texts.deeds.resume,
      disabled: !mayWrite,
      run: () => enable.mutate(schedule),
    },
    { name: texts.deeds.delete, disabled: !mayWrite, danger: true, run: () => doom(schedule) },
  ]
  return (
    <Page
      title={common.nav.schedules}
      actions={
        mayWrite && (
          <button type="button" className="primary" onClick={() => edit(null)}>
            {texts.make}
          </button>
        )
      }
    >
      <Refusal of={run.error ?? enable.error} />
      {collides?.collides && (
        <Notice
          actions={
            <button type="button" onClick={() => tell(null)}>
              {texts.close}
            </button>
          }
        >
          <p>
            {texts.collides(
              collides.id,
              collides.collides.map(({ schedule, at }) => texts.collision(schedule, when(at))).join(', '),
            )}
          </p>
        </Notice>
      )}
      <Shown of={asked} what={texts.what}>
        {({ schedules }) => (
          <>
            {schedules.length === 0 ? (
              <Empty says={texts.empty} command={texts.command} />
            ) : (
              <Table
                caption={common.nav.schedules}
                columns={[
                  ...columnsFor(workspace),
                  {
                    name: texts.columns.deeds,
                    cell: (schedule) => <Menu name={texts.menu(schedule.id)} deeds={deedsOf(schedule)} />,
                  },
                ]}
                rows={schedules}
                id={({ id }) => id}
              />
            )}
            {edited !== undefined && (
              <ScheduleForm
                workspace={workspace}
                of={edited}
                taken={schedules.map(({ id }) => id)}
                done={(set) => tell(set.collides?.length ? set : null)}
                close={() => edit(undefined)}
              />
            )}
          </>
        )}
      </Shown>
      <Confirm
        open={doomed !== null}
        close={() => doom(null)}
        title={texts.remove.title(doomed?.id ?? '')}
        deed={texts.remove.deed}
        danger
        run={() => remove.mutateAsync(doomed!)}
      >
        {texts.remove.says}
      </Confirm>
    </Page>
  )
}

const columnsFor = (workspace: string): Column<ScheduleView>[] => [
  {
    name: texts.columns.name,
    kind: 'key',
    cell: ({ id, migration, ...schedule }) => (
      <div>
        <strong>{id}</strong>
        <div className="quiet">
          {texts.starts[kindOf(schedule)]} {texts.of}{' '}
          <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration }}>
            {migration}
          </Link>
        </div>
      </div>
    ),
  },
  {
    name: texts.columns.when,
    cell: ({ cron, at, zone, window, blackouts }) => (
      <div>
        {cron !== null ? (
          (cronWords(cron) ?? <code>{cron}</code>)
        ) : (
          <>
            {texts.once}, <Time at={Date.parse(at!)} zone={zone} />
          </>
        )}
        <div className="quiet">
          {cron !== null && <code>{cron}</code>} {texts.zoneIs(zone)}
        </div>
        {window && <div className="quiet">{texts.within(window.from, window.to, daysOf(window.days))}</div>}
        {blackouts.length > 0 && <div className="quiet">{texts.rests(blackouts.length)}</div>}
      </div>
    ),
  },
  {
    name: texts.columns.next,
    cell: ({ next: [next], zone }) =>
      next === undefined ? (
        '–'
      ) : (
        <div>
          <Time at={next} zone={zone} />
          {zone !== viewerZone() && <div className="quiet">{texts.there(wallTime(next, zone), zone)}</div>}
        </div>
      ),
  },
  {
    name: texts.columns.last,
    cell: ({ last }) =>
      last === null ? (
        <span className="quiet">{texts.never}</span>
      ) : (
        <div>
          <State is={lastStates[last.outcome]} says={outcomeOf(last)} />
          <div className="quiet">
            <Time at={last.at} />
            {last.outcome === 'failed' && ` ${last.message}`}
          </div>
        </div>
      ),
  },
  {
    name: texts.columns.state,
    cell: ({ enabled, closedUntil, next, at }) =>
      closedUntil !== null ? (
        <State is="away" says={texts.closed(when(closedUntil))} />
      ) : enabled && at !== null && next.length === 0 ? (
        <State is="complete" says={texts.done} />
      ) : enabled ? (
        <State is="connected" says={texts.enabled} />
      ) : (
        <State is="away" says={texts.paused} />
      ),
  },
]

const daysOf = (on: readonly Day[]) =>
  on.length === days.length ? texts.everyDay : on.map((day) => limitTexts.dayNames[day]).join(', ')

const lastStates = { started: 'complete', skipped: 'cancelled', failed: 'failed' } as const
const outcomeOf = ({ outcome, pass }: NonNullable<ScheduleView['last']>) =>
  outcome === 'started' ? texts.outcome.started(pass) : texts.outcome[outcome]
