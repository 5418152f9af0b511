import { queryOptions } from '@tanstack/react-query'
import { listAudit } from '../../../shared/api/audit.ts'
import { call } from '../../api.ts'

/** What was last done to one thing: `agent/paris-1`. */
export const history = (workspace: string, subject: string) =>
  queryOptions({
    queryKey: [workspace, 'audit', 'of', subject],
    queryFn: ({ signal }) =>
      call(listAudit, { params: { workspace }, query: { subject, limit: 10 } }, { signal }),
  })
