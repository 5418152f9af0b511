/**
 * Connections: an endpoint, and how the agents of its sites get their credential. The control plane is given names of profiles and sealed
 * secrets (seal.ts), never a secret that it could use.
 */
import * as z from 'zod'
import { connectionTestSchema } from '../connection-test.ts'
import { envelopeSchema } from '../envelope.ts'
import { idSchema } from '../id.ts'
import { endpointSchema, siteName } from '../location.ts'
import { cursorSchema, pageQuery, revisionSchema, route } from './route.ts'

/**
 * `profile`: one that the agents have, by its name; null: the AWS chain's default. `sealed`: a secret, sealed to each agent. `anonymous`:
 * requests are not signed.
 */
export const credentialSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('profile'), profile: z.string().min(1).max(200).nullable() }),
  z.strictObject({ kind: z.literal('sealed') }),
  z.strictObject({ kind: z.literal('anonymous') }),
])
export type Credential = z.infer<typeof credentialSchema>

const settings = {
  kind: z.literal('s3'),
  /** Null: AWS itself. */
  endpoint: endpointSchema.nullable(),
  region: z.string().min(1).max(100).nullable(),
  /** The bucket is named by the path, or by the host. Null: by the path where there is an endpoint. */
  pathStyle: z.boolean().nullable(),
  /** Whoever reads pays for it, and says so with each request. */
  requesterPays: z.boolean(),
  /** From which it can be reached; none: from all. */
  sites: z.array(siteName).max(100),
  credential: credentialSchema,
}

export const newConnectionSchema = z.strictObject({
  id: idSchema,
  ...settings,
  kind: settings.kind.default('s3'),
  endpoint: settings.endpoint.default(null),
  region: settings.region.default(null),
  pathStyle: settings.pathStyle.default(null),
  requesterPays: settings.requesterPays.default(false),
  sites: settings.sites.default([]),
})
export type NewConnection = z.infer<typeof newConnectionSchema>

/** What is left out stays as it is. */
export const connectionEditSchema = z.strictObject(settings).omit({ kind: true }).partial()
export type ConnectionEdit = z.infer<typeof connectionEditSchema>

export const connectionSchema = z.object({
  id: idSchema,
  ...settings,
  /** Of the secret: 1 for the first that was sealed, and one more with each that took its place; 0 before that. */
  secretVersion: z.number().int().nonnegative(),
  /** Revoked agents that have the secret as it is now: whoever has what was theirs can use it until the secret is another one. */
  rotate: z.array(z.string()),
  revision: revisionSchema,
  createdAt: z.number(),
  updatedAt: z.number(),
})
export type ConnectionView = z.infer<typeof connectionSchema>

export const holderSchema = z.object({
  agent: z.string(),
  site: z.string(),
  connected: z.boolean(),
  /** `old`: of an earlier version. `lost`: it is revoked, and has the secret as it is now. */
  secret: z.enum(['current', 'old', 'missing', 'lost']),
  /** Who sealed its copy, and when; null where it has none. */
  sealedBy: z.string().nullable(),
  sealedAt: z.number().nullable(),
})
export type Holder = z.infer<typeof holderSchema>

export const connectionStatusSchema = z.object({
  connection: idSchema,
  secretVersion: z.number().int().nonnegative(),
  /** Of the sites from which it can be reached, in the order of sites and then of names. */
  agents: z.array(holderSchema),
})
export type ConnectionStatus = z.infer<typeof connectionStatusSchema>

const all = '/api/workspaces/:workspace/connections'
const one = `${all}/:connection` as const

export const listConnections = route({
  method: 'GET',
  path: all,
  needs: 'connections:read',
  summary: 'List the connections, by name.',
  query: pageQuery,
  answer: z.object({ connections: z.array(connectionSchema), cursor: cursorSchema }),
})

export const createConnection = route({
  method: 'POST',
  path: all,
  needs: 'connections:write',
  summary: 'Create a connection.',
  body: newConnectionSchema,
  answer: connectionSchema,
  status: 201,
})

export const readConnection = route({
  method: 'GET',
  path: one,
  needs: 'connections:read',
  summary: 'Read a connection, and which migrations use it.',
  answer: connectionSchema.extend({
    /** Ten of them at most. */
    usedBy: z.array(idSchema),
  }),
})

export const editConnection = route({
  method: 'PATCH',
  path: one,
  needs: 'connections:write',
  summary:
    'Change a connection; passes that run go on with what it was. A secret is sealed for one endpoint: with another one, its copies are dropped, and it is to be sealed again.',
  body: connectionEditSchema,
  answer: connectionSchema,
})

export const deleteConnection = route({
  method: 'DELETE',
  path: one,
  needs: 'connections:write',
  summary: 'Delete a connection and the sealed copies of its secret. Refused while migrations use it.',
})

export const sealConnection = route({
  method: 'PUT',
  path: `${one}/sealed`,
  needs: 'connections:write',
  summary:
    'Store sealed copies of the secret. With the version that it has, for more agents; with the next one, it is another secret, and the copies of the one before are dropped.',
  body: z.strictObject({
    version: z.number().int().positive(),
    copies: z
      .array(z.strictObject({ agent: z.string().min(1).max(200), envelope: envelopeSchema }))
      .min(1)
      .max(200),
  }),
  maxBody: 4 * 1024 * 1024,
  answer: connectionStatusSchema,
})

export const readConnectionStatus = route({
  method: 'GET',
  path: `${one}/status`,
  needs: 'connections:read',
  summary: 'Tell which agents have the secret, and which are to get it.',
  answer: connectionStatusSchema,
})

export const testConnection = route({
  method: 'POST',
  path: `${one}/test`,
  needs: 'connections:test',
  summary:
    'Let a real agent try what it can do with this connection in a bucket. What it writes, it deletes again.',
  body: z.strictObject({
    bucket: z.string().min(1).max(255),
    /** Empty, or ends in `/`. */
    prefix: z
      .string()
      .max(900)
      .refine((p) => p === '' || p.endsWith('/'), 'a prefix ends in "/"')
      .default(''),
    /** Of which an agent is asked; absent: of any from which it can be reached. */
    site: siteName.optional(),
  }),
  answer: connectionTestSchema.extend({ agent: z.string(), site: z.string(), at: z.number() }),
})

export const fetchSealed = route({
  method: 'GET',
  path: '/agent/connections/:connection',
  needs: 'agent',
  summary: 'The copy of a secret that is sealed to the agent that asks.',
  answer: z.object({
    connection: idSchema,
    version: z.number().int().positive(),
    envelope: envelopeSchema,
  }),
})
