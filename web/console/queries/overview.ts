import { queryOptions } from '@tanstack/react-query'
import { readOverview } from '../../../shared/api/overview.ts'
import { call } from '../../api.ts'
import { later } from './later.ts'

export const overview = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'overview'],
    queryFn: ({ signal }) => call(readOverview, { params: { workspace } }, { signal }),
    refetchInterval: later / 3,
  })
