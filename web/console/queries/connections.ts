import { queryOptions } from '@tanstack/react-query'
import { listConnections } from '../../../shared/api/connections.ts'
import { call } from '../../api.ts'
import { later } from './later.ts'

export const connections = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'connections'],
    queryFn: ({ signal }) => call(listConnections, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })
