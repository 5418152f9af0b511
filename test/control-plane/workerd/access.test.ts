import { beforeAll, describe, expect, it } from 'vitest'
import { app } from '../../../control-plane/routes/app.ts'
import { problemSchema } from '../../../shared/api/migrations.ts'
import { begin, call, prepare, signed } from './inside.ts'

beforeAll(async () => {
  await prepare()
  await begin('door')
})

/** Every route, with what it says to nobody, to the operator and to an agent. One without a row here fails below. */
const table: [route: string, nobody: number, operator: number, agent: number, body?: unknown][] = [
  ['GET /api/health', 200, 200, 200],
  ['GET /api/openapi.json', 200, 200, 200],
  ['GET /api/workspaces/:workspace/audit', 401, 200, 403],
  ['GET /api/workspaces/:workspace/audit/export', 401, 200, 403],
  ['GET /api/workspaces/:workspace/agents', 401, 200, 403],
  ['GET /api/workspaces/:workspace/migrations', 401, 200, 403],
  ['PUT /api/workspaces/:workspace/migrations/:migration', 401, 400, 403, {}],
  ['GET /api/workspaces/:workspace/migrations/:migration', 401, 200, 403],
  ['GET /api/workspaces/:workspace/migrations/:migration/packets', 401, 200, 403],
  ['POST /api/workspaces/:workspace/migrations/:migration/passes', 401, 200, 403, {}],
  ['GET /api/workspaces/:workspace/migrations/:migration/passes/:pass', 401, 200, 403],
  ['POST /api/workspaces/:workspace/migrations/:migration/passes/:pass/cancel', 401, 200, 403],
  ['GET /api/workspaces/:workspace/migrations/:migration/passes/:pass/failures', 401, 200, 403],
  ['GET /api/workspaces/:workspace/migrations/:migration/passes/:pass/report', 401, 200, 403],
  ['GET /agent/fleet', 401, 403, 426],
  ['GET /agent/migrations/:migration', 401, 403, 426],
  ['PUT /agent/migrations/:migration/passes/:pass/reports/:packet/:generation', 401, 403, 411],
]

describe('every route', () => {
  it('has a row in this table', () => {
    const routes = new Set(app.routes.map(({ method, path }) => `${method} ${path}`))
    expect([...routes].sort()).toEqual(table.map(([route]) => route).sort())
  })

  const parameters: Record<string, string> = {
    ':workspace': 'local',
    ':migration': 'door',
    ':pass': '1',
    ':packet': '1',
    ':generation': '1',
  }

  it.each(table)(
    '%s answers nobody with %i, the operator with %i, an agent with %i',
    async (route, ...rest) => {
      const [method, pattern] = route.split(' ') as [string, string]
      const path = pattern.replace(/:\w+/g, (name) => parameters[name]!)
      const [nobody, operator, agent, body] = rest
      const said = body === undefined ? {} : { body: JSON.stringify(body) }
      for (const [token, expected] of [
        ['', nobody],
        ['wrong-token', nobody],
        [signed, agent],
        ['operator-token', operator],
      ] as const) {
        const response = await call(method, path, { token, ...said })
        expect([token, response.status]).toEqual([token, expected])
        const text = new TextDecoder().decode(await response.arrayBuffer())
        if (expected < 400) continue
        expect(response.headers.get('content-type')).toBe('application/problem+json')
        expect(problemSchema.parse(JSON.parse(text)).status).toBe(expected)
      }
    },
  )
})

it('says that a path is unknown, in the same form', async () => {
  const response = await call('GET', '/api/nothing')
  expect(response.status).toBe(404)
  expect(problemSchema.parse(await response.json())).toMatchObject({
    code: 'not-found',
    detail: 'there is no /api/nothing',
  })
})
