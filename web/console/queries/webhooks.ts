import { queryOptions } from '@tanstack/react-query'
import { listWebhooks } from '../../../shared/api/webhooks.ts'
import { call } from '../../api.ts'
import { later } from './later.ts'

export const webhooks = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'webhooks'],
    queryFn: ({ signal }) => call(listWebhooks, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })
