import type { MigrationView } from '../../../shared/api/migrations.ts'
import { save as download } from '../new-migration/save.ts'
import { newMigrationTexts } from '../texts/new-migration.ts'

/** Hands a migration to the browser as a file that `dray apply` takes. */
export async function save(workspace: string, migration: MigrationView): Promise<void> {
  const { documentOf } = await import('../new-migration/document.ts')
  const { id, priority, source, destination, filter, mapping, manifest, policy, follow } = migration
  const arrangement = { ...(mapping && { mapping }), ...(manifest && { manifest }) }
  const definition = { source, destination, filter, policy, ...arrangement }
  const text = documentOf({ id, definition, follow, priority }, [], newMigrationTexts.finish.head(workspace))
  download(`${id}.yaml`, 'application/yaml', text)
}
