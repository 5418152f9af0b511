/**
 * Who may call a route. Every route says so, by `access(…)` before its handler; a test walks through all of them.
 * For now two tokens: the operator's and the agents'.
 */
import type { MiddlewareHandler } from 'hono'
import type { Env } from '../env.ts'
import { Refusal } from './problem.ts'

export type Caller = 'anybody' | 'operator' | 'agent'

export function access(who: Caller): MiddlewareHandler<{ Bindings: Env }> {
  return async (context, next) => {
    if (who === 'anybody') return next()
    const { DRAY_OPERATOR_TOKEN: operator, DRAY_AGENT_TOKEN: agent } = context.env
    const token = /^Bearer +(\S+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
    if (token === undefined) throw new Refusal(401, 'bad-credentials', 'there is no bearer token')
    const [isOperator, isAgent] = await Promise.all([equal(token, operator), equal(token, agent)])
    if (!isOperator && !isAgent) throw new Refusal(401, 'bad-credentials', 'the token is unknown')
    if (!(who === 'operator' ? isOperator : isAgent)) {
      throw new Refusal(403, 'access-denied', `this is for the ${who}’s token`)
    }
    return next()
  }
}

/** In a time that tells nothing of `expected`; never where there is none. */
async function equal(given: string, expected: string | undefined): Promise<boolean> {
  if (!expected) return false
  const digest = (text: string) => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const [a, b] = await Promise.all([digest(given), digest(expected)])
  return crypto.subtle.timingSafeEqual(a, b)
}
