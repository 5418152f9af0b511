/**
 * A route as a contract: where it is, who may call it, what goes in and what comes out. The control plane serves it, the command line and
 * the console call it, and the OpenAPI document is made from it; none of them says any of this a second time.
 */
import * as z from 'zod'
import type { Scope } from './scopes.ts'

/** Who may call: whoever has the scope in the path's workspace; or an agent; a person who is signed in; any caller that is known but agents; anybody. */
export type Needs = Scope | 'agent' | 'person' | 'caller' | 'anybody'

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `:name` stands for one segment. */
  readonly path: string
  readonly needs: Needs
  /** One sentence, for the reference. */
  readonly summary: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType
  /** Most bytes of the body; 256 KiB where absent. */
  readonly maxBody?: number
  /** None where there is no answer but a status (204). */
  readonly answer?: z.ZodType
  /** Of success; 200 where absent. */
  readonly status?: 200 | 201 | 202
  /** What is answered where it is no JSON. */
  readonly type?: string
  /** Its answer holds a secret, which is shown once: it is kept nowhere, so the same request again cannot be answered with it. */
  readonly secret?: true
  /** It is for programs that call it with each change of an object: more requests a second are let in than elsewhere. */
  readonly often?: true
  /** It only looks: asking again does no harm, and what was found is kept nowhere. */
  readonly looks?: true
}

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined
type Given<S> = S extends z.ZodType ? z.input<S> : undefined

/** Names in a path, as text where no schema says more. */
type Names<P extends string> = P extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer More}`
    ? Name | Names<More>
    : Rest
  : never

export type Params<R extends Route> = Omit<Record<Names<R['path']>, string>, keyof Parsed<R['params']>> &
  (R['params'] extends z.ZodType ? z.output<R['params']> : unknown)
export type Query<R extends Route> = Parsed<R['query']>
export type Body<R extends Route> = Parsed<R['body']>
export type Answer<R extends Route> = Parsed<R['answer']>

type Needed<Name extends string, T> = T extends undefined
  ? { [name in Name]?: undefined }
  : { [name in Name]: T }
/** What a caller gives. */
export type Input<R extends Route> = Needed<'body', Given<R['body']>> & {
  params: Record<Names<R['path']>, string | number>
  query?: Given<R['query']>
}

export const route = <const R extends Route>(contract: R): R => contract

/** The path with its names filled in, and the query. */
export function addressOf<R extends Route>(contract: R, input: Pick<Input<R>, 'params' | 'query'>): string {
  const params = input.params as Record<string, string | number>
  const path = contract.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name]!))
  const query = Object.entries((input.query ?? {}) as Record<string, unknown>)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name, String(value)])
  return query.length === 0 ? path : `${path}?${new URLSearchParams(query)}`
}

/** Opaque; null at the end; given back as `?cursor=` it asks for the next page. */
export const cursorSchema = z.string().nullable()
/** What lists take: where to go on, and how much to answer. */
export const pageQuery = z.object({
  cursor: z.string().max(6_000).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
})
/** Rises with each edit: the ETag, and what `If-Match` is held to. */
export const revisionSchema = z.number().int().positive()

/** An object, by name (key.ts). */
export const publicKeySchema = z.object({
  key: z.string(),
  /** Only where its bytes are no text. */
  keyEscaped: z.string().optional(),
})
