/** What agents found when connections were tested: kept while the console is open, and no longer. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { testConnection } from '../../../shared/api/connections.ts'
import type { Answer } from '../../../shared/api/route.ts'

export type Tested = Answer<typeof testConnection> & { bucket: string; prefix: string }

const none: readonly Tested[] = []

/** The last of each site, the newest first; and how to add one. */
export function useTested(workspace: string, connection: string) {
  const queryKey = ['tested', workspace, connection]
  const client = useQueryClient()
  const { data } = useQuery<readonly Tested[]>({
    queryKey,
    queryFn: () => none,
    enabled: false,
    initialData: none,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  })
  const add = (tested: Tested) =>
    client.setQueryData<readonly Tested[]>(queryKey, (before = none) => [
      tested,
      ...before.filter(({ site }) => site !== tested.site),
    ])
  return { tested: data, add }
}

export const cannot = ({ checks }: Pick<Tested, 'checks'>): number =>
  checks.filter(({ outcome }) => outcome === 'no').length
