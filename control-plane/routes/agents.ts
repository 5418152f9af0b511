/** What agents call: their sockets, and their reports. */
import { joinFleet, joinMigration, putReport } from '../../shared/api/migrations.ts'
import type { AgentCaller, Caller } from '../access/caller.ts'
import { announced, type Visitor } from '../door.ts'
import { findObject } from './find.ts'
import { Refusal } from './problem.ts'
import { reportName } from './report-stream.ts'
import { type App, addressOf, serve } from './serve.ts'

const maxReportBytes = 64 * 1024 * 1024

export function agentRoutes(app: App): void {
  serve(app, joinFleet, async ({ env, scope, request, caller }) => {
    socketOnly(request)
    const visitor = visitorOf(request, caller)
    return env.FLEET.getByName(scope.workspace).fetch(announced(request, visitor))
  })

  serve(app, joinMigration, async ({ env, scope, params, request, caller }) => {
    socketOnly(request)
    const visitor = visitorOf(request, caller)
    return (await findObject(env, scope, params.migration)).fetch(announced(request, visitor))
  })

  serve(app, putReport, async ({ env, scope, params, request, caller }) => {
    const { migration, pass, packet, generation } = params
    const length = request.headers.get('content-length')
    if (length === null || !/^\d{1,15}$/.test(length) || !request.body) {
      throw new Refusal(411, 'usage', 'a report is sent with its Content-Length')
    }
    if (Number(length) > maxReportBytes) {
      throw new Refusal(413, 'too-large', `the report has more than ${maxReportBytes} bytes`)
    }
    const object = await findObject(env, scope, migration)
    const { id: agent, digest: sha256 } = caller as AgentCaller
    if (!(await object.wantsReport(agent, pass, packet, generation))) {
      throw new Refusal(409, 'stale', `packet ${packet} is not leased to you in generation ${generation}`)
    }
    // Never joined into the pass's report unless the outcome of this very lease is accepted.
    const name = reportName(scope.workspace, migration, pass, packet, generation)
    if (sha256 === '') throw new Refusal(401, 'bad-credentials', 'the report is not signed for')
    // The store takes no other bytes than those that were signed for.
    await env.REPORTS.put(name, request.body, {
      sha256,
      httpMetadata: { contentType: 'application/x-ndjson', contentEncoding: 'gzip' },
    })
    return undefined
  })
}

const visitorOf = (request: Request, caller: Caller): Visitor => {
  const { id: agent, site, nonce } = caller as AgentCaller
  return { agent, site, nonce, address: addressOf(request) }
}

function socketOnly(request: Request): void {
  if (request.headers.get('upgrade')?.toLowerCase() === 'websocket') return
  throw new Refusal(426, 'usage', 'connect with a WebSocket')
}
