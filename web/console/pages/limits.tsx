/** What endpoints may be used for, by all agents together: what holds now, how much of it is in use, and when that changes. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { deleteLimit, type LimitView } from '../../../shared/api/limits.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useCalled } from '../deeds.ts'
import { LimitForm } from '../limits/form.tsx'
import { Shares } from '../limits/shares.tsx'
import { InUse } from '../limits/values.tsx'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { Menu } from '../parts/menu.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/limits.ts'
import { limitTexts as texts } from '../texts/limits.ts'
import { texts as common } from '../texts.ts'

export function Limits() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { of }: { of?: unknown } = useSearch({ strict: false })
  const navigate = useNavigate()
  /** Whose week and shares are shown is in the address. */
  const show = (endpoint: string | null) =>
    void navigate({
      to: '/w/$workspace/limits',
      params: { workspace },
      search: (endpoint === null ? {} : { of: endpoint }) as never,
      replace: true,
    })
  const asked = useQuery(queries.limits(workspace))
  const may = useMay(workspace, 'limits:write')
  /** `null`: a new one. */
  const [edited, edit] = useState<LimitView | null | undefined>(undefined)
  useCalled('/limits', () => may && edit(null))
  const [doomed, doom] = useState<LimitView | null>(null)
  const remove = useChange({
    run: ({ endpoint, revision }: LimitView) =>
      call(deleteLimit, { params: { workspace, endpoint } }, { ifMatch: revision }),
    stale: [workspace, 'limits'],
    says: (_, { endpoint }) => texts.deleted(endpoint),
    done: (_, { endpoint }) => endpoint === of && show(null),
  })
  const deedsOf = (limit: LimitView) => [
    { name: texts.deeds.shares, run: () => show(limit.endpoint) },
    { name: texts.deeds.edit, disabled: !may, run: () => edit(limit) },
    { name: texts.deeds.delete, disabled: !may, danger: true, run: () => doom(limit) },
  ]
  return (
    <Page
      title={common.nav.limits}
      actions={
        may && (
          <button type="button" className="primary" onClick={() => edit(null)}>
            {texts.make}
          </button>
        )
      }
    >
      <Shown of={asked} what={texts.what}>
        {({ limits }) =>
          limits.length === 0 ? (
            <Empty says={texts.empty} command={texts.command} />
          ) : (
            <Table
              caption={common.nav.limits}
              columns={[
                ...columnsFor(workspace),
                {
                  name: texts.columns.deeds,
                  cell: (limit) => <Menu name={texts.menu(limit.endpoint)} deeds={deedsOf(limit)} />,
                },
              ]}
              rows={limits}
              id={({ endpoint }) => endpoint}
            />
          )
        }
      </Shown>
      {typeof of === 'string' && <Shares workspace={workspace} endpoint={of} close={() => show(null)} />}
      {edited !== undefined && <LimitForm workspace={workspace} of={edited} close={() => edit(undefined)} />}
      <Confirm
        open={doomed !== null}
        close={() => doom(null)}
        title={texts.remove.title(doomed?.endpoint ?? '')}
        deed={texts.remove.deed}
        danger
        run={() => remove.mutateAsync(doomed!)}
      >
        {texts.remove.says}
      </Confirm>
    </Page>
  )
}

const columnsFor = (workspace: string): Column<LimitView>[] => [
  {
    name: texts.columns.endpoint,
    kind: 'key',
    cell: ({ endpoint }) => <span className="mono">{endpoint}</span>,
  },
  ...(['bandwidth', 'requests', 'concurrency'] as const).map((bound) => ({
    name: texts.columns[bound],
    cell: (limit: LimitView) => <InUse workspace={workspace} of={limit} bound={bound} />,
  })),
  {
    name: texts.columns.changes,
    cell: ({ nextChange, zone }) =>
      nextChange === null ? (
        <span className="quiet">{texts.never}</span>
      ) : (
        <Time at={nextChange} zone={zone} />
      ),
  },
]
