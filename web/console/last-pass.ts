import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { MigrationView } from '../../shared/api/migrations.ts'
import * as queries from './queries/migrations.ts'

/** The last pass of the migration in the address, for its tabs. */
export function useLastPass(): { workspace: string; migration: MigrationView; number: number } | null {
  const { workspace, migration: id } = useParams({ from: '/w/$workspace/migrations/$migration' })
  const { data } = useQuery(queries.migration(workspace, id))
  return data?.pass ? { workspace, migration: data, number: data.pass.number } : null
}

/** As its last pass has found them; null where that has not looked at everything. */
export const objectsOf = ({ pass }: MigrationView): number | null =>
  pass && !pass.surveying && pass.retries === undefined
    ? Math.max(pass.counts.objects.listed, pass.expected.objects) || null
    : null
