import type { NewMigration } from '../shared/api/migrations.ts'

/** The sites that an agent must be of, all at once, to reach both locations and the manifest. */
export function sitesOf({ source, destination, manifest }: NewMigration): string[] {
  const listed = manifest?.place.kind === 'file' ? manifest.place.site : null
  return [...new Set([source.site, destination.site, listed].filter((site) => site !== null))]
}
