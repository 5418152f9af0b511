/**
 * What the private control plane's workerd runs, in its own configuration language: the Worker, and Miniflare's stand-ins for D1 and R2 with
 * what they store in the same places as Miniflare keeps it. Miniflare itself is left out: its import, its proxies and its certificates cost half a
 * second of CPU and 130 MiB at each start (docs/decisions/0018-how-a-start-is-cheap.md). Secrets come by the environment, so the text holds none.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pageHeaders } from '../../shared/page-headers.ts'

/** Environment variables that the configuration takes. */
export interface WorkerdSecrets {
  DRAY_OPERATOR_TOKEN: string
  /** Who the agent of this control plane is, as JSON: no secret. */
  DRAY_LOCAL_AGENT: string
  DRAY_AUTH_SECRET: string
  DRAY_SETUP_TOKEN: string
  /** Opens the clerk. */
  DRAY_CLERK_TOKEN: string
}

/** What people may be given besides, by the names that the Worker has for it (control-plane/env.ts). */
export const settingNames = [
  'DRAY_PUBLIC_URL',
  'DRAY_OIDC_ISSUER',
  'DRAY_OIDC_CLIENT_ID',
  'DRAY_OIDC_CLIENT_SECRET',
  'DRAY_OIDC_NAME',
  'DRAY_OIDC_DOMAINS',
  // How long a request under a lost lease may still land (control-plane/env.ts), for stores of which more is known than of S3.
  'DRAY_LATE_WRITE_MS',
] as const
export type Settings = Partial<Record<(typeof settingNames)[number], string>>

/** Sockets, by the names that `--socket-addr` knows. */
export type SocketName = 'api' | 'clerk'

/** Directories that must be there, below the one that is given. */
export const storageDirectories = ['do', 'd1', 'r2'] as const

// workerd is Miniflare's dependency, not ours: asked from where Miniflare is.
const miniflare = createRequire(import.meta.url).resolve('miniflare')

export const installedWorkerd = (): string =>
  (createRequire(miniflare)('workerd') as { default: string }).default

export interface WorkerdPlan {
  readonly directory: string
  readonly script: string
  readonly web: string | null
  /** Whether it may call others, for webhooks: in the operator's own network too. Else nothing outside is ever asked. */
  readonly calls: boolean
  /** Those that are in the environment. */
  readonly settings: readonly (keyof Settings)[]
}

export function workerdConfig(at: WorkerdPlan): string {
  const storage = (name: string) =>
    `(name = "${name}:storage", disk = (path = ${text(join(at.directory, name))}, writable = true))`
  const services = [
    theWorker(at),
    clerk,
    ...(at.web === null ? [] : front(at.web)),
    ...standIn('d1', 'd1/entry.worker.js', 'd1/database.worker.js', 'D1DatabaseObject'),
    ...standIn('r2', 'shared/object-entry.worker.js', 'r2/bucket.worker.js', 'R2BucketObject'),
    ...storageDirectories.map(storage),
    at.calls
      ? '(name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true)))'
      : '(name = "internet", network = (allow = []))',
  ]
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(',\n')}],
  sockets = [(name = "api", service = "${at.web === null ? 'dray' : 'front'}"), (name = "clerk", service = "clerk")],
  extensions = [(modules = [${miniflareModule('miniflare:shared', 'shared/index')}, ${miniflareModule('miniflare:zod', 'shared/zod')}])],
  structuredLogging = true,
  # Else workerd keeps some 20 KB of garbage a request, up to about 450 MB: measured with an empty Worker. It costs a quarter of the leases/s.
  v8Flags = ["--gc-global"],
);
`
}

/** JSON's escapes are also this language's, for whatever a path may hold. */
const text = (value: string) => JSON.stringify(value)
const embedded = (name: string, path: string) => `(name = ${text(name)}, esModule = embed ${text(path)})`
const miniflareFile = (path: string) => join(dirname(miniflare), 'workers', path)
const miniflareModule = (name: string, path: string) => embedded(name, miniflareFile(`${path}.worker.js`))

/** People sign in where there is a console. Elsewhere nobody does, and the library is not loaded: 30 ms of CPU, as workerd compiles what it is given. */
const modulesOf = ({ script, web }: WorkerdPlan): string[] => [
  embedded('worker.js', script),
  ...(web === null ? [] : [embedded('auth.mjs', join(dirname(script), 'auth.mjs'))]),
]

const theWorker = (plan: WorkerdPlan) => `(name = "dray", worker = (
    modules = [${modulesOf(plan).join(', ')}],
    compatibilityDate = "2026-10-20",
    bindings = [
      (name = "DRAY_OPERATOR_TOKEN", fromEnvironment = "DRAY_OPERATOR_TOKEN"),
      (name = "DRAY_LOCAL_AGENT", fromEnvironment = "DRAY_LOCAL_AGENT"),
      (name = "DRAY_AUTH_SECRET", fromEnvironment = "DRAY_AUTH_SECRET"),
      (name = "DRAY_SETUP_TOKEN", fromEnvironment = "DRAY_SETUP_TOKEN"),
      ${plan.settings.map((name) => `(name = "${name}", fromEnvironment = "${name}"),`).join('\n      ')}
      (name = "DRAY_WEBHOOKS_INSECURE", text = "${plan.calls ? '1' : ''}"),
      ${database},
      (name = "MIGRATION", durableObjectNamespace = (className = "Migration")),
      (name = "FLEET", durableObjectNamespace = (className = "Fleet")),
      (name = "COURIER", durableObjectNamespace = (className = "Courier")),
      (name = "TIMETABLE", durableObjectNamespace = (className = "Timetable")),
      (name = "REPORTS", r2Bucket = (name = "r2:entry", props = (json = "{\\"MINIFLARE_NAMESPACE\\":\\"dray-reports\\"}"))),
    ],
    durableObjectNamespaces = [
      (className = "Migration", enableSql = true, uniqueKey = "dray-Migration"),
      (className = "Fleet", enableSql = true, uniqueKey = "dray-Fleet"),
      (className = "Courier", enableSql = true, uniqueKey = "dray-Courier"),
      (className = "Timetable", enableSql = true, uniqueKey = "dray-Timetable"),
    ],
    durableObjectStorage = (localDisk = "do:storage"),
  ))`

const database = `(name = "DB", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [
        (name = "fetcher", service = (name = "d1:entry", props = (json = "{\\"MINIFLARE_NAMESPACE\\":\\"dray\\"}")))]))`

/** Runs statements on the catalogue for whoever has its token: how the tables are made (d1-migrations.ts). */
const clerk = `(name = "clerk", worker = (
    modules = [(name = "clerk.js", esModule = ${text(`
      export default {
        async fetch(request, { DB, TOKEN }) {
          if (request.headers.get('authorization') !== TOKEN) return new Response(null, { status: 403 })
          const statements = await request.json()
          try {
            const done = await DB.batch(statements.map(({ sql, values }) => DB.prepare(sql).bind(...values)))
            return Response.json(done.map(({ results }) => results))
          } catch (error) {
            return new Response(error.message, { status: 500 })
          }
        }
      }`)})],
    compatibilityDate = "2026-10-20",
    bindings = [${database}, (name = "TOKEN", fromEnvironment = "DRAY_CLERK_TOKEN")],
  ))`

/** What Cloudflare's asset router does in front of the deployed Worker (wrangler.toml): the console's files, and its page for every other path. */
const front = (directory: string) => [
  `(name = "front", worker = (
    modules = [(name = "front.js", esModule = ${text(`
      const types = { html: 'text/html; charset=utf-8', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml', png: 'image/png',
        ico: 'image/x-icon', woff2: 'font/woff2', json: 'application/json', txt: 'text/plain; charset=utf-8' }
      export default {
        async fetch(request, { DRAY, FILES }) {
          const { pathname } = new URL(request.url)
          if (/^\\/(?:api|agent)\\//.test(pathname)) {
            // Of Cloudflare's making, where that is in front of it; here anybody could claim an address.
            const headers = new Headers(request.headers)
            headers.delete('cf-connecting-ip')
            return DRAY.fetch(new Request(request, { headers }))
          }
          if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405 })
          for (const path of [pathname, pathname + '.html', '/index.html']) {
            const ending = /\\.([a-z0-9]+)$/.exec(path)?.[1] ?? ''
            if (types[ending] === undefined) continue
            const file = await FILES.fetch(new Request('http://files' + path, { method: request.method }))
            if (file.status !== 200) continue
            const headers = new Headers(file.headers)
            headers.set('content-type', types[ending])
            headers.set('cache-control', 'no-cache')
            for (const [name, value] of Object.entries(${JSON.stringify(pageHeaders)})) headers.set(name, value)
            return new Response(file.body, { headers })
          }
          return new Response(null, { status: 404 })
        }
      }`)})],
    compatibilityDate = "2026-10-20",
    bindings = [(name = "DRAY", service = "dray"), (name = "FILES", service = "web")],
  ))`,
  `(name = "web", disk = (path = ${text(directory)}))`,
]

/** An entry that names an object by the database or bucket, and the object, whose own storage is beside the blobs it writes. */
const standIn = (name: string, entry: string, object: string, className: string) => [
  `(name = "${name}:entry", worker = (
    modules = [${embedded('entry.worker.js', miniflareFile(entry))}],
    compatibilityDate = "2023-07-24",
    compatibilityFlags = ["enhanced_error_serialization"],
    bindings = [(name = "MINIFLARE_OBJECT", durableObjectNamespace = (serviceName = "${name}", className = "${className}"))],
  ))`,
  `(name = "${name}", worker = (
    modules = [${embedded('object.worker.js', miniflareFile(object))}],
    compatibilityDate = "2023-07-24",
    compatibilityFlags = ["nodejs_compat", "experimental"],
    durableObjectNamespaces = [(className = "${className}", uniqueKey = "miniflare-${className}")],
    durableObjectStorage = (localDisk = "${name}:storage"),
    bindings = [(name = "MINIFLARE_BLOBS", service = "${name}:storage")],
  ))`,
]
