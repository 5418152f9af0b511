import { queryOptions } from '@tanstack/react-query'
import { listLimits } from '../../../shared/api/limits.ts'
import { call } from '../../api.ts'
import { later } from './later.ts'

export const limits = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'limits'],
    queryFn: ({ signal }) => call(listLimits, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })
