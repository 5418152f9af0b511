import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { listFailures } from '../../../shared/api/failures.ts'
import { listMigrations, listPackets, readMigration, readPass } from '../../../shared/api/migrations.ts'
import { readStrip } from '../../../shared/api/watch.ts'
import { call } from '../../api.ts'
import type { Listing } from '../search.ts'
import { later } from './later.ts'

/** A page at a time, the newest first: all, or those that are asked for. */
export const migrations = (workspace: string, { state, text }: Pick<Listing, 'state' | 'text'> = {}) =>
  infiniteQueryOptions({
    queryKey: [workspace, 'migrations', '', 'list', state, text],
    queryFn: ({ signal, pageParam }) => {
      const query = {
        ...(state && { state }),
        ...(text && { text }),
        ...(pageParam && { cursor: pageParam }),
      }
      return call(listMigrations, { params: { workspace }, query }, { signal })
    },
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
    placeholderData: (before) => before,
    refetchInterval: later / 3,
  })

export const migration = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, 'migrations', id],
    queryFn: ({ signal }) => call(readMigration, { params: { workspace, migration: id } }, { signal }),
    refetchInterval: later,
  })

export const pass = (workspace: string, id: string, number: number) =>
  queryOptions({
    queryKey: [workspace, 'migrations', id, 'passes', number],
    queryFn: ({ signal }) =>
      call(readPass, { params: { workspace, migration: id, pass: number } }, { signal }),
    // The page's socket tells of what changes; this is for what only the fleet knows.
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? later : false),
  })

/** All lists of failures of a migration. */
export const failuresOf = (workspace: string, id: string) => [workspace, 'migrations', id, 'failures']

export const failures = (workspace: string, id: string, number: number) =>
  infiniteQueryOptions({
    queryKey: [...failuresOf(workspace, id), number],
    queryFn: ({ signal, pageParam }) =>
      call(
        listFailures,
        {
          params: { workspace, migration: id, pass: number },
          query: pageParam === null ? {} : { cursor: pageParam },
        },
        { signal },
      ),
    initialPageParam: null as string | null,
    getNextPageParam: ({ cursor }) => cursor,
  })

/** `from`: the key (percent-escaped) after which the first one begins; null: the first of all. */
export const packets = (workspace: string, id: string, number: number, from: string | null) =>
  infiniteQueryOptions({
    queryKey: [workspace, 'migrations', id, 'passes', number, 'packets', from],
    queryFn: ({ signal, pageParam }) =>
      call(
        listPackets,
        {
          params: { workspace, migration: id },
          // What is drawn within a tenth of a second.
          query: { pass: number, limit: 50, ...(pageParam !== null && { cursor: pageParam }) },
        },
        { signal },
      ),
    initialPageParam: from === null ? null : `k${from}`,
    getNextPageParam: ({ cursor }) => cursor,
  })

/** The packet that begins after a key (percent-escaped; null: the first one); null where none does. */
export const packet = (workspace: string, id: string, number: number, after: string | null) =>
  queryOptions({
    queryKey: [workspace, 'migrations', id, 'passes', number, 'packet', after],
    queryFn: async ({ signal }) => {
      const query = { pass: number, limit: 1, ...(after !== null && { cursor: `k${after}` }) }
      const { packets } = await call(listPackets, { params: { workspace, migration: id }, query }, { signal })
      return packets[0]?.after === after ? packets[0] : null
    },
  })

/** A part of the strip, in finer buckets. */
export const strip = (
  workspace: string,
  id: string,
  number: number,
  { after, through }: { after: string | null; through: string | null },
) =>
  queryOptions({
    queryKey: [workspace, 'migrations', id, 'passes', number, 'strip', after, through],
    queryFn: ({ signal }) =>
      call(
        readStrip,
        {
          params: { workspace, migration: id },
          query: { pass: number, ...(after !== null && { after }), ...(through !== null && { through }) },
        },
        { signal },
      ),
    // Until the closer one is there, and while it is asked for again.
    placeholderData: (before) => before,
  })
