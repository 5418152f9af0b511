import { queryOptions } from '@tanstack/react-query'
import { listCertificates } from '../../../shared/api/certificates.ts'
import { readLife } from '../../../shared/api/life.ts'
import type { LifeView } from '../../../shared/life.ts'
import { call } from '../../api.ts'
import { later } from './later.ts'

/** A checklist goes on from step to step while somebody looks at it; elsewhere a life moves slowly. Milliseconds. */
const paceOf = (life: LifeView | undefined): number => {
  if (life?.state === 'verifying' || life?.state === 'ready') return later / 10
  return life === undefined || life.state === 'draft' || life.state === 'closed' ? later : later / 5
}

export const life = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, 'migrations', id, 'life'],
    queryFn: ({ signal }) => call(readLife, { params: { workspace, migration: id } }, { signal }),
    refetchInterval: ({ state }) => paceOf(state.data),
  })

/** The newest first. */
export const certificates = (workspace: string, id: string) =>
  queryOptions({
    queryKey: [workspace, 'migrations', id, 'certificates'],
    queryFn: ({ signal }) => call(listCertificates, { params: { workspace, migration: id } }, { signal }),
  })
