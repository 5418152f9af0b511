/**
 * Where a migration can be worked on: at the sites from which every one of its locations is reached, and nowhere else.
 * What an agent is assigned, and what an operator is told where there is no such agent, both follow from this.
 */
import type { NewMigration, WaitsFor } from '../../shared/api/migrations.ts'
import type { Store } from '../../shared/asks.ts'
import type { Location } from '../../shared/location.ts'

/** The names of sites, sorted; null: every site. None at all where nobody can reach it. */
export type Reach = readonly string[] | null

/** Its own site, of those that its connection is reached from (`connectionSites`; a location that is resolved says them itself). */
export function reachOf(location: Location | Store, connectionSites: Reach = null): Reach {
  const { site } = location
  const itself = site === null ? null : [site]
  const resolved = location.kind === 'file' ? null : (location.sites ?? null)
  return inBoth(inBoth(itself, resolved), connectionSites)
}

/** From where all that a migration reads and writes is reached, its baseline included. A manifest in a bucket is reached as its source is. */
export function reachOfAll({
  source,
  destination,
  manifest,
  baseline,
}: Pick<NewMigration, 'source' | 'destination' | 'manifest'> & { readonly baseline?: Location }): Reach {
  const listed: Reach = manifest?.place.kind === 'file' ? [manifest.place.site] : null
  return [reachOf(source), reachOf(destination), listed, baseline ? reachOf(baseline) : null].reduce(inBoth)
}

/** As an agent gets it: what it keeps it names by its locations, and from where else these are reached is nothing to it. */
export function withoutSites<L extends Location>(location: L): L {
  if (location.kind === 'file') return location
  const { sites: _, ...rest } = location
  return rest as L
}

export const reaches = (reach: Reach, site: string): boolean => reach === null || reach.includes(site)

function inBoth(a: Reach, b: Reach): Reach {
  if (a === null || b === null) return a ?? b
  return [...new Set(a)].filter((site) => b.includes(site)).sort()
}

/** What a migration waits for, where none of the agents that are connected (`sites`: of each) can work for it; else null. */
export function waitsFor(reach: Reach, sites: readonly string[]): WaitsFor | null {
  if (sites.some((site) => reaches(reach, site))) return null
  if (reach === null) return { sites: null, message: 'No agent is connected.' }
  if (reach.length === 0) {
    return { sites: [], message: 'No site reaches all of its locations, so no agent can work for it.' }
  }
  const where = reach.length === 1 ? `site ${reach[0]}` : `any of the sites ${reach.join(', ')}`
  const others = sites.length === 0 ? '' : '; those that are connected do not reach all of its locations'
  return { sites: [...reach], message: `No agent of ${where} is connected${others}.` }
}
