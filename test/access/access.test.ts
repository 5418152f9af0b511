/**
 * Who may do what: every route (routes.ts) and every socket message (messages.ts), asked by everybody (callers.ts). Who is refused changes
 * nothing, in any table.
 */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { problemSchema } from '../../shared/api/migrations.ts'
import { roles } from '../../shared/api/scopes.ts'
import { type Caller, type Everybody, everybody } from './callers.ts'
import { incomplete } from './complete.ts'
import { fleetMessages, migrationMessages } from './messages.ts'
import { type Asked, type Row, rows } from './routes.ts'
import { type Stage, setStage } from './stage.ts'
import { rowsOf, Talk } from './talk.ts'
import {
  ask,
  bearer,
  catalogue,
  changes,
  elsewhere,
  here,
  machine,
  made,
  origin,
  ownedTables,
  type Proof,
  person,
  prepare,
  run,
  signedBy,
  statements,
  ticket,
  token,
} from './world.ts'

let all: Everybody
let stage: Stage
beforeAll(async () => {
  await prepare()
  all = await everybody()
  stage = await setStage(all)
})

it('has a row for every route and every message', ({ task }) => {
  expect(incomplete()).toEqual([])
  const messages = migrationMessages.length + fleetMessages.length
  const table = `${rows.length} routes and ${messages} messages × ${all.callers.length} callers`
  Object.assign(task.meta, { table })
})

/** Told to the reporter. */
const holds = (task: { meta: object }, answers: number) => void Object.assign(task.meta, { answers })

/** What the caller hears; null where it may, and hears the row's own answer. */
function refusal({ route, least, except, answers }: Row, { is }: Caller): number | null {
  const may = except?.(is) ?? null
  if (least === 'anybody') return may
  if (is.kind === 'bad') return is.answer
  if (is.kind === 'nobody') return 401
  const harmless = route.startsWith('GET ') && answers !== 101
  if (is.kind === 'person' && is.foreign && !harmless) return 403
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

const doors = { migration: 'GET /agent/migrations/:migration', fleet: 'GET /agent/fleet' }

const pathOf = (path: string, params: Readonly<Record<string, string>>) =>
  path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name]!))

async function answerTo({ route }: Row, caller: Pick<Caller, 'proof'>, asked: Asked, over = {}) {
  const [method, pattern] = route.split(' ') as [string, string]
  const { body, query = '' } = asked
  const path = pathOf(pattern, { ...stage.params, ...asked.params, ...over }) + query
  const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
  const response = await ask(method, path, caller.proof, { body: text, headers: { ...asked.headers } })
  const socket = response.webSocket
  socket?.accept()
  socket?.close()
  return { response, text: socket ? '' : new TextDecoder().decode(await response.arrayBuffer()) }
}

describe.each([
  ...migrationMessages.map((row) => ['migration', row.t, row] as const),
  ...fleetMessages.map((row) => ['fleet', row.t, row] as const),
])('the %s’s socket: %s', (kind, _, { message, holder, other }) => {
  const door = rows.find(({ route }) => route === doors[kind])!

  it('hears from everybody as it should', async ({ task }) => {
    const id = await stage.running()
    const object = kind === 'fleet' ? env.FLEET.getByName(here) : env.MIGRATION.getByName(`${here}/${id}`)
    const path = kind === 'fleet' ? '/agent/fleet' : `/agent/migrations/${id}`
    const owner = await Talk.open(path, signedBy(await stage.agent()))
    if (typeof owner === 'number') throw new Error(`no socket: ${owner}`)
    await owner.hello(kind)
    if (kind === 'migration') {
      owner.say({ t: 'free', n: 1 })
      await owner.next(({ t }) => t === 'lease')
    }
    let answers = 0
    for (const caller of all.callers) {
      const state = await rowsOf(object)
      const talk = await Talk.open(path, caller.proof)
      const refused = refusal(door, caller)
      if (typeof talk === 'number') {
        expect([caller.name, talk]).toEqual([caller.name, refused])
        expect(changes(state, await rowsOf(object))).toEqual([])
      } else {
        expect([caller.name, refused]).toEqual([caller.name, null])
        await talk.hello(kind)
        const known = await rowsOf(object)
        expect([caller.name, await talk.heard(kind, message)]).toEqual([caller.name, other])
        expect(changes(known, await rowsOf(object))).toEqual([])
        talk.close()
      }
      answers++
    }
    expect(await owner.heard(kind, message)).toBe(holder)
    holds(task, answers + 1)
    owner.close()
  })
})

it('a cursor of this workspace leads into nothing of it from another one', async () => {
  const lists = rows.map(({ route }) => route).filter((route) => /^GET .*\/:workspace\/[a-z]+$/.test(route))
  let led = 0
  for (const route of lists) {
    const page = async (workspace: string, query: string, proof: Proof) => {
      const path = pathOf(route.slice(4), { ...stage.params, workspace })
      const response = await ask('GET', `${path}?${query}`, proof)
      const text = new TextDecoder().decode(await response.arrayBuffer())
      return response.headers.get('content-type') === 'application/json' ? JSON.parse(text) : {}
    }
    const { cursor } = await page(here, 'limit=1', machine)
    if (typeof cursor !== 'string') continue
    led++
    const there = await page(elsewhere, 'limit=1000', all.stranger)
    const after = await page(elsewhere, `limit=1000&cursor=${encodeURIComponent(cursor)}`, all.stranger)
    const [known, found] = [there, after].map((answer) =>
      Object.values(answer).flatMap((list) =>
        Array.isArray(list) ? list.map((one) => JSON.stringify(one)) : [],
      ),
    )
    expect([route, found!.filter((one) => !known!.includes(one))]).toEqual([route, []])
  }
  expect(led).toBeGreaterThan(7)
})

/** Whoever invites sees the link. */
it('an invitation takes nobody’s place who is a member already, whatever they sign in by', async () => {
  await person('careless', { [here]: 'owner' })
  await run('DELETE FROM passkeys WHERE user_id = ?', 'careless')
  const invitation = { email: 'careless@example.com', role: 'viewer' }
  const { link } = await made<{ link: string }>(
    ...(['POST', `/api/workspaces/${elsewhere}/invitations`, invitation, all.stranger] as const),
  )
  const [id, secret] = new URL(link).hash.slice(1).split('.')
  const state = await catalogue()
  const body = JSON.stringify({ secret, name: 'Mallory', password: 'correct horse battery' })
  const answer = await ask('POST', `/api/invitations/${id}/enter`, () => ({ origin }), { body })
  expect(answer.status).toBe(409)
  expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('has been here before') })
  expect(changes(state, await catalogue())).toEqual([])
})

it('a token makes none that can more than it, or outlives it', async () => {
  const path = `/api/workspaces/${here}/tokens`
  const { secret, token: maker } = await token(['tokens:write', 'sites:read'])
  const make = async (scopes: string[], days: number | null) => {
    const body = JSON.stringify({ name: 'child', scopes, days })
    const response = await ask('POST', path, bearer(secret), { body })
    return (await response.json()) as { status?: number; token?: { expiresAt: number } }
  }
  for (const days of [1, 31, null]) {
    const { token } = await make(['sites:read'], days)
    expect(token!.expiresAt).toBeLessThanOrEqual(maker.expiresAt)
  }
  expect(await make(['sites:write'], 1)).toMatchObject({ status: 403 })
})

it('a ticket opens the watch of its migration, once, and no other', async () => {
  const watch = (id: string) => `/api/workspaces/${here}/migrations/${id}/watch`
  const other = await stage.migration()
  expect(await Talk.open(watch(other), ticket('m'))).toBe(401)
  const once = await ticket('m')('GET', watch('m'), null)
  const opened = await Talk.open(watch('m'), () => once)
  if (typeof opened === 'number') throw new Error(`no socket: ${opened}`)
  opened.close()
  expect(await Talk.open(watch('m'), () => once)).toBe(401)
})

describe.each(rows.map((row) => [row.route, row] as const))('%s', (_, row) => {
  const asked = async (caller: Caller): Promise<Asked> => (await row.ask?.(stage, caller)) ?? {}

  it('answers everybody as it should', async ({ task }) => {
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
    holds(task, said.length)
  })
})

function isProblem(response: Response, text: string): void {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  expect(problemSchema.parse(JSON.parse(text)).status).toBe(response.status)
}

const named = /:(?!workspace\b)\w+/
const crossable = rows.filter(({ route }) => route.includes('/:workspace/') && named.test(route))

describe.each(crossable.map((row) => [row.route, row] as const))('%s', (_, row) => {
  it('finds nothing of this workspace from another one', async ({ task }) => {
    const caller = all.callers.find(({ is }) => is.kind === 'person' && is.role === null)!
    const asked = (await row.ask?.(stage, caller)) ?? {}
    const state = await ofHere()
    const { response } = await answerTo(row, caller, asked, { workspace: elsewhere })
    expect(response.status).toBe(row.crossing ?? 404)
    expect(changes(state, await ofHere())).toEqual([])
    holds(task, 1)
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

/**
 * Isolation is in the statements, not in the routes' care: whatever is asked of a table of things that belong to workspaces is asked within
 * one. This goes through all that was prepared while everybody asked for everything.
 */
it('every statement about what belongs to workspaces is about one of them', async () => {
  const owned = await ownedTables()
  expect(owned.length).toBeGreaterThan(10)
  expect(statements.size).toBeGreaterThan(50)
  const loose = [...statements].flatMap((statement) => {
    const sql = statement.replaceAll('"', '')
    const named = [
      ...sql.matchAll(
        /\b(?:from|join|into|update) (\w+)(?: (?:as )?(?!set|where|on|inner|left|order|limit|values)(\w+))?/gi,
      ),
    ]
    return named
      .filter(([, table]) => owned.includes(table!))
      .map(([, table, alias]) => alias ?? table!)
      .filter(
        (name) =>
          !sql.includes(`${name}.workspace_id = ?`) &&
          !/^insert into \w+ \([\w, ]*\bworkspace_id\b/i.test(sql),
      )
      .filter((name) => !whoCalls.some((known) => known.startsWith(`${name}.`) && sql.includes(known)))
      .map((name) => `${name}: ${sql}`)
  })
  expect(loose).toEqual([])
})

/** To find out who calls and where they have a part, before any workspace is known (access/people.ts, and the library's own). */
const whoCalls = [
  ...['members.user_id = ?', 'members.user_id = tokens.maker_id', 'members.user_id = people.id'],
  ...['tokens.key = ?', 'tokens.id = ?', 'tokens.expires_at < ?'],
  ...['invitations.id = ?', 'invitations.email = ?'],
]
