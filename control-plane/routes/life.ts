/** The life of a migration: where it stands, and what operators ask of it. */
import {
  abandonCutOver,
  cancelLife,
  closeLife,
  cutOver,
  doStep,
  pauseLife,
  readLife,
  resumeLife,
  rollBack,
  startLife,
  switchOver,
  verifyLife,
} from '../../shared/api/life.ts'
import type { LifeView } from '../../shared/life.ts'
import { passOptions } from '../../shared/policy.ts'
import type { Command } from '../core/life-state.ts'
import type { Env } from '../env.ts'
import type { LifeAnswer } from '../life.ts'
import { definedBy } from '../life-errands.ts'
import type { Scope } from '../store/scope.ts'
import { inTheWay, refuseBlindDelete } from './begin-pass.ts'
import { findMigration, objectOf } from './find.ts'
import { wholeDefinition } from './resolve.ts'
import { type App, changedSince, serve } from './serve.ts'

/** Those that ask for nothing but themselves. */
const plain = [
  [resumeLife, 'resume'],
  [cancelLife, 'cancel'],
  [cutOver, 'cut-over'],
  [abandonCutOver, 'abandon'],
  [switchOver, 'switch'],
  [rollBack, 'roll-back'],
  [closeLife, 'close'],
] as const

export function lifeRoutes(app: App): void {
  serve(app, readLife, async ({ env, scope, params }) => {
    const { id, follow } = await findMigration(scope, params.migration)
    return { ...(await objectOf(env, scope.workspace, id).life()), follow }
  })

  serve(app, startLife, async ({ env, scope, params, ifMatch }) => {
    // What its first pass would be refused for is said now.
    const migration = await findMigration(scope, params.migration)
    refuseBlindDelete(migration, passOptions(migration.policy))
    await wholeDefinition(scope, migration)
    return commanded(env, scope, params.migration, { do: 'start' }, ifMatch)
  })

  serve(app, pauseLife, ({ env, scope, params, body, ifMatch }) =>
    commanded(env, scope, params.migration, { do: 'pause', ...body }, ifMatch),
  )

  serve(app, verifyLife, async ({ env, scope, params, body, ifMatch }) => {
    const { follow } = await findMigration(scope, params.migration)
    const { depth = follow.depth, sample = follow.sample } = body
    return commanded(env, scope, params.migration, { do: 'verify', depth, sample }, ifMatch)
  })

  serve(app, doStep, ({ env, scope, params, body, ifMatch }) =>
    commanded(env, scope, params.migration, { ...body, step: params.step }, ifMatch),
  )

  for (const [contract, name] of plain) {
    serve(app, contract, ({ env, scope, params, ifMatch }) =>
      commanded(env, scope, params.migration, { do: name }, ifMatch),
    )
  }
}

/** Recorded where it changed anything. */
async function commanded(
  env: Env,
  scope: Scope,
  id: string,
  command: Command,
  ifMatch: number | null,
): Promise<LifeView> {
  const defined = definedBy(await findMigration(scope, id))
  const object = objectOf(env, scope.workspace, id)
  const answer: LifeAnswer = await object.commandLife(command, scope.actor.name, defined, ifMatch)
  if ('changed' in answer) throw changedSince(`the life of ${id}`)
  if ('refused' in answer) throw inTheWay(answer.refused)
  const { life, before, checks } = answer
  if (life.revision !== before) {
    const { do: deed, ...more } = command
    // The list is gone once it has led to a switch: this is the record of it.
    const proof = deed === 'switch' ? { checks, certificate: life.certificate } : {}
    const after = { ...more, ...proof, state: life.state, direction: life.direction }
    const action = 'step' in command ? `life.step.${deed}` : `life.${deed}`
    await scope.record({ action, subject: `migration/${id}`, after })
  }
  return life
}
