/** Who calls, and what is theirs: their workspaces, sessions and open invitations. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { route } from './route.ts'
import { roleSchema, scopeSchema } from './scopes.ts'

export const emailSchema = z.email().max(254).toLowerCase()
export const personNameSchema = z.string().trim().min(1).max(100)
/** With a second factor beside it, always. */
export const passwordSchema = z.string().min(12).max(256)

/** How a session began. `password` alone and `entry` (by a link) open nothing but the enrolment of a passkey or a second factor. */
export const signInMethods = ['passkey', 'second-factor', 'oidc', 'device', 'password', 'entry'] as const
export const signInMethodSchema = z.enum(signInMethods)
export type SignInMethod = z.infer<typeof signInMethodSchema>

export const myWorkspaceSchema = z.object({
  id: idSchema,
  name: z.string(),
  /** Null for tokens, which have scopes. */
  role: roleSchema.nullable(),
  scopes: z.array(scopeSchema),
})

export const meSchema = z.object({
  kind: z.enum(['person', 'token', 'machine']),
  id: z.string(),
  name: z.string(),
  /** Null where the caller is no person. */
  email: z.string().nullable(),
  /** Signed in by less than they need: only a passkey or a second factor can be set up. */
  mustEnrol: z.boolean(),
  workspaces: z.array(myWorkspaceSchema),
})
export type Me = z.infer<typeof meSchema>

export const readMe = route({
  method: 'GET',
  path: '/api/me',
  needs: 'caller',
  summary: 'Tells who calls, and what they may do where.',
  answer: meSchema,
})

export const sessionSchema = z.object({
  id: z.string(),
  method: signInMethodSchema,
  /** The browser or program, in its own words. */
  agent: z.string().nullable(),
  address: z.string().nullable(),
  createdAt: z.number(),
  /** Moves on with use. */
  expiresAt: z.number(),
  /** The one that asks. */
  current: z.boolean(),
})
export type SessionView = z.infer<typeof sessionSchema>

export const listSessions = route({
  method: 'GET',
  path: '/api/me/sessions',
  needs: 'person',
  summary: 'Lists the sessions of whoever asks, newest first.',
  answer: z.object({ sessions: z.array(sessionSchema), cursor: z.null() }),
})

export const revokeSession = route({
  method: 'DELETE',
  path: '/api/me/sessions/:session',
  needs: 'person',
  summary: 'Ends one of one’s own sessions, at once.',
})

export const leaveWorkspace = route({
  method: 'DELETE',
  path: '/api/me/workspaces/:workspace',
  needs: 'person',
  summary: 'Gives one’s membership up. The last owner stays.',
})
