/** What operators configure and list. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import {
  type AgentView,
  type MigrationView,
  migrationIdSchema,
  newMigrationSchema,
} from '../../shared/api.ts'
import { type Env, workspace } from '../env.ts'
import { access } from './access.ts'
import { catalogueOf, cursorIn, findMigration, findObject, numberIn, orNoPass } from './find.ts'
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
    const catalogue = catalogueOf(context)
    const created = await catalogue.addMigration(id, definition, Date.now())
    const migration = (await catalogue.migration(id))!
    if (!created && !isDefinedAs(migration, definition)) {
      throw new Refusal(
        409,
        'busy',
        `the migration ${id} has another source, destination or filter`,
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

/** No agent is at two sites, so none could reach both. */
function refuseTwoSites({ source, destination }: Pick<MigrationView, 'source' | 'destination'>): void {
  if (source.site === null || destination.site === null || source.site === destination.site) return
  throw new Refusal(
    400,
    'usage',
    `the source is at the site ${source.site}, the destination at ${destination.site}: no agent reaches both`,
    'One of the two must be reachable from the other one’s site.',
  )
}

/** Both were parsed by one schema, so their members come in one order. */
function isDefinedAs(
  { source, destination, filter }: MigrationView,
  other: Pick<MigrationView, 'source' | 'destination' | 'filter'>,
): boolean {
  const mine = { source, destination, filter }
  const theirs = { source: other.source, destination: other.destination, filter: other.filter }
  return JSON.stringify(mine) === JSON.stringify(theirs)
}
