/**
 * What a workspace is to be, as `dray apply` takes it from a file: the words of the API, with what they leave out filled in, and without a
 * secret. Things are listed by their names; a section that is not there is none of the file's business.
 */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { defaultFollow, followSchema } from '../life.ts'
import { endpointNameSchema, limitSchema } from '../limit.ts'
import { connectionName, locationSchema } from '../location.ts'
import { manifestSchema, mappingSchema } from '../mapping.ts'
import { filterSchema, noFilter, policySchema, priorities } from '../policy.ts'
import { newConnectionSchema } from './connections.ts'
import { newScheduleSchema } from './schedules.ts'
import { newSiteSchema } from './sites.ts'
import { newWebhookSchema } from './webhooks.ts'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What people leave out of an object, as far as its schema has no word for it. */
const filled = <S extends z.ZodType>(schema: S, rest: (value: Record<string, unknown>) => object) =>
  z.preprocess((value) => (isObject(value) ? { ...rest(value), ...value } : value), schema)

/** A path is a directory; anything else a bucket. */
const location = filled(locationSchema, ({ path }) =>
  path === undefined
    ? { kind: 's3', prefix: '', endpoint: null, region: null, profile: null, site: null }
    : { kind: 'file' },
)
const filter = filled(filterSchema, () => noFilter)
const mapping = filled(mappingSchema, ({ kind }) => ({
  unmatched: 'fail',
  ...(kind === 'template' && { pattern: null }),
}))
const manifest = filled(
  manifestSchema.extend({
    place: filled(manifestSchema.shape.place, ({ path }) => ({ kind: path === undefined ? 's3' : 'file' })),
  }),
  () => ({ columns: null, keys: null }),
)

/** `sealed`: its secret comes by `dray connection seal`. `default`: where the agents' AWS chain finds it. */
const credential = z.union(
  [z.enum(['sealed', 'default', 'anonymous']), z.strictObject({ profile: z.string().min(1).max(200) })],
  { error: 'one of sealed, default, anonymous and { profile: NAME }' },
)

export const siteItem = newSiteSchema.omit({ id: true })
export const connectionItem = newConnectionSchema.omit({ id: true, kind: true }).extend({ credential })
export const migrationItem = z.strictObject({
  source: location,
  destination: location,
  filter: filter.default(noFilter),
  mapping: mapping.optional(),
  manifest: manifest.optional(),
  policy: policySchema.default({}),
  follow: followSchema.extend({ baseline: location.nullable().default(null) }).default(defaultFollow),
  priority: z.enum(priorities).default('normal'),
})
export const scheduleItem = newScheduleSchema
/** `$NAME`: what the environment of `dray apply` has under this name, since an address may be a secret. */
export const webhookItem = newWebhookSchema.omit({ id: true }).extend({
  url: z.union([z.string().regex(/^\$[A-Za-z_][A-Za-z0-9_]*$/), newWebhookSchema.shape.url], {
    error: 'an address, or $NAME for one that the environment has',
  }),
})

/** In the order in which they can be made: each may name what stands before it. */
export const items = {
  sites: siteItem,
  connections: connectionItem,
  limits: limitSchema,
  migrations: migrationItem,
  schedules: scheduleItem,
  webhooks: webhookItem,
} as const
export type Section = keyof typeof items
export const sections = Object.keys(items) as Section[]
export type Item<S extends Section> = z.output<(typeof items)[S]>

export const applySchema = z
  .strictObject({
    sites: z.record(idSchema, siteItem),
    connections: z.record(connectionName, connectionItem),
    limits: z.record(endpointNameSchema, limitSchema),
    migrations: z.record(idSchema, migrationItem),
    schedules: z.record(idSchema, scheduleItem),
    webhooks: z.record(idSchema, webhookItem),
  })
  .partial()
export type Wanted = z.output<typeof applySchema>
