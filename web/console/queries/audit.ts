import { infiniteQueryOptions } from '@tanstack/react-query'
import { listAudit } from '../../../shared/api/audit.ts'
import { call } from '../../api.ts'

export const audit = (workspace: string, filter: { action?: string }) =>
  infiniteQueryOptions({
    queryKey: [workspace, 'audit', filter],
    queryFn: ({ signal, pageParam }) =>
      call(
        listAudit,
        { params: { workspace }, query: { ...filter, ...(pageParam !== null && { cursor: pageParam }) } },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
  })
