/** People's sessions and API tokens, as the library knows them: a caller, or null. */
import { type Role, type Scope, scopeSchema, scopesOf } from '../../shared/api/scopes.ts'
import { type Env, localWorkspace } from '../env.ts'
import { Refusal } from '../routes/problem.ts'
import type { Auth } from './auth.ts'
import type { Person, Token } from './caller.ts'
import { People } from './people.ts'
import { isWeak } from './weak.ts'

/** The library, set up for this request; 503 where this control plane has nobody sign in. */
export async function authOf(env: Env, request: Request, oidc = false): Promise<Auth> {
  const secret = env.DRAY_AUTH_SECRET ?? ''
  if (secret.length < 32) {
    throw new Refusal(
      503,
      'config',
      'this control plane has no DRAY_AUTH_SECRET: nobody can sign in',
      'Whoever deployed it gives it one of 32 characters or more.',
    )
  }
  // A bundle of its own, with its own copies of what both import (scripts/build.ts): classes of ours are others in there.
  const library = await import('./auth.ts').catch(() => null)
  if (!library) {
    throw new Refusal(
      503,
      'config',
      'this control plane runs for one command, and nobody signs in to it',
      'dray up starts one that stays.',
    )
  }
  return library.authFor(env, secret, request, oidc)
}

/** By the cookie, or the signed bearer, that the request has. */
export async function personOf(env: Env, request: Request): Promise<Person | null> {
  if (!env.DRAY_AUTH_SECRET) return null
  const found = await (await authOf(env, request)).api.getSession({ headers: headersOf(request) })
  if (!found) return null
  const { user, session } = found
  const memberships = await new People(env.DB).memberships(user.id)
  return {
    kind: 'person',
    id: user.id,
    name: user.name,
    email: user.email,
    roles: Object.fromEntries(memberships.map(({ workspace, role }) => [workspace, role])) as Record<
      string,
      Role
    >,
    session: session.id,
    mustEnrol: isWeak(String(session.method)),
  }
}

/** One credential: where a bearer is given, the cookie beside it means nothing. */
export function headersOf(request: Request): Headers {
  const headers = new Headers(request.headers)
  if (headers.has('authorization')) headers.delete('cookie')
  return headers
}

export async function tokenOf(env: Env, request: Request, secret: string): Promise<Token | null> {
  if (!env.DRAY_AUTH_SECRET) return null
  const { valid, key } = await (await authOf(env, request)).api.verifyApiKey({ body: { key: secret } })
  if (!valid || !key) return null
  const made = await new People(env.DB).makerOf(key.id)
  if (!made) return null
  const { referenceId: workspace, name } = key
  const bounds = boundsOf(made, workspace)
  const given = scopesFrom(key.permissions)
  const scopes = given.filter((scope) => bounds.includes(scope))
  return { kind: 'token', id: key.id, name: name ?? '', workspace, maker: made.maker, scopes }
}

/** The machine's own tokens are of its own workspace. */
export function boundsOf(
  { maker, role }: { maker: string | null; role: Role | null },
  workspace: string,
): readonly Scope[] {
  if (maker === null) return workspace === localWorkspace ? scopesOf.owner : []
  return role === null ? [] : scopesOf[role]
}

/** Those that there still are. */
export function scopesFrom(permissions: unknown): Scope[] {
  const { dray = [] } = (permissions ?? {}) as { dray?: unknown[] }
  return dray.flatMap((scope) => scopeSchema.safeParse(scope).data ?? [])
}
