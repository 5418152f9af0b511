/**
 * `Idempotency-Key`: a request that may have been answered already is not worked on twice. The first one's answer is kept for a day, and
 * given again; the same key with another request is refused.
 */
import { and, eq, lt } from 'drizzle-orm'
import type { Route } from '../../shared/api/route.ts'
import { sha256 } from '../../shared/octets.ts'
import type { Scope } from '../store/scope.ts'
import { idempotency } from '../store/tables/audit.ts'
import { Refusal } from './problem.ts'

const keptMs = 24 * 60 * 60 * 1000
/** A first request that has not come to its end by then never will. */
const longestMs = 5 * 60 * 1000

export interface Once {
  readonly contract: Route
  readonly request: Request
  readonly text: string
  readonly scope: Scope
  readonly caller: string
}

export async function onceFor(
  { contract, request, text, scope, caller }: Once,
  work: () => Promise<Response>,
): Promise<Response> {
  const key = request.headers.get('idempotency-key')
  const isLook = contract.method === 'GET' || contract.looks
  if (key === null || isLook || contract.needs === 'agent' || scope.workspace === '') return work()
  if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
    throw new Refusal(
      400,
      'usage',
      'the Idempotency-Key has more than 200 characters, or some that are not visible ASCII',
    )
  }
  const now = Date.now()
  const { pathname, search } = new URL(request.url)
  const digest = await sha256(`${contract.method} ${pathname}${search}\n${text}`)
  const mine = and(eq(idempotency.caller, caller), eq(idempotency.key, key))
  const [, , claimed] = await scope.write(
    [
      scope.remove(idempotency, lt(idempotency.at, now - keptMs)),
      scope.remove(idempotency, and(mine, eq(idempotency.status, 0), lt(idempotency.at, now - longestMs))),
      scope.insert(idempotency, { caller, key, digest, at: now, status: 0 }, { is: 'nothing' }),
    ],
    null,
  )
  if (claimed === 0) return again(await scope.row(idempotency, mine), digest)

  let response: Response
  try {
    response = await work()
  } catch (error) {
    // Nothing was changed, or nobody knows: it may be tried again.
    await scope.write(scope.remove(idempotency, mine), null)
    throw error
  }
  const body = contract.secret || response.status === 204 ? null : await response.clone().text()
  const kept = { status: response.status, body, etag: response.headers.get('etag') }
  await scope.write(scope.update(idempotency, kept, mine), null)
  return response
}

type Kept = { digest: string; status: number; body: string | null; etag: string | null }

function again(kept: Kept | null, digest: string): Response {
  if (kept && kept.digest !== digest) {
    throw new Refusal(
      422,
      'usage',
      'this Idempotency-Key was used for another request',
      'Make a new key for each thing that you do.',
    )
  }
  if (!kept?.status) {
    throw new Refusal(
      409,
      'busy',
      'the first request with this Idempotency-Key is still worked on',
      'Ask again in a moment.',
    )
  }
  const headers = new Headers({ 'idempotent-replayed': 'true', 'cache-control': 'no-store' })
  if (kept.etag) headers.set('etag', kept.etag)
  if (kept.body !== null) headers.set('content-type', 'application/json')
  else if (kept.status !== 204) {
    throw new Refusal(
      409,
      'busy',
      'this was done already; its answer held a secret, which is kept nowhere',
      'Delete what was made, and make it anew with a new Idempotency-Key.',
    )
  }
  return new Response(kept.body, { status: kept.status, headers })
}
