/**
 * What may be done in a workspace. A route needs one scope; a role is a set of them, each role having all of the one before; a token
 * has some of those of whoever made it.
 */
import * as z from 'zod'

export const scopes = [
  'workspace:read',
  'migrations:read',
  'sites:read',
  'connections:read',
  'limits:read',
  'members:read',
  'webhooks:read',
  /** Start, cancel, try again. */
  'migrations:run',
  'migrations:write',
  'connections:test',
  'sites:write',
  'connections:write',
  'limits:write',
  'members:write',
  'tokens:write',
  'audit:read',
  'webhooks:write',
  'workspace:write',
  'workspace:delete',
] as const
export type Scope = (typeof scopes)[number]
export const scopeSchema = z.enum(scopes)

export const roles = ['viewer', 'operator', 'admin', 'owner'] as const
export type Role = (typeof roles)[number]
export const roleSchema = z.enum(roles)

const upTo = (last: Scope): readonly Scope[] => scopes.slice(0, scopes.indexOf(last) + 1)

export const scopesOf: Record<Role, readonly Scope[]> = {
  viewer: upTo('webhooks:read'),
  operator: upTo('connections:test'),
  admin: upTo('webhooks:write'),
  owner: scopes,
}
