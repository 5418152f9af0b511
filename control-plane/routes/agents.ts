/** What agents call: their sockets, and their reports. */
import { Hono } from 'hono'
import { type Env, workspace } from '../env.ts'
import { access } from './access.ts'
import { type Asked, findObject, numberIn } from './find.ts'
import { Refusal } from './problem.ts'
import { reportName } from './report-stream.ts'

export const maxReportBytes = 64 * 1024 * 1024

export const agentRoutes = new Hono<{ Bindings: Env }>()
  .get('/agent/fleet', access('agent'), async (context) => {
    socketOnly(context)
    return context.env.FLEET.getByName(workspace).fetch(context.req.raw)
  })

  .get('/agent/migrations/:id', access('agent'), async (context) => {
    socketOnly(context)
    return (await findObject(context)).fetch(context.req.raw)
  })

  .put(
    '/agent/migrations/:id/passes/:number/reports/:packet/:generation',
    access('agent'),
    async (context) => {
      const [pass, packet, generation] = ['number', 'packet', 'generation'].map((n) => numberIn(context, n))
      const length = context.req.header('content-length')
      if (length === undefined || !/^\d{1,15}$/.test(length) || !context.req.raw.body) {
        throw new Refusal(411, 'usage', 'a report is sent with its Content-Length')
      }
      if (Number(length) > maxReportBytes) {
        throw new Refusal(413, 'too-large', `the report has more than ${maxReportBytes} bytes`)
      }
      const object = await findObject(context)
      if (!(await object.wantsReport(pass!, packet!, generation!))) {
        throw new Refusal(409, 'stale', `packet ${packet} is not leased in generation ${generation}`)
      }
      // Never joined into the pass's report unless the outcome of this very lease is accepted.
      const name = reportName(context.req.param('id'), pass!, packet!, generation!)
      await context.env.REPORTS.put(name, context.req.raw.body, {
        httpMetadata: { contentType: 'application/x-ndjson', contentEncoding: 'gzip' },
      })
      return context.body(null, 204)
    },
  )

function socketOnly(context: Asked): void {
  if (context.req.header('upgrade')?.toLowerCase() === 'websocket') return
  throw new Refusal(426, 'usage', 'connect with a WebSocket')
}
