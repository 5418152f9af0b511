import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { browse, preflight } from '../../../shared/api/browse.ts'
import { type NewMigration, readMigration } from '../../../shared/api/migrations.ts'
import type { Input } from '../../../shared/api/route.ts'
import type { Policy } from '../../../shared/policy.ts'
import { call, Refused } from '../../api.ts'

/** What is looked into: a folder, or a connection for its buckets. */
export type Looked = Input<typeof browse>['body']

/** An agent that does not answer has had its time already. */
const once = { retry: false, staleTime: 30_000, refetchOnWindowFocus: false } as const

export const browsed = (workspace: string, looked: Looked) =>
  infiniteQueryOptions({
    queryKey: [workspace, 'browse', looked],
    queryFn: ({ signal, pageParam }) => {
      const body = { ...looked, ...(pageParam !== null && { cursor: pageParam }) }
      return call(browse, { params: { workspace }, body } as Input<typeof browse>, { signal })
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
    ...once,
  })

export const preflightOf = (workspace: string, body: (NewMigration & { policy: Policy }) | null) =>
  queryOptions({
    queryKey: [workspace, 'preflight', body],
    queryFn: ({ signal }) => call(preflight, { params: { workspace }, body: body! }, { signal }),
    enabled: body !== null,
    ...once,
    // Each look writes something at the destination, and deletes it again.
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  })

/** Whether a migration has that name. */
export const isTaken = (workspace: string, id: string, isName: boolean) =>
  queryOptions({
    queryKey: [workspace, 'migrations', id, 'is-taken'],
    queryFn: async ({ signal }) => {
      try {
        await call(readMigration, { params: { workspace, migration: id } }, { signal })
        return true
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return false
        throw error
      }
    },
    enabled: isName,
  })
