/** Passes: start, watch, cancel, and what became of them. */
import { Hono } from 'hono'
import { defaultPassOptions, type PassOptions, passOptionsSchema } from '../../shared/policy.ts'
import type { Env } from '../env.ts'
import { access } from './access.ts'
import { cursorIn, findMigration, findObject, numberIn, orNoPass } from './find.ts'
import { limited } from './migrations.ts'
import { body, Refusal } from './problem.ts'
import { reportStream } from './report-stream.ts'

export const passRoutes = new Hono<{ Bindings: Env }>()
  /** What the body leaves out is as in `defaultPassOptions`. */
  .post('/api/migrations/:id/passes', access('operator'), limited, async (context) => {
    const given = await body(context, passOptionsSchema.partial())
    const { id, source, destination, filter } = await findMigration(context)
    const object = await findObject(context)
    const options = { ...defaultPassOptions, ...given } as PassOptions
    const answer = await object.startPass({ id, source, destination, filter }, options)
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
