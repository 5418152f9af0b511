import { queryOptions } from '@tanstack/react-query'
import { listConnections, readConnection, readConnectionStatus } from '../../../shared/api/connections.ts'
import { listMigrations } from '../../../shared/api/migrations.ts'
import { all, call } from '../../api.ts'
import { later } from './later.ts'

export const connections = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'connections'],
    queryFn: async () => {
      const pages = await all(listConnections, { params: { workspace }, query: { limit: 1_000 } })
      return { connections: pages.flatMap((page) => page.connections) }
    },
    refetchInterval: later,
  })

export const connection = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, 'connections', id],
    queryFn: ({ signal }) => call(readConnection, { params: { workspace, connection: id } }, { signal }),
    refetchInterval: later,
  })

/** Who has its secret. */
export const holders = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, 'connections', id, 'holders'],
    queryFn: ({ signal }) =>
      call(readConnectionStatus, { params: { workspace, connection: id } }, { signal }),
    refetchInterval: later,
  })

/** By connection, of the newest migrations; `whole`: of all that there are. */
export const uses = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'migrations', 'uses'],
    queryFn: async ({ signal }) => {
      const query = { limit: 200 }
      const { migrations, cursor } = await call(listMigrations, { params: { workspace }, query }, { signal })
      const by = new Map<string, string[]>()
      for (const { id, source, destination } of migrations) {
        for (const place of [source, destination]) {
          const name = place.kind === 's3' ? place.connection : undefined
          if (name !== undefined && by.get(name)?.at(-1) !== id) by.set(name, [...(by.get(name) ?? []), id])
        }
      }
      return { by, whole: cursor === null }
    },
  })
