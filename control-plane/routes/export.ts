/** All of a workspace but its secrets, in lines, for whoever leaves or keeps a copy. Memory holds one page of rows. */
import { asc, getTableColumns, gt } from 'drizzle-orm'
import { exportWorkspace } from '../../shared/api/whole-workspace.ts'
import { People } from '../access/people.ts'
import type { Env } from '../env.ts'
import {
  agents,
  audit,
  connections,
  invitations,
  joinTokens,
  limits,
  members,
  migrations,
  schedules,
  sites,
  tokens,
  webhooks,
} from '../store/schema.ts'
import type { Owned, Scope } from '../store/scope.ts'
import { objectOf } from './find.ts'
import { type App, serve } from './serve.ts'

const pageSize = 500

interface Exported {
  readonly kind: string
  readonly table: Owned
  /** A column that tells its rows apart, and puts them in order. */
  readonly by: string
  /**
   * What of a row goes out; everything but secrets, named one by one, so that a new column goes nowhere until
   * somebody has thought of it.
   */
  readonly columns: readonly string[]
}

/** In the order of the document. What is of a workspace and not here is in `keptBack`. */
export const exported: readonly Exported[] = [
  { kind: 'member', table: members, by: 'personId', columns: ['personId', 'role', 'createdAt'] },
  {
    kind: 'invitation',
    table: invitations,
    by: 'id',
    columns: ['id', 'email', 'role', 'inviterName', 'createdAt', 'expiresAt'],
  },
  {
    kind: 'token',
    table: tokens,
    by: 'id',
    columns: ['id', 'name', 'permissions', 'makerId', 'makerName', 'expiresAt', 'lastRequest', 'createdAt'],
  },
  {
    kind: 'site',
    table: sites,
    by: 'id',
    columns: ['id', 'region', 'labels', 'rootKey', 'createdAt', 'revision'],
  },
  {
    kind: 'agent',
    table: agents,
    by: 'id',
    columns: [
      ...['id', 'site', 'signing', 'sealing', 'certificate', 'facts', 'address', 'enrolledAt', 'seenAt'],
      ...['twinAt', 'revokedAt'],
    ],
  },
  {
    kind: 'join-token',
    table: joinTokens,
    by: 'id',
    columns: ['id', 'site', 'uses', 'used', 'createdAt', 'createdBy', 'expiresAt'],
  },
  {
    kind: 'connection',
    table: connections,
    by: 'id',
    columns: [
      ...['id', 'kind', 'endpoint', 'region', 'pathStyle', 'requesterPays', 'sites', 'credential'],
      ...['secretVersion', 'revision', 'createdAt', 'updatedAt'],
    ],
  },
  {
    kind: 'limit',
    table: limits,
    by: 'endpoint',
    columns: ['endpoint', 'limit', 'updatedAt', 'revision'],
  },
  {
    kind: 'schedule',
    table: schedules,
    by: 'id',
    columns: [
      ...['id', 'migration', 'cron', 'zone', 'options', 'enabled', 'createdAt', 'updatedAt', 'revision'],
      'last',
    ],
  },
  {
    kind: 'webhook',
    table: webhooks,
    by: 'id',
    columns: ['id', 'address', 'events', 'format', 'disabled', 'createdAt', 'revision'],
  },
  {
    kind: 'migration',
    table: migrations,
    by: 'id',
    columns: [
      ...['id', 'source', 'destination', 'filter', 'mapping', 'manifest', 'priority', 'policy', 'createdAt'],
      ...['pass', 'revision'],
    ],
  },
  {
    kind: 'audit',
    table: audit,
    by: 'id',
    columns: [
      ...['id', 'at', 'actorKind', 'actorId', 'actorName', 'address', 'action', 'subject', 'before', 'after'],
    ],
  },
]

/** Sealed copies are ciphertext for one agent each; answers to requests are kept for a day, to be given again. */
export const keptBack: readonly string[] = ['sealed_copies', 'idempotency']

export function workspaceExport(app: App): void {
  serve(app, exportWorkspace, async ({ env, scope, params }) => {
    const workspace = await new People(env.DB).workspace(params.workspace)
    const lines = linesOf(env, scope, { kind: 'workspace', ...workspace, at: Date.now() })
    const encoder = new TextEncoder()
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await lines.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      },
    })
    await scope.record({ action: 'workspace.export', subject: `workspace/${scope.workspace}` })
    const name = `dray-${scope.workspace}.ndjson`
    return new Response(body, {
      headers: {
        'content-type': exportWorkspace.type,
        'content-disposition': `attachment; filename="${name}"`,
        'cache-control': 'no-store',
      },
    })
  })
}

/** Some lines at a time. The last one says how many there were: a document without it is not whole. */
async function* linesOf(env: Env, scope: Scope, head: object): AsyncGenerator<string> {
  let count = 1
  const text = (lines: readonly object[]) => {
    count += lines.length
    return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  }
  yield `${JSON.stringify(head)}\n`
  for (const each of exported) {
    const { kind, columns } = each
    for await (const rows of pages(scope, each)) {
      const lines = rows.map((row) => ({
        kind,
        ...Object.fromEntries(columns.map((name) => [name, row[name]])),
      }))
      if (lines.length > 0) yield text(lines)
      if (kind !== 'migration') continue
      for (const { id } of rows)
        for await (const lines of passesOf(env, scope, id as string)) yield text(lines)
    }
  }
  yield `${JSON.stringify({ kind: 'end', lines: count + 1 })}\n`
}

async function* pages(scope: Scope, { table, by }: Exported): AsyncGenerator<Record<string, unknown>[]> {
  const column = getTableColumns(table)[by]!
  for (let after: unknown = null; ; ) {
    const where = after === null ? undefined : gt(column, after)
    const page = { where, orderBy: [asc(column)], limit: pageSize }
    const rows: Record<string, unknown>[] = await scope.rows(table, page)
    yield rows
    if (rows.length < pageSize) return
    after = rows.at(-1)![by]
  }
}

/** Every pass of a migration, and what failed in it. */
async function* passesOf(env: Env, scope: Scope, migration: string): AsyncGenerator<object[]> {
  const object = objectOf(env, scope.workspace, migration)
  const last = await object.lastPass()
  for (let number = 1; number <= last; number++) {
    const pass = await object.passStatus(number)
    if (pass) yield [{ kind: 'pass', migration, ...pass }]
    for (let from: number | null = 0; from !== null; ) {
      const page: Awaited<ReturnType<typeof object.failures>> = await object.failures(number, {}, from, 1_000)
      if (page && page.failures.length > 0) {
        yield page.failures.map((failure) => ({ kind: 'failure', migration, pass: number, ...failure }))
      }
      from = page?.next ?? null
    }
  }
}
