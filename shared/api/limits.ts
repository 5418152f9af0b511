/** Limits of endpoints: what they are, what they allow now, and who has which share of that. */
import * as z from 'zod'
import { endpointNameSchema, limitSchema, limitWindowSchema } from '../limit.ts'
import { cursorSchema, pageQuery, revisionSchema, route } from './route.ts'

const valuesSchema = z.object({
  /** Bytes a second, in and out together; null: no bound. */
  bandwidth: z.number().nullable(),
  /** Requests a second. */
  requests: z.number().nullable(),
  /** Requests at once. */
  concurrency: z.number().nullable(),
})

export const limitViewSchema = z.object({
  endpoint: z.string(),
  ...valuesSchema.shape,
  zone: z.string(),
  windows: z.array(limitWindowSchema),
  /** What holds now, windows considered. */
  now: valuesSchema,
  /** When that changes next (ms since the epoch); null: not in the next two weeks. */
  nextChange: z.number().int().nullable(),
  updatedAt: z.number().int(),
  revision: revisionSchema,
})
export type LimitView = z.infer<typeof limitViewSchema>

export const shareViewSchema = z.object({
  agent: z.string(),
  site: z.string(),
  /** What the agent may do now. */
  share: valuesSchema,
  /** What it last said that it does, a second: bytes, requests; and requests at once. */
  used: z.object({ bandwidth: z.number(), requests: z.number(), concurrency: z.number() }),
  /** Whether it could do more. */
  held: z.object({ bandwidth: z.boolean(), requests: z.boolean(), concurrency: z.boolean() }),
})
export type ShareView = z.infer<typeof shareViewSchema>

const all = '/api/workspaces/:workspace/limits'
/** The endpoint is one segment: escaped, as `https%3A%2F%2Fs3.example.com`. */
const one = `${all}/:endpoint` as const
const params = z.object({ endpoint: endpointNameSchema })

export const listLimits = route({
  method: 'GET',
  path: all,
  needs: 'limits:read',
  summary: 'Lists the limits of endpoints, by endpoint.',
  query: pageQuery,
  answer: z.object({ limits: z.array(limitViewSchema), cursor: cursorSchema }),
})
export const readLimit = route({
  method: 'GET',
  path: one,
  needs: 'limits:read',
  summary: 'Shows the limit of an endpoint, and who has which share of it now.',
  params,
  answer: limitViewSchema.extend({ shares: z.array(shareViewSchema) }),
})
export const putLimit = route({
  method: 'PUT',
  path: one,
  needs: 'limits:write',
  summary: 'Sets the limit of an endpoint, in place of the one that it has. Agents obey at once.',
  params,
  body: limitSchema,
  answer: limitViewSchema,
})
export const deleteLimit = route({
  method: 'DELETE',
  path: one,
  needs: 'limits:write',
  summary: 'Takes the limit of an endpoint away.',
  params,
})
