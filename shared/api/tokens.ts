/** API tokens, for programs. A token can what its scopes say, and at no time more than whoever made it. */
import * as z from 'zod'
import { cursorSchema, pageQuery, route } from './route.ts'
import { scopeSchema } from './scopes.ts'

export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Its first characters, to know it by. */
  start: z.string(),
  scopes: z.array(scopeSchema),
  maker: z.string(),
  createdAt: z.number(),
  /** Null: never. */
  expiresAt: z.number().nullable(),
  /** Null before the first time. */
  usedAt: z.number().nullable(),
})
export type TokenView = z.infer<typeof tokenSchema>

export const listTokens = route({
  method: 'GET',
  path: '/api/workspaces/:workspace/tokens',
  needs: 'tokens:write',
  summary: 'Lists the API tokens, newest first, without their secrets.',
  query: pageQuery,
  answer: z.object({ tokens: z.array(tokenSchema), cursor: cursorSchema }),
})

export const createToken = route({
  method: 'POST',
  path: '/api/workspaces/:workspace/tokens',
  needs: 'tokens:write',
  summary: 'Makes an API token. Its secret is shown this once.',
  body: z.strictObject({
    name: z.string().trim().min(1).max(32),
    scopes: z.array(scopeSchema).min(1),
    /** Days until it expires; null: never. One that a token makes ends when that one does, at the latest. */
    days: z.number().int().min(1).max(365).nullable().default(90),
  }),
  answer: z.object({ token: tokenSchema, secret: z.string() }),
  status: 201,
  secret: true,
})

export const revokeToken = route({
  method: 'DELETE',
  path: '/api/workspaces/:workspace/tokens/:token',
  needs: 'tokens:write',
  summary: 'Ends an API token, at once.',
})
