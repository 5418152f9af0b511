/** What an agent answers, for a route: anything else is a refusal, in the agent's own words. */
import type { Answer, Ask } from '../../shared/asks.ts'
import type { Reach } from '../core/place.ts'
import type { Env } from '../env.ts'
import type { Scope } from '../store/scope.ts'
import { Refusal } from './problem.ts'

export async function answerOf<K extends Ask['kind']>(
  env: Env,
  scope: Scope,
  ask: Ask & { kind: K },
  reach: Reach,
): Promise<{ answer: Answer & { kind: K }; agent: string; site: string }> {
  const asked = await env.FLEET.getByName(scope.workspace).ask(ask, reach)
  if ('error' in asked) {
    const { code, message, hint } = asked.error
    throw new Refusal(code === 'timeout' ? 504 : 409, code, message, hint)
  }
  // Which the fleet holds to the question.
  return { answer: asked.answer as Answer & { kind: K }, agent: asked.agent, site: asked.site }
}
