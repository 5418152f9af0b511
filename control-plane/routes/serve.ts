/**
 * Serves a contract (shared/api): who may call, what goes in and what comes out are its words; what happens is the handler's. A route that
 * is not served through here does not exist.
 */
import type { Context, Hono } from 'hono'
import * as z from 'zod'
import type { Answer, Body, Params, Query, Route } from '../../shared/api/route.ts'
import type { Scope as Right } from '../../shared/api/scopes.ts'
import { idSchema } from '../../shared/id.ts'
import { parseJson } from '../../shared/json.ts'
import { actorOf, type Caller, callerOf, nobody, scopesIn } from '../access/caller.ts'
import { rememberedCaller } from '../access/remembered.ts'
import type { Env } from '../env.ts'
import { Scope } from '../store/scope.ts'
import { onceFor } from './idempotency.ts'
import { Refusal } from './problem.ts'
import { takeTurn } from './rate-limit.ts'

export type App = Hono<{ Bindings: Env }>

export interface Asked<R extends Route> {
  readonly params: Params<R>
  readonly query: Query<R>
  readonly body: Body<R>
  readonly caller: Caller
  /** The catalogue of the path's workspace; that of the agent's own on the agents' routes. */
  readonly scope: Scope
  readonly env: Env
  readonly request: Request
  /** The revision that the caller edits, from `If-Match`; null where it does not say, and any will do. 0: there is to be none yet. */
  readonly ifMatch: number | null
}

/** An answer with a status other than the contract's. */
export class Reply<T> {
  readonly value: T
  readonly status: 200 | 201 | 202
  constructor(value: T, status: 200 | 201 | 202) {
    this.value = value
    this.status = status
  }
}

type Outcome<R extends Route> = Answer<R> | Reply<Answer<R>> | Response
export type Handler<R extends Route> = (asked: Asked<R>) => Promise<Outcome<R>>

/** What is served, for the OpenAPI document and for the test that goes through every route. */
export const contracts: Route[] = []

const usualBody = 256 * 1024

export function serve<R extends Route>(app: App, contract: R, handler: Handler<R>): void {
  contracts.push(contract)
  app.on(contract.method, contract.path, async (context) => {
    const { env } = context
    const request = context.req.raw
    const address = addressOf(request)
    if (address !== null) takeTurn(address, contract.often ? 'often' : 'address')
    const whose = contract.often ? rememberedCaller : callerOf
    const caller = contract.needs === 'anybody' ? nobody : await whose(context)
    if (caller.kind !== 'nobody' && caller.kind !== 'machine')
      takeTurn(nameOf(caller), contract.often ? 'often' : 'caller')
    const workspace = admit(contract, context, caller)
    const scope = new Scope(env.DB, workspace, actorOf(caller, address))
    const text = contract.body ? await textOf(request, contract.maxBody ?? usualBody) : ''
    if (caller.kind === 'agent' && contract.body) {
      const { holdTo } = await import('../access/agent.ts')
      await holdTo(caller.digest, text)
    }
    const params = paramsOf(contract, context)
    const query = parse(contract.query, context.req.query()) as Query<R>
    const body = (contract.body ? contract.body.parse(jsonOf(text)) : undefined) as Body<R>
    const ifMatch = ifMatchOf(request)
    const asked = { params, query, body, caller, scope, env, request, ifMatch } as unknown as Asked<R>
    return onceFor({ contract, request, text, scope, caller: nameOf(caller) }, async () =>
      respond(contract, request, await handler(asked)),
    )
  })
}

/** The workspace that the call is about, where the caller may do this there. */
function admit(contract: Route, context: Context, caller: Caller): string {
  const { needs } = contract
  if (needs === 'anybody') return ''
  if (caller.kind === 'nobody')
    throw new Refusal(401, 'bad-credentials', 'nobody is signed in, and there is no token')
  if (needs === 'agent') {
    if (caller.kind !== 'agent') throw new Refusal(403, 'access-denied', 'this is for agents')
    return caller.workspace
  }
  if (caller.kind === 'agent') throw new Refusal(403, 'access-denied', 'this is not for agents')
  if (needs === 'caller') return ''
  if (caller.kind === 'person' && caller.mustEnrol) {
    throw new Refusal(
      403,
      'access-denied',
      'you are signed in by password alone, without a second factor',
      'Set up a second factor or a passkey first.',
    )
  }
  if (needs === 'person') {
    if (caller.kind !== 'person')
      throw new Refusal(
        403,
        'access-denied',
        'this is for people who are signed in',
        'Sign in: in the browser, or with dray login URL.',
      )
    return ''
  }
  const workspace = context.req.param('workspace') ?? ''
  const rights = idSchema.safeParse(workspace).success ? scopesIn(caller, workspace) : null
  if (rights === null) {
    const hint = 'Check its name: dray whoami shows those that you are in.'
    throw new Refusal(404, 'not-found', `there is no workspace ${workspace}`, hint)
  }
  if (!rights.includes(needs)) throw lacking(needs, caller)
  return workspace
}

const lacking = (right: Right, caller: Caller) =>
  new Refusal(
    403,
    'access-denied',
    `this needs ${right}`,
    caller.kind === 'token'
      ? 'Use a token with this scope.'
      : 'Ask an admin of the workspace for another role.',
  )

/** The caller's address, as the platform tells it; null where it tells none. */
export const addressOf = (request: Request): string | null => request.headers.get('cf-connecting-ip')

function nameOf(caller: Caller): string {
  return 'id' in caller ? `${caller.kind} ${caller.id}` : caller.kind
}

const names = z.record(z.string(), z.string())

/** What does not parse in a path names nothing, and nothing of that name can be made. */
function paramsOf<R extends Route>(contract: R, context: Context): Params<R> {
  const given = names.parse(context.req.param())
  const parsed = contract.params?.safeParse(given)
  if (parsed?.success === false && contract.method === 'PUT') throw parsed.error
  if (parsed?.success === false) throw new Refusal(404, 'not-found', `there is no ${context.req.path}`)
  return { ...given, ...parsed?.data } as Params<R>
}

const parse = (schema: z.ZodType | undefined, value: unknown) => schema?.parse(value)

/** Read to its end, and no further than it may be: what a header says of the length is not believed. */
export async function textOf(request: Request, most: number): Promise<string> {
  const tooLarge = () => new Refusal(413, 'too-large', `the body has more than ${most} bytes`)
  if (Number(request.headers.get('content-length') ?? 0) > most) throw tooLarge()
  const type = request.headers.get('content-type')
  if (type !== null && !/^application\/json\b|^text\/plain\b/i.test(type)) {
    throw new Refusal(415, 'usage', `the body is ${type}`, 'Send JSON, with content-type: application/json.')
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let text = ''
  let bytes = 0
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length
      if (bytes > most) throw tooLarge()
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  } catch (error) {
    if (error instanceof Refusal) throw error
    const why = error instanceof TypeError ? 'is not UTF-8' : 'broke off'
    throw new Refusal(400, 'usage', `the body ${why}`)
  }
}

function jsonOf(text: string): unknown {
  try {
    return text === '' ? undefined : parseJson(text)
  } catch (error) {
    throw new Refusal(400, 'usage', `the body is ${(error as SyntaxError).message}`)
  }
}

function ifMatchOf(request: Request): number | null {
  const given = request.headers.get('if-match')
  if (given === null || given === '*') return null
  const revision = /^"(\d{1,15})"$/.exec(given)?.[1]
  if (revision === undefined) {
    throw new Refusal(
      400,
      'usage',
      'If-Match is none of our ETags',
      'Give the ETag that reading it answered, or leave it out.',
    )
  }
  return Number(revision)
}

/** For whoever edits what has changed since the caller read it. */
export const changedSince = (what: string) =>
  new Refusal(
    412,
    'changed',
    `${what} was changed by somebody else`,
    'Read it again, and make your change to what it is now.',
  )

function respond(contract: Route, request: Request, outcome: unknown): Response {
  if (outcome instanceof Response) return outcome
  if (!contract.answer) return new Response(null, { status: 204 })
  const { value, status } =
    outcome instanceof Reply ? outcome : { value: outcome, status: contract.status ?? 200 }
  const etag = etagOf(value)
  const headers = new Headers({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  if (etag !== null) headers.set('etag', etag)
  if (etag !== null && contract.method === 'GET' && request.headers.get('if-none-match') === etag) {
    return new Response(null, { status: 304, headers })
  }
  return new Response(JSON.stringify(value), { status, headers })
}

const etagOf = (value: unknown): string | null => {
  const revision = (value as { revision?: unknown } | null)?.revision
  return typeof revision === 'number' ? `"${revision}"` : null
}
