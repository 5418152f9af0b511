/**
 * Who may do what: every route (routes.ts) and every socket message (messages.ts), asked by everybody (callers.ts). Who is refused changes
 * nothing, in any table.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { app } from '../../control-plane/routes/app.ts'
import { problemSchema } from '../../shared/api/migrations.ts'
import { roles } from '../../shared/api/scopes.ts'
import { type Caller, type Everybody, everybody } from './callers.ts'
import { held } from './count.ts'
import { type Asked, type Row, rows } from './routes.ts'
import { type Stage, setStage } from './stage.ts'
import { ask, catalogue, changes, elsewhere, here, prepare } from './world.ts'

let all: Everybody
let stage: Stage
beforeAll(async () => {
  await prepare()
  all = await everybody()
  stage = await setStage(all)
})

/** What the caller hears; null where it may, and hears the row's own answer. */
function refusal({ route, least, except }: Row, { is }: Caller): number | null {
  const may = except?.(is) ?? null
  if (least === 'anybody') return may
  if (is.kind === 'bad') return is.answer
  if (is.kind === 'nobody') return 401
  if (is.kind === 'person' && is.foreign && !route.startsWith('GET ')) return 403
  if (least === 'agent') return is.kind === 'agent' ? may : 403
  if (is.kind === 'agent') return 403
  if (least === 'caller') return may
  if (is.kind === 'person' && is.weak) return 403
  if (least === 'person') return is.kind === 'person' ? may : 403
  if (is.kind === 'machine') return may
  if (is.kind === 'token') {
    if (is.scopes === null) return 404
    return is.scopes.includes(least.scope) ? may : 403
  }
  if (is.role === null) return 404
  return roles.indexOf(is.role) >= roles.indexOf(least.role) ? may : 403
}

const pathOf = (path: string, params: Readonly<Record<string, string>>) =>
  path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name]!))

async function answerTo({ route }: Row, caller: Pick<Caller, 'proof'>, asked: Asked, over = {}) {
  const [method, pattern] = route.split(' ') as [string, string]
  const { body } = asked
  const path = pathOf(pattern, { ...stage.params, ...asked.params, ...over })
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
  const response = await ask(method, path, caller.proof, { body: text, headers: { ...asked.headers } })
  return { response, text: await response.text(), path }
}

it.todo('has a row for every route')
void app

describe.each(rows.map((row) => [row.route, row] as const))('%s', (_, row) => {
  const asked = async (caller: Caller): Promise<Asked> => (await row.ask?.(stage, caller)) ?? {}

  it('answers everybody as it should', async () => {
    const isRefused = (caller: Caller) => (refusal(row, caller) ?? 0) >= 400
    const refused = all.callers.filter(isRefused)
    const admitted = all.callers.filter((caller) => !isRefused(caller))
    const said: [string, number][] = []
    const hear = async (caller: Caller, asked: Asked) => {
      const { response, text } = await answerTo(row, caller, asked)
      said.push([caller.name, response.status])
      if (response.status >= 400 && !row.bySomebodyElse) isProblem(response, text)
      return text
    }
    const one = refused[0] ? await asked(refused[0]) : {}
    const state = await catalogue()
    for (const caller of refused) await hear(caller, one)
    expect(changes(state, await catalogue())).toEqual([])
    for (const caller of admitted) {
      const text = await hear(caller, await asked(caller))
      expect([caller.name, text]).toEqual([caller.name, expect.stringMatching(row.says ?? /^/)])
    }
    const answers = (caller: Caller) => [caller.name, refusal(row, caller) ?? row.answers]
    expect(said).toEqual([...refused, ...admitted].map(answers))
    held(said.length)
  })
})

function isProblem(response: Response, text: string): void {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(problemSchema.parse(JSON.parse(text)).status).toBe(response.status)
}

const named = /:(?!workspace\b)\w+/
const crossable = rows.filter(({ route }) => route.includes('/:workspace/') && named.test(route))

describe.each(crossable.map((row) => [row.route, row] as const))('%s', (_, row) => {
  it('finds nothing of this workspace from another one', async () => {
    const caller = all.callers.find(({ is }) => is.kind === 'person' && is.role === null)!
    const asked = (await row.ask?.(stage, caller)) ?? {}
    const state = await ofHere()
    const { response } = await answerTo(row, caller, asked, { workspace: elsewhere })
    expect(response.status).toBe(row.crossing ?? 404)
    expect(changes(state, await ofHere())).toEqual([])
    held(1)
  })
})

/** What the catalogue has of this workspace. */
async function ofHere(): Promise<Record<string, string[]>> {
  const mine = `["workspace_id","${here}"]`
  const rows = Object.entries(await catalogue()).map(([table, rows]) => [
    table,
    rows.filter((row) => row.includes(mine)),
  ])
  return Object.fromEntries(rows)
}
