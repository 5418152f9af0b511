import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { listDeliveries, listWebhooks } from '../../../shared/api/webhooks.ts'
import { call } from '../../api.ts'
import { later } from './later.ts'

/** A workspace has 50 at most: one page. */
export const webhooks = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'webhooks'],
    queryFn: ({ signal }) => call(listWebhooks, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })

export const deliveries = (workspace: string, webhook: string) =>
  infiniteQueryOptions({
    queryKey: [workspace, 'webhooks', webhook, 'deliveries'],
    queryFn: ({ signal, pageParam }) =>
      call(
        listDeliveries,
        {
          params: { workspace, webhook },
          query: { limit: 20, ...(pageParam !== null && { cursor: pageParam }) },
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
    refetchInterval: later,
  })
