/** The control plane's HTTP API, as the command line uses it. Every answer is parsed before anything believes it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type * as z from 'zod'
import {
  type AgentView,
  agentsPageSchema,
  type FailureView,
  failuresPageSchema,
  type MigrationView,
  migrationSchema,
  migrationsPageSchema,
  type NewMigration,
  type PassStatus,
  type Problem,
  passStatusSchema,
  problemSchema,
  startedPassSchema,
} from '../../shared/api/migrations.ts'
import { DrayError, type ErrorCode } from '../../shared/error.ts'
import type { PassOptions } from '../../shared/policy.ts'

export interface PlaneClient {
  migrations(): Promise<MigrationView[]>
  /** Null where there is none of that id. */
  migration(id: string): Promise<MigrationView | null>
  agents(): Promise<AgentView[]>
  putMigration(id: string, migration: NewMigration): Promise<void>
  /** `busy` where one with other options is unfinished. */
  startPass(id: string, options: PassOptions): Promise<{ pass: PassStatus; resumed: boolean }>
  pass(id: string, number: number): Promise<PassStatus>
  cancelPass(id: string, number: number): Promise<void>
  /** The first 1,000. */
  failures(id: string, number: number): Promise<FailureView[]>
  report(id: string, number: number): Promise<ReadableStream<Uint8Array>>
}

export function planeClient(url: URL, token: string, signal?: AbortSignal): PlaneClient {
  const at = (id: string, rest = '') => `/api/migrations/${encodeURIComponent(id)}${rest}`

  /** The answer's body has come as a whole, unless it is wanted as a stream. */
  async function call(method: string, path: string, body?: unknown, streamed = false): Promise<Response> {
    const op = `${method} ${path}`
    let response: Response
    let refusal: string | null = null
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      })
      if (!response.ok) refusal = await response.text()
      else if (!streamed) response = new Response(await response.arrayBuffer())
    } catch (cause) {
      if (signal?.aborted) throw new DrayError('interrupted', op, 'interrupted', { cause })
      const why = reasonOf(cause)
      throw new DrayError('unreachable', op, `the control plane at ${url.href} does not answer (${why})`, {
        retry: 'later',
        hint: 'Is it running, and is the address right?',
        cause,
      })
    }
    if (refusal === null) return response
    throw problem(op, response.status, refusal)
  }

  /** Everything but starting a pass may be asked twice; workerd may just be starting again. */
  async function again<T>(ask: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof DrayError) || error.retry === 'never' || attempt === 8) throw error
        await sleep(attempt * 200, undefined, signal ? { signal } : {}).catch(() => {})
      }
    }
  }

  const get = <T>(path: string, schema: z.ZodType<T>): Promise<T> =>
    again(async () => schema.parse(await (await call('GET', path)).json()))

  async function all<P extends { cursor: string | null }, T>(
    path: string,
    schema: z.ZodType<P>,
    items: (page: P) => T[],
  ): Promise<T[]> {
    const found: T[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: P = await get(cursor === '' ? path : `${path}?cursor=${encodeURIComponent(cursor)}`, schema)
      found.push(...items(page))
      cursor = page.cursor
    }
    return found
  }

  return {
    migrations: () => all('/api/migrations', migrationsPageSchema, (page) => page.migrations),
    migration: async (id) => {
      try {
        return await get(at(id), migrationSchema)
      } catch (error) {
        if (error instanceof DrayError && error.code === 'not-found') return null
        throw error
      }
    },
    agents: async () => (await get('/api/agents', agentsPageSchema)).agents,
    putMigration: (id, migration) => again(async () => void (await call('PUT', at(id), migration))),
    startPass: (id, options) =>
      again(async () =>
        startedPassSchema.parse(await (await call('POST', at(id, '/passes'), options)).json()),
      ),
    pass: (id, number) => get(at(id, `/passes/${number}`), passStatusSchema),
    cancelPass: (id, number) =>
      again(async () => void (await call('POST', at(id, `/passes/${number}/cancel`)))),
    failures: async (id, number) =>
      (await get(at(id, `/passes/${number}/failures`), failuresPageSchema)).failures,
    report: (id, number) =>
      again(async () => {
        const { body } = await call('GET', at(id, `/passes/${number}/report`), undefined, true)
        return body ?? new Response('').body!
      }),
  }
}

/** fetch itself only ever says that it failed. */
export function reasonOf(thrown: unknown): string {
  const { cause, message } = thrown as { cause?: { code?: string; message?: string }; message: string }
  return cause?.code ?? cause?.message ?? message
}

function problem(op: string, status: number, text: string): DrayError {
  let said: Partial<Problem> = {}
  try {
    said = problemSchema.parse(JSON.parse(text))
  } catch {
    // Whatever answered was not a control plane, or not in one piece: the status alone has to do.
  }
  const message = said.detail ?? said.title ?? `the control plane answered ${status}`
  if (status === 401) {
    return new DrayError('bad-credentials', op, 'the control plane does not know this token', {
      hint: 'Give its operator token with --token-file, DRAY_OPERATOR_TOKEN or --token.',
    })
  }
  return new DrayError(said.code ?? byStatus(status), op, message, {
    retry: status >= 500 || status === 429 ? 'later' : 'never',
    hint: said.hint ?? null,
  })
}

function byStatus(status: number): ErrorCode {
  if (status === 403) return 'access-denied'
  if (status === 404) return 'not-found'
  if (status === 409) return 'busy'
  return status >= 500 ? 'server-error' : 'protocol'
}
