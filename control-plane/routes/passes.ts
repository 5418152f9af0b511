/** Passes: start, watch, cancel, and what became of them. */
import { answerDeletes } from '../../shared/api/life.ts'
import { cancelPass, type PassStatus, readPass, startPass } from '../../shared/api/migrations.ts'
import {
  comparePasses,
  downloadReport,
  listPasses,
  pausePass,
  type ReportFormat,
  resumePass,
} from '../../shared/api/passes.ts'
import { addressOf } from '../../shared/api/route.ts'
import { fitted } from '../core/status-size.ts'
import type { Env } from '../env.ts'
import { beginPass } from './begin-pass.ts'
import { findMigration, findObject, orNoPass } from './find.ts'
import { Refusal } from './problem.ts'
import { reportStream } from './report-stream.ts'
import { type App, Reply, serve } from './serve.ts'

export function passRoutes(app: App): void {
  serve(app, startPass, async ({ env, scope, params, body: given }) => {
    const migration = await findMigration(scope, params.migration)
    const answer = await beginPass(env, scope, migration, given)
    if ('busy' in answer) {
      const { number, options, retries } = answer.busy
      if (answer.isOfLife) {
        const detail = `pass ${number} of ${migration.id}, of its life, is running: one that follows, or a step of the checklist`
        throw new Refusal(409, 'busy', detail, 'To verify between two passes: POST /life/verify.')
      }
      if (retries !== undefined) {
        const detail = `pass ${number} of ${migration.id}, which retries what failed in pass ${retries}, is running`
        throw new Refusal(409, 'busy', detail, 'Cancel it, or let it end.')
      }
      const kind = options.kind === 'verify' ? 'verification' : options.dryRun ? 'dry run' : 'copy'
      throw new Refusal(
        409,
        'busy',
        `pass ${number} of ${migration.id}, a ${kind} with other options, is not finished`,
        `Start it again with its own options to finish it, or cancel it: POST ${addressOf(cancelPass, { params: { workspace: scope.workspace, migration: migration.id, pass: number } })}`,
      )
    }
    return new Reply(answer, answer.resumed ? 200 : 201)
  })

  serve(app, readPass, async ({ env, scope, params }) => {
    const object = await findObject(env, scope, params.migration)
    const status = orNoPass(await object.passStatus(params.pass), params.pass)
    return asItIs(env, scope.workspace, params.migration, status)
  })

  serve(app, listPasses, async ({ env, scope, params, query }) => {
    const object = await findObject(env, scope, params.migration)
    const { passes, cursor } = await object.passes(
      Number(query.cursor ?? Number.MAX_SAFE_INTEGER),
      query.limit,
    )
    const now = passes.map((status) => asItIs(env, scope.workspace, params.migration, status))
    return { passes: await Promise.all(now), cursor }
  })

  serve(app, comparePasses, async ({ env, scope, params, query }) => {
    const object = await findObject(env, scope, params.migration)
    const [from, to] = await Promise.all(
      [query.from, query.to].map(async (pass) => orNoPass(await object.passStatus(pass), pass)),
    )
    const failures = orNoPass(await object.comparison(query.from, query.to), query.to)
    return { from: from!, to: to!, failures }
  })

  serve(app, pausePass, async ({ env, scope, params, body }) => {
    const { migration, pass } = params
    const object = await findObject(env, scope, migration)
    const status = orNoPass(await object.pausePass(pass, body.inFlight, scope.actor.name), pass)
    const after = { pass, ...body }
    await scope.record({ action: 'pass.pause', subject: `migration/${migration}`, after })
    return status
  })

  serve(app, resumePass, async ({ env, scope, params }) => {
    const { migration, pass } = params
    const object = await findObject(env, scope, migration)
    const status = orNoPass(await object.resumePass(pass, scope.actor.name), pass)
    await scope.record({ action: 'pass.resume', subject: `migration/${migration}`, after: { pass } })
    return status
  })

  serve(app, answerDeletes, async ({ env, scope, params, body }) => {
    const { migration, pass } = params
    const object = await findObject(env, scope, migration)
    const answer = orNoPass(await object.answerDeletes(pass, body), pass)
    if ('refused' in answer) {
      throw new Refusal(
        409,
        'busy',
        `pass ${pass} of ${migration} does not take this answer: ${answer.refused}`,
        'Read the pass again: `asks` says how many objects it would delete.',
      )
    }
    await scope.record({
      action: 'pass.deletes',
      subject: `migration/${migration}`,
      after: { pass, ...body },
    })
    return answer
  })

  serve(app, cancelPass, async ({ env, scope, params }) => {
    const { migration, pass } = params
    const object = await findObject(env, scope, migration)
    const status = orNoPass(await object.cancelPass(pass, scope.actor.name), pass)
    await scope.record({ action: 'pass.cancel', subject: `migration/${migration}`, after: { pass } })
    return status
  })

  serve(app, downloadReport, async ({ env, scope, params }) => {
    const { migration, pass, format } = params
    const object = await findObject(env, scope, migration)
    orNoPass(await object.passStatus(pass), pass)
    const of = { bucket: env.REPORTS, workspace: scope.workspace, migration, pass, object }
    return new Response(reportStream(of, format), {
      headers: {
        'content-type': types[format],
        'content-disposition': `attachment; filename="${migration}-pass-${pass}.${format}"`,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      },
    })
  })
}

const types: Record<ReportFormat, string> = {
  ndjson: downloadReport.type,
  csv: 'text/csv; charset=utf-8',
  'ndjson.gz': 'application/gzip',
  'csv.gz': 'application/gzip',
}

/** With what it waits for: only the fleet knows who is there, and nobody has to be asked while somebody works. */
async function asItIs(
  env: Env,
  workspace: string,
  migration: string,
  status: PassStatus,
): Promise<PassStatus> {
  if (status.state !== 'running' || status.agents > 0 || status.paused) return status
  const waitsFor = await env.FLEET.getByName(workspace).waitsFor(migration)
  return waitsFor ? fitted({ ...status, waitsFor }) : status
}
