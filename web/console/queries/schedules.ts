import { queryOptions } from '@tanstack/react-query'
import { listMigrations } from '../../../shared/api/migrations.ts'
import { listSchedules } from '../../../shared/api/schedules.ts'
import { all, call } from '../../api.ts'
import { later } from './later.ts'

const most = 1_000

export const schedules = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'schedules'],
    queryFn: async () => {
      const pages = await all(listSchedules, { params: { workspace }, query: { limit: most } })
      return { schedules: pages.flatMap((page) => page.schedules) }
    },
    refetchInterval: later,
  })

/** Names alone, to choose one of: the first thousand. */
export const migrationNames = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'migrations', 'names'],
    queryFn: async ({ signal }) => {
      const asked = { params: { workspace }, query: { limit: most } }
      const { migrations } = await call(listMigrations, asked, { signal })
      return migrations.map(({ id }) => id)
    },
  })
