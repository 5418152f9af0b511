/** Starts a pass for whoever asks: a route, or a schedule. */
import type { MigrationView, NewMigration } from '../../shared/api/migrations.ts'
import { seesAll } from '../../shared/mapping.ts'
import { type GivenOptions, type PassOptions, passOptions } from '../../shared/policy.ts'
import type { Refused } from '../core/life-state.ts'
import { overlap } from '../core/overlap.ts'
import type { Env } from '../env.ts'
import type { StartAnswer } from '../pass-start.ts'
import type { Scope } from '../store/scope.ts'
import { objectOf } from './find.ts'
import { Refusal } from './problem.ts'
import { wholeDefinition } from './resolve.ts'

/** With what `given` says, else what the migration's policy says, else as usual. */
export async function beginPass(
  env: Env,
  scope: Scope,
  migration: MigrationView,
  given: GivenOptions,
): Promise<Exclude<StartAnswer, { refused: unknown }>> {
  const { id } = migration
  const options = passOptions(migration.policy, given)
  refuseBlindDelete(migration, options)
  if (options.direction === 'back') {
    const hint = 'After a cut-over, ask for a roll-back: POST /life/roll-back.'
    throw new Refusal(400, 'usage', 'a pass back is begun by a migration’s life alone', hint)
  }
  const definition = { id, workspace: scope.workspace, ...(await wholeDefinition(scope, migration)) }
  const answer: StartAnswer = await objectOf(env, scope.workspace, id).startPass(definition, options)
  if ('refused' in answer) throw inTheWay(answer.refused)
  if ('pass' in answer && !answer.resumed) {
    const after = { pass: answer.pass.number, options }
    await scope.record({ action: 'pass.start', subject: `migration/${id}`, after })
  }
  return answer
}

/** What a migration's life does not allow now. */
export const inTheWay = ({ message, hint }: Refused) => new Refusal(409, 'busy', message, hint)

/** What a manifest or a filter of unmapped keys leaves out, and a source that is in the destination, cannot be told there from what is to go. */
export function refuseBlindDelete(migration: NewMigration, options: Pick<PassOptions, 'delete'>): void {
  if (!options.delete) return
  if (overlap(migration.source, migration.destination) === 'source-inside') {
    throw new Refusal(
      400,
      'usage',
      'the source is inside the destination, where it would be deleted',
      'Choose another destination, or leave delete out.',
    )
  }
  if (seesAll(migration)) return
  throw new Refusal(
    400,
    'usage',
    'with a manifest, or with a mapping and a filter, nobody knows what else belongs at the destination: nothing can be deleted there',
    'Leave delete out.',
  )
}
