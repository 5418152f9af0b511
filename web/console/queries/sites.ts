import { queryOptions } from '@tanstack/react-query'
import { listAgents, readAgent } from '../../../shared/api/agents.ts'
import { listJoinTokens, listSites, readSite } from '../../../shared/api/sites.ts'
import { all, call } from '../../api.ts'
import { remember } from '../sites/recent.ts'
import { later } from './later.ts'

const most = 1_000

/** All of them; what each moves is remembered while the console is open. */
export const agents = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'agents'],
    queryFn: async () => {
      const pages = await all(listAgents, { params: { workspace }, query: { limit: most } })
      const agents = pages.flatMap((page) => page.agents)
      remember(workspace, agents, Date.now())
      return { agents }
    },
    refetchInterval: later / 3,
  })

export const agent = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, 'agents', id],
    queryFn: async ({ signal }) => {
      const agent = await call(readAgent, { params: { workspace, agent: id } }, { signal })
      remember(workspace, [agent], Date.now())
      return agent
    },
    refetchInterval: later / 3,
  })

export const sites = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'sites'],
    queryFn: async () => {
      const pages = await all(listSites, { params: { workspace }, query: { limit: most } })
      return { sites: pages.flatMap((page) => page.sites) }
    },
    refetchInterval: later,
  })

export const site = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, 'sites', id],
    queryFn: ({ signal }) => call(readSite, { params: { workspace, site: id } }, { signal }),
    refetchInterval: later,
  })

/** Those by which agents can still join. */
export const joinTokens = (workspace: string, site: string) =>
  queryOptions({
    queryKey: [workspace, 'sites', site, 'tokens'],
    queryFn: ({ signal }) => call(listJoinTokens, { params: { workspace, site } }, { signal }),
    refetchInterval: later,
  })
