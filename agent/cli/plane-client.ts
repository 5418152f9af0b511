/** The control plane's HTTP API, as the command line uses it. Every answer is parsed before anything believes it. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Failure, listFailures } from '../../shared/api/failures.ts'
import {
  cancelPass,
  listMigrations,
  type MigrationView,
  type NewMigration,
  type PassStatus,
  type Problem,
  problemSchema,
  putMigration,
  readMigration,
  readPass,
  startPass,
} from '../../shared/api/migrations.ts'
import { downloadReport, type ReportFormat } from '../../shared/api/passes.ts'
import { type Answer, addressOf, type Input, type Route } from '../../shared/api/route.ts'
import { DrayError, type ErrorCode } from '../../shared/error.ts'
import type { PassOptions } from '../../shared/policy.ts'

export interface PlaneClient {
  readonly url: URL
  /** The workspace that all of this is about. */
  readonly workspace: string
  /** Asks what the contract says, in this workspace; again where that does no harm and may help. */
  call<R extends Route>(contract: R, input: Asked<R>, how?: { ifMatch?: number }): Promise<Answer<R>>
  /** The answer as it comes, of a contract that answers no JSON. */
  stream<R extends Route>(contract: R, input: Asked<R>): Promise<ReadableStream<Uint8Array>>
  /** A list's pages, one after the other. */
  pages<R extends Route>(contract: R, input: Asked<R>): AsyncGenerator<Answer<R>>
  migrations(): Promise<MigrationView[]>
  /** Null where there is none of that id. */
  migration(id: string): Promise<MigrationView | null>
  putMigration(id: string, migration: NewMigration): Promise<void>
  /** `busy` where one with other options is unfinished. */
  startPass(id: string, options: PassOptions): Promise<{ pass: PassStatus; resumed: boolean }>
  pass(id: string, number: number): Promise<PassStatus>
  cancelPass(id: string, number: number): Promise<void>
  /** The first 1,000. */
  failures(id: string, number: number): Promise<Failure[]>
  report(id: string, number: number, format: ReportFormat): Promise<ReadableStream<Uint8Array>>
}

/** What a caller gives: the workspace is the client's. */
export type Asked<R extends Route> = Omit<Input<R>, 'params'> & {
  params?: Omit<Input<R>['params'], 'workspace'>
}

export interface PlaneAddress {
  url: URL
  token: string
  workspace: string
}

export function planeClient({ url, token, workspace }: PlaneAddress, signal?: AbortSignal): PlaneClient {
  /** The answer's body has come as a whole, unless it is wanted as a stream. */
  async function send(
    method: string,
    path: string,
    {
      body,
      headers,
      streamed = false,
    }: { body?: unknown; headers?: Record<string, string>; streamed?: boolean } = {},
  ): Promise<Response> {
    const op = `${method} ${path}`
    let response: Response
    let refusal: string | null = null
    try {
      response = await fetch(new URL(path, url), {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...headers,
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

  /** workerd may just be starting again. */
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

  const pathOf = <R extends Route>(contract: R, { params, query }: Asked<R>) =>
    addressOf(contract, { params: { ...params, workspace }, query } as never)

  const call = <R extends Route>(
    contract: R,
    input: Asked<R>,
    { ifMatch }: { ifMatch?: number } = {},
  ): Promise<Answer<R>> => {
    const headers = {
      ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
      // So that asking again does nothing twice.
      ...(contract.method === 'POST' && { 'idempotency-key': randomUUID() }),
    }
    return again(async () => {
      const response = await send(contract.method, pathOf(contract, input), { body: input.body, headers })
      return contract.answer?.parse(await response.json()) as Answer<R>
    })
  }

  const stream = <R extends Route>(contract: R, input: Asked<R>) =>
    again(async () => {
      const { body } = await send(contract.method, pathOf(contract, input), { streamed: true })
      return body ?? new Response('').body!
    })

  async function* pages<R extends Route>(contract: R, input: Asked<R>): AsyncGenerator<Answer<R>> {
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const query = { ...(input.query as object), ...(cursor && { cursor }) }
      const page = await call(contract, { ...input, query } as Asked<R>)
      yield page
      cursor = (page as { cursor: string | null }).cursor
    }
  }

  return {
    url,
    workspace,
    call,
    stream,
    pages,
    async migrations() {
      const found: MigrationView[] = []
      for await (const page of pages(listMigrations, {})) found.push(...page.migrations)
      return found
    },
    migration: (migration) =>
      call(readMigration, { params: { migration } }).catch((error) => {
        if (error instanceof DrayError && error.code === 'not-found') return null
        throw error
      }),
    putMigration: async (migration, body) => void (await call(putMigration, { params: { migration }, body })),
    startPass: (migration, body) => call(startPass, { params: { migration }, body }),
    pass: (migration, pass) => call(readPass, { params: { migration, pass } }),
    cancelPass: async (migration, pass) => void (await call(cancelPass, { params: { migration, pass } })),
    failures: async (migration, pass) =>
      (await call(listFailures, { params: { migration, pass }, query: { limit: 1_000 } })).failures,
    report: (migration, pass, format) => stream(downloadReport, { params: { migration, pass, format } }),
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
    return new DrayError('bad-credentials', op, 'the control plane does not know this token, or no longer', {
      hint: 'Sign in again with dray login URL, or give another token with --token-file, DRAY_TOKEN or --token.',
    })
  }
  return new DrayError(said.code ?? byStatus(status), op, message, {
    // After a 504 all the time that there is has been spent already.
    retry: (status >= 500 && status !== 504) || status === 429 ? 'later' : 'never',
    hint: said.hint ?? null,
  })
}

function byStatus(status: number): ErrorCode {
  if (status === 403) return 'access-denied'
  if (status === 404) return 'not-found'
  if (status === 409) return 'busy'
  return status >= 500 ? 'server-error' : 'protocol'
}
