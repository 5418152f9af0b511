import { queryOptions } from '@tanstack/react-query'
import { listLimits, readLimit } from '../../../shared/api/limits.ts'
import { all, call } from '../../api.ts'
import { later } from './later.ts'

export const limits = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'limits'],
    queryFn: async () => {
      const pages = await all(listLimits, { params: { workspace }, query: { limit: 1_000 } })
      return { limits: pages.flatMap((page) => page.limits) }
    },
    refetchInterval: later,
  })

/** With what each agent may do there, and does. */
export const limit = (workspace: string, endpoint: string) =>
  queryOptions({
    queryKey: [workspace, 'limits', endpoint],
    queryFn: ({ signal }) => call(readLimit, { params: { workspace, endpoint } }, { signal }),
    refetchInterval: later / 2,
  })
