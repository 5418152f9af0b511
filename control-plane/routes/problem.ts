/** Errors as RFC 9457 has them. Whatever a route throws ends here; a stack never leaves. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { ZodError, type z } from 'zod'
import type { Problem } from '../../shared/api/migrations.ts'
import { DrayError, type ErrorCode } from '../../shared/error.ts'

/** What a route refuses, with the status to say it by. */
export class Refusal extends Error {
  readonly status: number
  readonly code: ErrorCode
  readonly hint: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: ErrorCode,
    detail: string,
    hint: string | null = null,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail)
    this.headers = headers
    this.status = status
    this.code = code
    this.hint = hint
  }
}

const titles: Record<number, string> = {
  400: 'The request is not understood',
  401: 'Nobody knows who you are',
  403: 'This is not for you',
  404: 'There is nothing here',
  409: 'Something else is in the way',
  411: 'A Content-Length is needed',
  412: 'It is not what it was',
  413: 'The body is too large',
  415: 'The body is of another type',
  422: 'This was something else before',
  426: 'This is for WebSockets',
  429: 'Too many requests',
  500: 'The control plane failed',
}

export function problem(error: unknown): Response {
  const { status, code, detail, hint } = describe(error)
  const body: Problem = {
    type: `urn:dray:problem:${code}`,
    title: titles[status] ?? 'The request failed',
    status,
    detail,
    code,
    hint,
  }
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      ...(error instanceof Refusal ? error.headers : {}),
    },
  })
}

function describe(error: unknown): { status: number; code: ErrorCode; detail: string; hint: string | null } {
  if (error instanceof Refusal) {
    return { status: error.status, code: error.code, detail: error.message, hint: error.hint }
  }
  if (error instanceof ZodError) {
    return { status: 400, code: 'usage', detail: issuesOf(error), hint: null }
  }
  if (error instanceof HTTPException) {
    return { status: error.status, code: 'usage', detail: error.message || 'refused', hint: null }
  }
  if (error instanceof DrayError) {
    return { status: 500, code: error.code, detail: error.message, hint: error.hint }
  }
  return { status: 500, code: 'internal', detail: 'an unforeseen error; the log has more', hint: null }
}

const issuesOf = (error: ZodError) =>
  error.issues
    .slice(0, 10)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ')

/** The JSON body, held to `schema`. */
export async function body<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await context.req.text()
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new Refusal(400, 'usage', 'the body is not JSON')
  }
  return schema.parse(document)
}
