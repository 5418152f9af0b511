import { infiniteQueryOptions } from '@tanstack/react-query'
import { listAudit } from '../../../shared/api/audit.ts'
import { call } from '../../api.ts'

export interface AuditFilter {
  readonly action?: string
  readonly actor?: string
  readonly subject?: string
  /** ISO 8601: from, inclusive, and to, exclusive. */
  readonly since?: string
  readonly until?: string
}

export const audit = (workspace: string, filter: AuditFilter) =>
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
