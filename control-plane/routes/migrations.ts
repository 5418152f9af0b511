/** What operators configure and list. */
import {
  deleteMigration,
  editMigration,
  listMigrations,
  listPackets,
  type NewMigration,
  putMigration,
  readMigration,
} from '../../shared/api/migrations.ts'
import { formatLocation } from '../../shared/location.ts'
import { passOptions } from '../../shared/policy.ts'
import { overlap } from '../core/overlap.ts'
import { reachOfAll } from '../core/place.ts'
import { definedBy } from '../life-errands.ts'
import { Catalogue } from '../store/catalogue.ts'
import { refuseBlindDelete } from './begin-pass.ts'
import { definitionOf, findMigration, findObject, objectOf, orNoPass } from './find.ts'
import { Refusal } from './problem.ts'
import { deleteReports } from './report-stream.ts'
import { resolved } from './resolve.ts'
import { type App, changedSince, Reply, serve } from './serve.ts'

export function migrationRoutes(app: App): void {
  serve(app, listMigrations, async ({ scope, query }) => {
    const { cursor, limit, ...which } = query
    const after = cursor === undefined ? null : placeOf(cursor)
    const page = await new Catalogue(scope).migrations(after, limit, which)
    const last = page.length === limit ? page.at(-1) : undefined
    return { migrations: page, cursor: last ? `${last.createdAt}-${last.id}` : null }
  })

  serve(app, putMigration, async ({ scope, params, body: definition }) => {
    const id = params.migration
    refuseTwoSites(definition)
    refuseForeignManifest(definition)
    refuseOverlap(definition)
    refuseBlindDelete(definition, passOptions(definition.policy ?? {}))
    refuseBaseline(definition, definition.follow?.baseline)
    await resolved(scope, definition)
    const catalogue = new Catalogue(scope)
    const created = await catalogue.addMigration(id, definition, Date.now())
    const migration = (await catalogue.migration(id))!
    if (!created && !isDefinedAs(migration, definition)) {
      throw new Refusal(
        409,
        'busy',
        `the migration ${id} has another source, destination, filter, mapping or manifest`,
        'Give this one another id: a migration does not change.',
      )
    }
    return new Reply(migration, created ? 201 : 200)
  })

  serve(app, editMigration, async ({ env, scope, params, body, ifMatch }) => {
    const catalogue = new Catalogue(scope)
    const before = await findMigration(scope, params.migration)
    const { priority = before.priority, policy = before.policy, follow = before.follow } = body
    if (ifMatch !== null && ifMatch !== before.revision) throw changedSince(`the migration ${before.id}`)
    const isAsItWas = JSON.stringify([policy, follow]) === JSON.stringify([before.policy, before.follow])
    if (priority === before.priority && isAsItWas) return before
    refuseBlindDelete(before, passOptions(policy))
    refuseBaseline(before, follow.baseline)
    if (!(await catalogue.edit(before, { priority, policy, follow })))
      throw changedSince(`the migration ${before.id}`)
    if (priority !== before.priority) await env.FLEET.getByName(scope.workspace).weigh(before.id)
    const after = await findMigration(scope, before.id)
    await objectOf(env, scope.workspace, before.id).defineLife(definedBy(after))
    return after
  })

  serve(app, deleteMigration, async ({ env, scope, params, ifMatch }) => {
    const migration = await findMigration(scope, params.migration)
    const { id, revision } = migration
    if (ifMatch !== null && ifMatch !== revision) throw changedSince(`the migration ${id}`)
    const running = await objectOf(env, scope.workspace, id).erase()
    if (running === 'life') {
      const hint = 'Cancel it first (POST /life/cancel), or close it where it was cut over: POST /life/close.'
      throw new Refusal(409, 'busy', `the life of ${id} goes on`, hint)
    }
    if (running !== null) {
      throw new Refusal(409, 'busy', `pass ${running} of ${id} is running`, 'Cancel it, or let it end.')
    }
    await deleteReports(env.REPORTS, scope.workspace, id)
    await new Catalogue(scope).deleteMigration(migration)
    await env.TIMETABLE.getByName(scope.workspace).changed()
    return undefined
  })

  serve(app, readMigration, ({ scope, params }) => findMigration(scope, params.migration))

  serve(app, listPackets, async ({ env, scope, params, query }) => {
    const migration = await findObject(env, scope, params.migration)
    const number = query.pass ?? (await migration.lastPass())
    return orNoPass(await migration.packets(number, query.cursor ?? null, query.limit), number)
  })
}

function placeOf(cursor: string): { createdAt: number; id: string } {
  const [, createdAt, id] = /^(\d{1,15})-([a-z0-9-]+)$/.exec(cursor) ?? []
  if (createdAt && id) return { createdAt: Number(createdAt), id }
  throw new Refusal(400, 'usage', 'the cursor is none that this list gave')
}

/** No agent is at two sites, so none could reach all. What connections say of theirs is known when a pass begins. */
function refuseTwoSites(definition: NewMigration): void {
  const { source, destination, manifest } = definition
  if (reachOfAll(definition)?.length !== 0) return
  const listed = manifest?.place.kind === 'file' ? manifest.place.site : null
  const sites = new Set([source.site, destination.site, listed].filter((site) => site !== null))
  throw new Refusal(
    400,
    'usage',
    `source, destination and manifest are at the sites ${[...sites].join(' and ')}: no agent reaches both`,
    'All that is at a site must be at one; what agents of every site reach has none.',
  )
}

/** What would copy what it writes, or write over what it reads. */
function refuseOverlap({ source, destination, filter, mapping, manifest }: NewMigration): void {
  const is = overlap(source, destination)
  if (is === 'apart' || (is !== 'same' && filter.only !== null)) return
  if (is === 'source-inside' && !mapping && !manifest) return
  const [from, to] = [formatLocation(source), formatLocation(destination)]
  throw new Refusal(
    400,
    'usage',
    is === 'same'
      ? `source and destination are the same place: ${from}`
      : is === 'destination-inside'
        ? `the destination ${to} is inside the source ${from}: a copy would read what it writes`
        : `the source ${from} is inside the destination ${to}: with other keys, a copy could write over what it reads`,
    'Choose a destination beside the source.',
  )
}

/** What is written there must be none of the objects that are moved, nor out of reach for whoever moves them. */
function refuseBaseline(definition: NewMigration, baseline: NewMigration['source'] | null | undefined): void {
  if (!baseline) return
  const { source, destination } = definition
  const at = formatLocation(baseline)
  for (const [side, location] of Object.entries({ source, destination })) {
    if (overlap(location, baseline) === 'apart') continue
    throw new Refusal(
      400,
      'usage',
      `the baseline ${at} and the ${side} ${formatLocation(location)} overlap`,
      'Keep the baseline in a bucket, under a prefix or in a directory of its own.',
    )
  }
  if (reachOfAll({ ...definition, baseline })?.length !== 0) return
  throw new Refusal(
    400,
    'usage',
    `no agent reaches both the baseline ${at} and the locations of the migration`,
    'Keep it where every agent of the migration can write.',
  )
}

/** A manifest in a bucket is read with the source's credentials. */
function refuseForeignManifest({ source, manifest }: NewMigration): void {
  if (manifest?.place.kind !== 's3' || source.kind === 's3') return
  throw new Refusal(
    400,
    'usage',
    'the manifest is in a bucket, but the source is none',
    'Give a manifest file.',
  )
}

/** Both were parsed by one schema, so their members come in one order. */
const isDefinedAs = (one: NewMigration, other: NewMigration): boolean =>
  JSON.stringify(definitionOf(one)) === JSON.stringify(definitionOf(other))
