/** A control plane for tests: the built Worker on a real workerd, with a state directory of its own. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import type { Identity } from '../../agent/identity/identity.ts'
import { buildWorker } from '../../scripts/build.ts'
import { type Database, identitiesIn } from './identities.ts'

export interface PlaneOptions {
  /** How long a silent session keeps its leases; heartbeats come three times as often. 15 s where it is not given. */
  leaseMs?: number
  /** Kept when the plane stops. Where it is not given: a fresh one, removed. */
  dir?: string
  port?: number
  /** More of what the Worker is given (control-plane/env.ts). */
  bindings?: Record<string, string>
}

export interface Plane {
  readonly url: URL
  /** Of the operator. */
  readonly token: string
  readonly workspace: string
  /** An agent that it knows, made when it is first asked for. */
  identity(agent: string, site?: string): Promise<Identity>
  readonly dir: string
  readonly miniflare: Miniflare
  /** A request with the operator's token; `json` is the parsed body (null where it is none), taken at its word. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<{ status: number; json: T }>
  stop(): Promise<void>
}

const migrationsDir = join(import.meta.dirname, '..', '..', 'control-plane', 'migrations')

export async function startPlane(options: PlaneOptions = {}): Promise<Plane> {
  process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'dray-plane-')))
  const token = 'operator-token'
  const script = await buildWorker()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      name: 'dray',
      host: '127.0.0.1',
      port: options.port ?? 0,
      cf: false,
      log: new Log(LogLevel.ERROR),
      modulesRoot: dirname(script),
      modules: [script, join(dirname(script), 'auth.mjs')].map((path) => ({
        type: 'ESModule' as const,
        path,
      })),
      compatibilityDate: '2026-10-20',
      compatibilityFlags: ['nodejs_compat'],
      bindings: {
        DRAY_OPERATOR_TOKEN: token,
        DRAY_AUTH_SECRET: 'a secret for tests, of more than 32 characters',
        ...(options.leaseMs ? { DRAY_LEASE_MS: String(options.leaseMs) } : {}),
        ...options.bindings,
      },
      durableObjects: {
        MIGRATION: { className: 'Migration', useSQLite: true },
        FLEET: { className: 'Fleet', useSQLite: true },
        COURIER: { className: 'Courier', useSQLite: true },
        TIMETABLE: { className: 'Timetable', useSQLite: true },
      },
      d1Databases: { DB: 'dray' },
      r2Buckets: { REPORTS: 'dray-reports' },
      resourcePersistencePath: dir,
    }),
  )
  const url = await miniflare.ready
  await applyMigrations(miniflare)
  const identity = identitiesIn((await miniflare.getD1Database('DB')) as unknown as Database)
  return {
    url,
    token,
    workspace: 'local',
    identity,
    dir,
    miniflare,
    async api<T>(method: string, path: string, body?: unknown) {
      const response = await fetch(new URL(path, url), {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /json$/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, json: (isJson ? JSON.parse(text) : null) as T }
    },
    async stop() {
      await miniflare.dispose()
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

async function applyMigrations(miniflare: Miniflare): Promise<void> {
  const db = await miniflare.getD1Database('DB')
  await db.exec('CREATE TABLE IF NOT EXISTS applied (name TEXT PRIMARY KEY)')
  for (const name of (await readdir(migrationsDir)).filter((n) => n.endsWith('.sql')).sort()) {
    const done = await db.prepare('SELECT 1 FROM applied WHERE name = ?').bind(name).first()
    if (done) continue
    const statements = (await readFile(join(migrationsDir, name), 'utf8')).split('--> statement-breakpoint')
    await db.batch([
      ...statements.map((statement) => db.prepare(statement)),
      db.prepare('INSERT INTO applied VALUES (?)').bind(name),
    ])
  }
}
