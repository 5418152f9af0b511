/** Passes: start, watch, cancel, and what became of them. */
import { Hono } from 'hono'
import type { NewMigration } from '../../shared/api/migrations.ts'
import { seesAll } from '../../shared/mapping.ts'
import { defaultPassOptions, type PassOptions, passOptionsSchema } from '../../shared/policy.ts'
import type { Env } from '../env.ts'
import { access } from './access.ts'
import { cursorIn, definitionOf, findMigration, findObject, numberIn, orNoPass } from './find.ts'
import { limited } from './migrations.ts'
import { body, Refusal } from './problem.ts'
import { reportStream } from './report-stream.ts'

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

export const passRoutes = new Hono<{ Bindings: Env }>()
  /** What the body leaves out is as in `defaultPassOptions`. */
  .post('/api/migrations/:id/passes', access('operator'), limited, async (context) => {
    const given = await body(context, passOptionsSchema.partial())
    const migration = await findMigration(context)
    const { id } = migration
    const object = await findObject(context)
    const options = { ...defaultPassOptions, ...given } as PassOptions
    refuseBlindDelete(migration, options)
    const answer = await object.startPass({ id, ...definitionOf(migration) }, options)
    if ('busy' in answer) {
      const { number, options } = answer.busy
      const kind = options.kind === 'verify' ? 'verification' : options.dryRun ? 'dry run' : 'copy'
      throw new Refusal(
        409,
        'busy',
        `pass ${number} of ${id}, a ${kind} with other options, is not finished`,
        `Start it again with its own options to finish it, or cancel it: POST /api/migrations/${id}/passes/${number}/cancel`,
      )
    }
    return context.json(answer, answer.resumed ? 200 : 201)
  })

  .get('/api/migrations/:id/passes/:number', access('operator'), async (context) => {
    const number = numberIn(context, 'number')
    return context.json(orNoPass(await (await findObject(context)).passStatus(number), number))
  })

  .post('/api/migrations/:id/passes/:number/cancel', access('operator'), async (context) => {
    const number = numberIn(context, 'number')
    return context.json(orNoPass(await (await findObject(context)).cancelPass(number), number))
  })

  .get('/api/migrations/:id/passes/:number/failures', access('operator'), async (context) => {
    const number = numberIn(context, 'number')
    const cursor = cursorIn(context, /^\d{1,15}$/)
    return context.json(orNoPass(await (await findObject(context)).failures(number, cursor), number))
  })

  .get('/api/migrations/:id/passes/:number/report', access('operator'), async (context) => {
    const number = numberIn(context, 'number')
    const { id } = await findMigration(context)
    const object = await findObject(context)
    orNoPass(await object.passStatus(number), number)
    return context.body(reportStream(context.env.REPORTS, id, number, object), 200, {
      'content-type': 'application/x-ndjson; charset=utf-8',
    })
  })
