/** What the Worker and its objects are given; wrangler.toml and agent/embed name the same bindings. */
import * as z from 'zod'
import type { Courier } from './courier.ts'
import type { Fleet } from './fleet.ts'
import type { Migration } from './migration.ts'
import type { Timetable } from './timetable.ts'

export interface Env {
  readonly MIGRATION: DurableObjectNamespace<Migration>
  readonly FLEET: DurableObjectNamespace<Fleet>
  readonly COURIER: DurableObjectNamespace<Courier>
  readonly TIMETABLE: DurableObjectNamespace<Timetable>
  readonly DB: D1Database
  readonly REPORTS: R2Bucket
  readonly DRAY_OPERATOR_TOKEN?: string
  /** Of an embedded control plane: who its own agent is (store/agents.ts, `LocalAgent`), as JSON. */
  readonly DRAY_LOCAL_AGENT?: string
  /** At least 32 characters, kept for good: signs sessions, encrypts second factors. Without it nobody signs in. */
  readonly DRAY_AUTH_SECRET?: string
  /** What the link that makes the first owner holds; without it there is no such link. */
  readonly DRAY_SETUP_TOKEN?: string
  /** Where people reach this control plane, `https://dray.example.com`: the address that they asked for, where it is not given. */
  readonly DRAY_PUBLIC_URL?: string
  /** An OpenID Connect provider: its issuer, and what it knows us by. */
  readonly DRAY_OIDC_ISSUER?: string
  readonly DRAY_OIDC_CLIENT_ID?: string
  readonly DRAY_OIDC_CLIENT_SECRET?: string
  /** What its button says. */
  readonly DRAY_OIDC_NAME?: string
  /** Domains of addresses that need no invitation, separated by commas. */
  readonly DRAY_OIDC_DOMAINS?: string
  /** `1`: webhooks may be plain http and in private networks. For tests, and where the network is the operators' own. */
  readonly DRAY_WEBHOOKS_INSECURE?: string
  /** Only for tests: how long a silent session keeps its leases, in ms. */
  readonly DRAY_LEASE_MS?: string
  /** Only for tests: how long after a lease was lost a write under it may still land, in ms. */
  readonly DRAY_LATE_WRITE_MS?: string
}

const leaseMsSchema = z.coerce.number().int().min(100).max(600_000).default(15_000)

/** Three heartbeats may be lost, almost, before a lease is. */
export function pace(env: Env): { leaseMs: number; heartbeatMs: number } {
  const leaseMs = leaseMsSchema.parse(env.DRAY_LEASE_MS)
  return { leaseMs, heartbeatMs: Math.floor(leaseMs / 3) }
}

/**
 * How long after a lease was lost a request under it may still be taken by a store, in ms: 15 minutes, for which S3's signatures are good, and
 * some more for its body to arrive.
 */
export const lateWriteMs = (env: Env): number => Number(env.DRAY_LATE_WRITE_MS ?? 20 * 60_000)

/** The one workspace of an embedded control plane. */
export const localWorkspace = 'local'

export const publicOrigin = (env: Env, request: Request): string =>
  new URL(env.DRAY_PUBLIC_URL || request.url).origin

/** For links that people open: by a name, since browsers make no passkey for an address of digits, and know nobody by two addresses. */
export const linkOrigin = (env: Env, request: Request): string =>
  publicOrigin(env, request).replace(/^http:\/\/127\.0\.0\.1(?=:|$)/, 'http://localhost')

export const allowsInsecure = (env: Env): boolean => env.DRAY_WEBHOOKS_INSECURE === '1'
