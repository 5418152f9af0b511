/** What pages ask for: each list and thing once, under one name, kept for a while, and asked for again while it moves. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { listAgents } from '../../shared/api/agents.ts'
import { listAudit } from '../../shared/api/audit.ts'
import { listConnections } from '../../shared/api/connections.ts'
import { listLimits } from '../../shared/api/limits.ts'
import { readMe } from '../../shared/api/me.ts'
import { listMembers } from '../../shared/api/members.ts'
import {
  listFailures,
  listMigrations,
  listPackets,
  readMigration,
  readPass,
} from '../../shared/api/migrations.ts'
import { listSites } from '../../shared/api/sites.ts'
import { listTokens } from '../../shared/api/tokens.ts'
import { readStrip } from '../../shared/api/watch.ts'
import { listWebhooks } from '../../shared/api/webhooks.ts'
import { call } from '../api.ts'

/** Ms between two looks. */
const later = 15_000

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => call(readMe, { params: {} }, { signal }),
  staleTime: 60_000,
})

export const migrations = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'migrations'],
    queryFn: ({ signal }) => call(listMigrations, { params: { workspace } }, { signal }),
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
          query: { pass: number, ...(pageParam !== null && { cursor: pageParam }) },
        },
        { signal },
      ),
    initialPageParam: from === null ? null : `k${from}`,
    getNextPageParam: ({ cursor }) => cursor,
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
    refetchInterval: later / 3,
  })

export const agents = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'agents'],
    queryFn: ({ signal }) => call(listAgents, { params: { workspace } }, { signal }),
    refetchInterval: later / 3,
  })

export const sites = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'sites'],
    queryFn: ({ signal }) => call(listSites, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })

export const connections = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'connections'],
    queryFn: ({ signal }) => call(listConnections, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })

export const limits = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'limits'],
    queryFn: ({ signal }) => call(listLimits, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })

export const webhooks = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'webhooks'],
    queryFn: ({ signal }) => call(listWebhooks, { params: { workspace } }, { signal }),
    refetchInterval: later,
  })

export const members = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'members'],
    queryFn: ({ signal }) => call(listMembers, { params: { workspace } }, { signal }),
  })

export const tokens = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'tokens'],
    queryFn: ({ signal }) => call(listTokens, { params: { workspace } }, { signal }),
  })

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
