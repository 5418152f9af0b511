/** Agents: which there are and how they are, and how they join and leave. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { certificateSchema } from '../identity/certificate.ts'
import { keySchema, publicKeysSchema } from '../identity/keys.ts'
import { factsSchema } from '../protocol.ts'
import { cursorSchema, pageQuery, route } from './route.ts'

export const doingSchema = z.object({
  migration: z.string(),
  /** That it works on now. */
  packets: z.number().int().nonnegative(),
  /** A second, over the last few. */
  objects: z.number().nonnegative(),
  bytes: z.number().nonnegative(),
})
export type Doing = z.infer<typeof doingSchema>

export const agentSchema = z.object({
  id: z.string(),
  site: z.string(),
  connected: z.boolean(),
  /** It finishes what it holds, and ends then. */
  draining: z.boolean(),
  /** What it does now, as it told some seconds ago; null while it is not connected. */
  doing: z.array(doingSchema).nullable(),
  /** The version that it should be of: the control plane's, where its own comes before that; else null. */
  upgradeTo: z.string().nullable(),
  /** As it last told; null before it first connected. */
  facts: factsSchema.nullable(),
  /** From which it last connected, as the control plane saw it; null where it sees none. */
  address: z.string().nullable(),
  ...publicKeysSchema.shape,
  /** By the site's root, over both keys; null: no secret is sealed to it by other agents. */
  certificate: certificateSchema.nullable(),
  enrolledAt: z.number(),
  /** When it last connected or disconnected; null before the first time. */
  seenAt: z.number().nullable(),
  /** When two processes last had its identity at once: the newer one stayed. */
  twinAt: z.number().nullable(),
  revokedAt: z.number().nullable(),
})
export type AgentView = z.infer<typeof agentSchema>

/** Secrets of connections that an agent has, as they are now. */
const secrets = z.array(z.object({ connection: idSchema, version: z.number() }))

const all = '/api/workspaces/:workspace/agents'
const one = `${all}/:agent` as const

export const listAgents = route({
  method: 'GET',
  path: all,
  needs: 'sites:read',
  summary: 'List the agents, by name, and which of them are connected.',
  query: pageQuery.extend({ site: idSchema.optional() }),
  answer: z.object({ agents: z.array(agentSchema), cursor: cursorSchema }),
})

export const readAgent = route({
  method: 'GET',
  path: one,
  needs: 'sites:read',
  summary: 'Read an agent, and which secrets it has.',
  answer: agentSchema.extend({ secrets }),
})

export const drainAgent = route({
  method: 'POST',
  path: `${one}/drain`,
  needs: 'sites:write',
  summary: 'Let an agent finish what it holds and end. It may be started again.',
  answer: agentSchema,
  status: 202,
})

export const revokeAgent = route({
  method: 'POST',
  path: `${one}/revoke`,
  needs: 'sites:write',
  summary:
    'Shut an agent out for good: its sockets are closed, and what it held goes to others at once. The secrets that it had are to be rotated.',
  answer: agentSchema.extend({ secrets }),
})

export const certifyAgent = route({
  method: 'PUT',
  path: `${one}/certificate`,
  needs: 'sites:write',
  summary: 'Store the certificate that the root of its site made for an agent.',
  body: certificateSchema,
  answer: agentSchema,
})

/** What joining proves: that whoever has the token has the keys, and asks for just these. `digest`: SHA-256 of the token. */
export const joinText = (digest: string, name: string, signing: string, sealing: string): string =>
  ['dray-join-1', digest, name, signing, sealing].join('\n')

export const join = route({
  method: 'POST',
  path: '/agent/join',
  needs: 'anybody',
  summary: 'Join a site with a join token: the keys of the caller become those of a new agent.',
  body: z.strictObject({
    token: z.string().max(300),
    /** What the agent is to be called, one name in the workspace. */
    name: idSchema,
    ...publicKeysSchema.shape,
    /** Of `joinText`, by the signing key. */
    signature: z.string().max(100),
  }),
  answer: z.object({
    workspace: idSchema,
    site: idSchema,
    agent: idSchema,
    /** Of the site, where it has one already. */
    rootKey: keySchema.nullable(),
  }),
  status: 201,
  secret: true,
})

export const putCertificate = route({
  method: 'PUT',
  path: '/agent/certificate',
  needs: 'agent',
  summary:
    'Store the certificate of the agent that asks. With it the first agent of a site says which root key the site has.',
  body: z.strictObject({ rootKey: keySchema, certificate: certificateSchema }),
})

export const leave = route({
  method: 'POST',
  path: '/agent/leave',
  needs: 'agent',
  summary: 'The agent that asks leaves for good, as if it were revoked.',
})
