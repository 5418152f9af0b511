import { queryOptions } from '@tanstack/react-query'
import { listAgents } from '../../../shared/api/agents.ts'
import { listSites } from '../../../shared/api/sites.ts'
import { call } from '../../api.ts'
import { later } from './later.ts'

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
