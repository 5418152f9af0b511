/** What a side can be reached by, and what the caller may do with it. */
import { useQuery } from '@tanstack/react-query'
import { useMay } from '../may.ts'
import * as connections from '../queries/connections.ts'
import * as sites from '../queries/sites.ts'
import type { Ways } from './place.tsx'

export function useWays(workspace: string): Ways {
  const known = useQuery(connections.connections(workspace))
  const places = useQuery(sites.sites(workspace))
  const agents = useQuery(sites.agents(workspace))
  return {
    workspace,
    connections: known.data?.connections ?? [],
    sites: places.data?.sites.map(({ id }) => id) ?? [],
    agents: agents.data?.agents ?? [],
    isKnown: Boolean(known.data && places.data && agents.data),
    mayMake: useMay(workspace, 'connections:write'),
    mayLook: useMay(workspace, 'connections:test'),
  }
}
