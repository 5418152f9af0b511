/**
 * Who calls. The machine's own token, API tokens, people's sessions (by cookie or as a bearer) and agents' signatures all end as a `Caller`;
 * what it may do in a workspace is `scopesIn`. The library that knows people and tokens is loaded when one of them calls, never for the
 * machine and for agents: it costs a quarter of a start.
 */
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import { ticketParameter } from '../../shared/api/downloads.ts'
import { downloadFailures } from '../../shared/api/failures.ts'
import { downloadReport } from '../../shared/api/passes.ts'
import { type Role, type Scope, scopesOf } from '../../shared/api/scopes.ts'
import { ticketPrefix, watchMigration } from '../../shared/api/watch.ts'
import { type Env, localWorkspace, publicOrigin } from '../env.ts'
import { Refusal } from '../routes/problem.ts'
import type { Actor } from '../store/scope.ts'
import { personOf, tokenOf } from './person.ts'
import { tokenPrefix } from './weak.ts'

export type Caller =
  | { readonly kind: 'nobody' }
  /** Holds DRAY_OPERATOR_TOKEN: owner of `local`. */
  | { readonly kind: 'machine' }
  | Person
  | Token
  | AgentCaller

export interface Person {
  readonly kind: 'person'
  readonly id: string
  readonly name: string
  readonly email: string
  /** By the workspace's id. */
  readonly roles: Readonly<Record<string, Role>>
  /** The session by which they call. */
  readonly session: string
  /** Signed in by password alone, with no second factor: may do nothing but enrol one. */
  readonly mustEnrol: boolean
}

export interface Token {
  readonly kind: 'token'
  readonly id: string
  readonly name: string
  readonly workspace: string
  /** The person who made it; null where the machine's own operator did. */
  readonly maker: string | null
  /** Already no more than what its maker may do now. */
  readonly scopes: readonly Scope[]
}

export interface AgentCaller {
  readonly kind: 'agent'
  readonly id: string
  readonly workspace: string
  readonly site: string
  /** Of its signature, which objects take once (door.ts). */
  readonly nonce: string
  /** SHA-256 of the body that it signed, in hexadecimal digits; empty without one. */
  readonly digest: string
}

export const nobody: Caller = { kind: 'nobody' }

/** Throws a 401 for credentials that are given and not known, or no longer; a request without any is nobody's. */
export async function callerOf(context: Context<{ Bindings: Env }>): Promise<Caller> {
  const { env } = context
  const request = context.req.raw
  const authorization = request.headers.get('authorization') ?? ''
  if (authorization.startsWith('Dray-Agent ')) {
    const { agentOf } = await import('./agent.ts')
    return agentOf(env, request, authorization)
  }
  const ticket = ticketIn(context)
  if (ticket !== null) {
    const { redeem } = await import('./ticket.ts')
    return redeem(env, context.req.param(), ticket)
  }
  const bearer = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  if (bearer === undefined) {
    if (!/(^|[\s;])(__Secure-)?dray\.session_token=/.test(request.headers.get('cookie') ?? '')) return nobody
    refuseForeign(env, request)
    return (await personOf(env, request)) ?? nobody
  }
  if (await equal(bearer, env.DRAY_OPERATOR_TOKEN)) return { kind: 'machine' }
  const known = bearer.startsWith(tokenPrefix)
    ? await tokenOf(env, request, bearer)
    : await personOf(env, request)
  if (known) return known
  throw new Refusal(
    401,
    'bad-credentials',
    'the token is unknown, expired or revoked',
    'Give another one: dray token create makes them.',
  )
}

/** Files that a browser stores as they come. */
const downloads = [downloadFailures.path, downloadReport.path] as readonly string[]

/**
 * A socket's or a download's, which a browser can send no token with. It opens these doors alone, and only of its migration, whatever else
 * whoever asked for it may do.
 */
function ticketIn(context: Context): string | null {
  const request = context.req.raw
  if (request.method === 'GET' && downloads.includes(routePath(context))) {
    return context.req.query(ticketParameter) ?? null
  }
  const isWatch = request.method === watchMigration.method && routePath(context) === watchMigration.path
  if (!isWatch || !request.headers.has('upgrade')) return null
  const offered = request.headers.get('sec-websocket-protocol')?.split(/\s*,\s*/) ?? []
  return offered.find((name) => name.startsWith(ticketPrefix))?.slice(ticketPrefix.length) ?? null
}

/** A browser sends its cookie whoever asks it to; what changes something, or opens a socket, is to come from our own pages. */
export function refuseForeign(env: Env, request: Request): void {
  const harmless = request.method === 'GET' || request.method === 'HEAD'
  if (harmless && !request.headers.has('upgrade')) return
  if (request.headers.get('origin') === publicOrigin(env, request)) return
  throw new Refusal(
    403,
    'access-denied',
    'the request comes from another site',
    'Programs call with a token (authorization: Bearer), not with a cookie. Behind a proxy, DRAY_PUBLIC_URL says the address that people use.',
  )
}

/** What the caller may do in a workspace; null where it has no part in it, which is to look like there were none. */
export function scopesIn(caller: Caller, workspace: string): readonly Scope[] | null {
  switch (caller.kind) {
    case 'nobody':
    case 'agent':
      return null
    case 'machine':
      return workspace === localWorkspace ? scopesOf.owner : null
    case 'token':
      return workspace === caller.workspace ? caller.scopes : null
    case 'person': {
      const role = caller.roles[workspace]
      return role ? scopesOf[role] : null
    }
  }
  caller satisfies never
}

/** For the audit log. */
export function actorOf(caller: Caller, address: string | null): Actor {
  switch (caller.kind) {
    case 'nobody':
      return { kind: 'system', id: 'nobody', name: 'nobody', address }
    case 'machine':
      return { kind: 'machine', id: 'machine', name: 'the operator token', address }
    case 'agent':
      return { kind: 'agent', id: caller.id, name: caller.id, address }
    case 'token':
    case 'person':
      return { kind: caller.kind, id: caller.id, name: caller.name, address }
  }
  caller satisfies never
}

/** In a time that tells nothing of `expected`; never where there is none. */
export async function equal(given: string, expected: string | undefined): Promise<boolean> {
  if (!expected) return false
  const digest = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const [a, b] = await Promise.all([digest(given), digest(expected)])
  return crypto.subtle.timingSafeEqual(a, b)
}
