/** What operators configure and list. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import {
  type AgentView,
  migrationIdSchema,
  type NewMigration,
  newMigrationSchema,
} from '../../shared/api/migrations.ts'
import { type Env, workspace } from '../env.ts'
import { sitesOf } from '../sites.ts'
import { access } from './access.ts'
import { catalogueOf, cursorIn, definitionOf, findMigration, findObject, numberIn, orNoPass } from './find.ts'
import { body, Refusal } from './problem.ts'

const pageSize = 100
/** 2,000 patterns of 1,024 characters fit. */
export const maxBody = 8 * 1024 * 1024
export const limited = bodyLimit({
  maxSize: maxBody,
  onError: () => {
    throw new Refusal(413, 'too-large', `the body has more than ${maxBody} bytes`)
  },
})

export const migrationRoutes = new Hono<{ Bindings: Env }>()
  .get('/api/agents', access('operator'), async (context) => {
    const [agents, connected] = await Promise.all([
      catalogueOf(context).agents(),
      context.env.FLEET.getByName(workspace).connected(),
    ])
    const there = new Set(connected)
    return context.json({
      agents: agents.map((agent): AgentView => ({ ...agent, connected: there.has(agent.id) })),
    })
  })

  .get('/api/migrations', access('operator'), async (context) => {
    const cursor = cursorIn(context, /^\d{1,15}-[a-z0-9-]+$/)
    const [, createdAt, id] = /^(\d+)-(.+)$/.exec(cursor ?? '') ?? []
    const after = createdAt && id ? { createdAt: Number(createdAt), id } : null
    const page = await catalogueOf(context).migrations(after, pageSize)
    const last = page.length === pageSize ? page.at(-1) : undefined
    return context.json({ migrations: page, cursor: last ? `${last.createdAt}-${last.id}` : null })
  })

  .put('/api/migrations/:id', access('operator'), limited, async (context) => {
    const id = migrationIdSchema.parse(context.req.param('id'))
    const definition = await body(context, newMigrationSchema)
    refuseTwoSites(definition)
    refuseForeignManifest(definition)
    const catalogue = catalogueOf(context)
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
    return context.json(migration, created ? 201 : 200)
  })

  .get('/api/migrations/:id', access('operator'), async (context) =>
    context.json(await findMigration(context)),
  )

  .get('/api/migrations/:id/packets', access('operator'), async (context) => {
    const cursor = cursorIn(context, /^k[\x21-\x7e]*$/)
    const migration = await findObject(context)
    const asked = context.req.query('pass')
    const number = asked === undefined ? await migration.lastPass() : numberIn(context, 'pass', asked)
    return context.json(orNoPass(await migration.packets(number, cursor), number))
  })

/** No agent is at two sites, so none could reach all. */
function refuseTwoSites(definition: NewMigration): void {
  const sites = sitesOf(definition)
  if (sites.length < 2) return
  throw new Refusal(
    400,
    'usage',
    `source, destination and manifest are at the sites ${sites.join(' and ')}: no agent reaches both`,
    'All that is at a site must be at one; what agents of every site reach has none.',
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
