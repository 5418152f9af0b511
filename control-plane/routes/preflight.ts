/** Whether a migration would work, before it is made. That no agent reaches both ends is found here; all the rest finds one that does. */
import { type Finding, preflight } from '../../shared/api/browse.ts'
import type { NewMigration } from '../../shared/api/migrations.ts'
import type { Answer } from '../../shared/asks.ts'
import type { ErrorBody } from '../../shared/error.ts'
import { sentence } from '../../shared/finding.ts'
import { type PassOptions, passOptions } from '../../shared/policy.ts'
import { reachOfAll } from '../core/place.ts'
import { refuseBlindDelete } from './begin-pass.ts'
import { Refusal } from './problem.ts'
import { noSite, resolvedEnds } from './resolve.ts'
import { type App, serve } from './serve.ts'

export function preflightRoute(app: App): void {
  serve(app, preflight, async ({ env, scope, body }) => {
    const { policy = {}, ...definition } = body
    const options = passOptions(policy)
    const ends = await resolvedEnds(scope, definition)
    const blind = blindDelete(definition, options)
    const reach = reachOfAll(ends)
    if (reach?.length === 0) return stopped(noSite, blind)
    const asked = await env.FLEET.getByName(scope.workspace).ask(
      { kind: 'preflight', ...ends, options },
      reach,
    )
    if ('error' in asked) return stopped(asked.error, blind)
    const { agent, site } = asked
    const { source, destination } = definition
    const after = { source, destination }
    await scope.record({ action: 'migration.preflight', subject: `agent/${agent}`, after })
    // Which the fleet holds to the question.
    const { findings } = asked.answer as Answer & { kind: 'preflight' }
    const reached = finding('good', `Agent ${agent} of site ${site} reaches both ends.`)
    return { agent, site, findings: [reached, ...blind, ...findings] }
  })
}

const finding = (outcome: Finding['outcome'], message: string, more: Partial<Finding> = {}): Finding => ({
  ...{ kind: 'reach', side: 'both', outcome, code: null, hint: null },
  ...more,
  message: sentence(message),
})

function stopped({ code, message, hint }: Pick<ErrorBody, 'code' | 'message' | 'hint'>, more: Finding[]) {
  const reach = finding(code === 'timeout' ? 'unknown' : 'stops', message, { code, hint })
  return { agent: null, site: null, findings: [reach, ...more] }
}

/** What a pass would be refused for when it is started. */
function blindDelete(definition: NewMigration, options: PassOptions): Finding[] {
  try {
    refuseBlindDelete(definition, options)
    return []
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown
    const { code, message, hint } = thrown
    return [finding('stops', message, { kind: 'overlap', code, hint })]
  }
}
