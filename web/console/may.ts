import { useQuery } from '@tanstack/react-query'
import type { Scope } from '../../shared/api/scopes.ts'
import * as queries from './queries/me.ts'

/** Whether the caller may do that in a workspace; true until it is known. The control plane refuses anyway. */
export function useMay(workspace: string, scope: Scope): boolean {
  const { data: me } = useQuery(queries.me)
  return me?.workspaces.find(({ id }) => id === workspace)?.scopes.includes(scope) ?? true
}
