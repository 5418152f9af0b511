/** Passes: start, watch, cancel, and what became of them. */
import {
  cancelPass,
  listFailures,
  type NewMigration,
  readPass,
  readReport,
  startPass,
} from '../../shared/api/migrations.ts'
import { addressOf } from '../../shared/api/route.ts'
import { seesAll } from '../../shared/mapping.ts'
import { defaultPassOptions, type PassOptions } from '../../shared/policy.ts'
import { definitionOf, findMigration, findObject, objectOf, orNoPass } from './find.ts'
import { Refusal } from './problem.ts'
import { reportStream } from './report-stream.ts'
import { resolved } from './resolve.ts'
import { type App, Reply, serve } from './serve.ts'

/** What a manifest or a filter of unmapped keys leaves out cannot be told, at the destination, from what is to go. */
function refuseBlindDelete(migration: NewMigration, options: PassOptions): void {
  if (!options.delete || seesAll(migration)) return
  throw new Refusal(
    400,
    'usage',
    'with a manifest, or with a mapping and a filter, nobody knows what else belongs at the destination: nothing can be deleted there',
    'Leave delete out.',
  )
}

export function passRoutes(app: App): void {
  serve(app, startPass, async ({ env, scope, params, body: given }) => {
    const migration = await findMigration(scope, params.migration)
    const { id } = migration
    const options = { ...defaultPassOptions, ...given } as PassOptions
    refuseBlindDelete(migration, options)
    const object = objectOf(env, scope.workspace, id)
    const definition = { id, workspace: scope.workspace, ...(await resolved(scope, definitionOf(migration))) }
    const answer = await object.startPass(definition, options)
    if ('busy' in answer) {
      const { number, options } = answer.busy
      const kind = options.kind === 'verify' ? 'verification' : options.dryRun ? 'dry run' : 'copy'
      throw new Refusal(
        409,
        'busy',
        `pass ${number} of ${id}, a ${kind} with other options, is not finished`,
        `Start it again with its own options to finish it, or cancel it: POST ${addressOf(cancelPass, { params: { workspace: scope.workspace, migration: id, pass: number } })}`,
      )
    }
    if (!answer.resumed) {
      const after = { pass: answer.pass.number, options }
      await scope.record({ action: 'pass.start', subject: `migration/${id}`, after })
    }
    return new Reply(answer, answer.resumed ? 200 : 201)
  })

  serve(app, readPass, async ({ env, scope, params }) => {
    const object = await findObject(env, scope, params.migration)
    const status = orNoPass(await object.passStatus(params.pass), params.pass)
    // Only the fleet knows who is there; nobody has to be asked while somebody works.
    if (status.state !== 'running' || status.agents > 0) return status
    const waitsFor = await env.FLEET.getByName(scope.workspace).waitsFor(params.migration)
    return waitsFor ? { ...status, waitsFor } : status
  })

  serve(app, cancelPass, async ({ env, scope, params }) => {
    const { migration, pass } = params
    const object = await findObject(env, scope, migration)
    const status = orNoPass(await object.cancelPass(pass), pass)
    await scope.record({ action: 'pass.cancel', subject: `migration/${migration}`, after: { pass } })
    return status
  })

  serve(app, listFailures, async ({ env, scope, params, query }) => {
    const object = await findObject(env, scope, params.migration)
    return orNoPass(await object.failures(params.pass, query.cursor ?? null), params.pass)
  })

  serve(app, readReport, async ({ env, scope, params }) => {
    const { migration, pass } = params
    const object = await findObject(env, scope, migration)
    orNoPass(await object.passStatus(pass), pass)
    return new Response(reportStream(env.REPORTS, scope.workspace, migration, pass, object), {
      headers: { 'content-type': readReport.type },
    })
  })
}
