/** What the Worker and its objects are given; wrangler.toml and agent/embed name the same bindings. */
import * as z from 'zod'
import type { Fleet } from './fleet.ts'
import type { Migration } from './migration.ts'

export interface Env {
  readonly MIGRATION: DurableObjectNamespace<Migration>
  readonly FLEET: DurableObjectNamespace<Fleet>
  readonly DB: D1Database
  readonly REPORTS: R2Bucket
  readonly DRAY_OPERATOR_TOKEN?: string
  readonly DRAY_AGENT_TOKEN?: string
  /** Only for tests: how long a silent session keeps its leases, in ms. */
  readonly DRAY_LEASE_MS?: string
}

const leaseMsSchema = z.coerce.number().int().min(100).max(600_000).default(15_000)

/** Three heartbeats may be lost, almost, before a lease is. */
export function pace(env: Env): { leaseMs: number; heartbeatMs: number } {
  const leaseMs = leaseMsSchema.parse(env.DRAY_LEASE_MS)
  return { leaseMs, heartbeatMs: Math.floor(leaseMs / 3) }
}

/** The one workspace of an embedded control plane. */
export const localWorkspace = 'local'
