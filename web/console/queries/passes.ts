import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { comparePasses, listPasses } from '../../../shared/api/passes.ts'
import { call } from '../../api.ts'

/** The newest first. */
export const passes = (workspace: string, migration: string) =>
  infiniteQueryOptions({
    queryKey: [workspace, 'migrations', migration, 'all passes'],
    queryFn: ({ signal, pageParam }) =>
      call(
        listPasses,
        { params: { workspace, migration }, query: pageParam === null ? {} : { cursor: pageParam } },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
  })

export const comparison = (workspace: string, migration: string, from: number, to: number) =>
  queryOptions({
    queryKey: [workspace, 'migrations', migration, 'comparison', from, to],
    queryFn: ({ signal }) =>
      call(comparePasses, { params: { workspace, migration }, query: { from, to } }, { signal }),
  })
