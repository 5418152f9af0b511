/** Sites: places where agents run, and the tokens by which agents join them. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { keySchema } from '../identity/keys.ts'
import { cursorSchema, pageQuery, revisionSchema, route } from './route.ts'

const shape = {
  /** As people and vendors call it: `eu-central-1`, `Frankfurt`. */
  region: z.string().max(100),
  /** What people sort sites by. */
  labels: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/), z.string().max(200))
    .refine((labels) => Object.keys(labels).length <= 50, 'at most 50 labels'),
}

export const newSiteSchema = z.strictObject({
  id: idSchema,
  region: shape.region.default(''),
  labels: shape.labels.default({}),
})
export type NewSite = z.infer<typeof newSiteSchema>

/** What is left out stays as it is. `rootKey: null` forgets the root key, for a site that has lost it: its agents are certified anew. */
export const siteEditSchema = z.strictObject({ ...shape, rootKey: z.null() }).partial()

export const siteSchema = z.object({
  id: idSchema,
  ...shape,
  /** Public half of the key that certifies its agents (Ed25519); null before its first agent has made it. */
  rootKey: keySchema.nullable(),
  createdAt: z.number(),
  revision: revisionSchema,
  /** Those that are not revoked. */
  agents: z.number().int().nonnegative(),
  /** Endpoints that its agents say they reach. */
  reaches: z.array(z.string()),
})
export type SiteView = z.infer<typeof siteSchema>

export const joinTokenSchema = z.object({
  id: z.string(),
  site: idSchema,
  uses: z.number().int().positive(),
  used: z.number().int().nonnegative(),
  createdAt: z.number(),
  createdBy: z.string(),
  expiresAt: z.number(),
})
export type JoinToken = z.infer<typeof joinTokenSchema>

/** Seconds. */
const longestJoin = 24 * 60 * 60

const all = '/api/workspaces/:workspace/sites'
const one = `${all}/:site` as const
const tokens = `${one}/tokens` as const

export const listSites = route({
  method: 'GET',
  path: all,
  needs: 'sites:read',
  summary: 'List the sites, by name.',
  query: pageQuery,
  answer: z.object({ sites: z.array(siteSchema), cursor: cursorSchema }),
})

export const createSite = route({
  method: 'POST',
  path: all,
  needs: 'sites:write',
  summary: 'Create a site.',
  body: newSiteSchema,
  answer: siteSchema,
  status: 201,
})

export const readSite = route({
  method: 'GET',
  path: one,
  needs: 'sites:read',
  summary: 'Read a site.',
  answer: siteSchema,
})

export const editSite = route({
  method: 'PATCH',
  path: one,
  needs: 'sites:write',
  summary:
    'Change a site; or forget its root key, where it is lost, and with it the certificates of its agents.',
  body: siteEditSchema,
  answer: siteSchema,
})

export const deleteSite = route({
  method: 'DELETE',
  path: one,
  needs: 'sites:write',
  summary: 'Delete a site. Refused while it has agents that are not revoked.',
})

export const listJoinTokens = route({
  method: 'GET',
  path: tokens,
  needs: 'sites:write',
  summary: 'List the join tokens of a site that can still be used, without the tokens themselves.',
  query: pageQuery,
  answer: z.object({ tokens: z.array(joinTokenSchema), cursor: cursorSchema }),
})

export const createJoinToken = route({
  method: 'POST',
  path: tokens,
  needs: 'sites:write',
  summary: 'Make a token by which agents join the site. It is shown this once.',
  body: z.strictObject({
    /** How many agents it lets join. */
    uses: z.number().int().min(1).max(1_000).default(1),
    /** Seconds until it is of no use any more. */
    expiresIn: z.number().int().min(1).max(longestJoin).default(3_600),
  }),
  answer: joinTokenSchema.extend({ token: z.string() }),
  status: 201,
  secret: true,
})

export const deleteJoinToken = route({
  method: 'DELETE',
  path: `${tokens}/:token`,
  needs: 'sites:write',
  summary: 'Take a join token back. Agents that have joined by it stay.',
})
