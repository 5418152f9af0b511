import { beforeAll, expect, it } from 'vitest'
import { begin, call, json, passTime, prepare } from './inside.ts'

beforeAll(prepare)

const at = (id: string, workspace = 'local') => `/api/workspaces/${workspace}/migrations/${id}`
const ticketOf = async (id: string) =>
  (await json<{ ticket: string }>('POST', `${at(id)}/downloads`)).body.ticket
const status = async (path: string, method = 'GET') => {
  const response = await call(method, path, { token: '' })
  await response.arrayBuffer()
  return response.status
}

it.each(['failures/download?format=csv&', 'report/csv?', 'report/ndjson.gz?'])(
  'a ticket downloads %s of its migration, once, and within half a minute',
  async (file) => {
    const [mine, other] = [`mine-${file.length}`, `other-${file.length}`]
    await begin(mine)
    await begin(other)
    const of = (id: string, ticket: string, workspace = 'local') =>
      `${at(id, workspace)}/passes/1/${file}ticket=${ticket}`
    const ticket = await ticketOf(mine)
    expect(await status(of(other, ticket))).toBe(401)
    expect(await status(of(mine, ticket, 'other'))).toBe(401)
    expect(await status(of(mine, ticket))).toBe(200)
    expect(await status(of(mine, ticket))).toBe(401)
    expect(await status(of(mine, ''))).toBe(401)
    const old = await ticketOf(mine)
    passTime(31_000)
    expect(await status(of(mine, old))).toBe(401)
  },
)

it('a ticket opens nothing but downloads', async () => {
  await begin('closed')
  const ticket = await ticketOf('closed')
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/passes/1/failures'],
    ['GET', '/passes/1/causes'],
    ['POST', '/passes/1/cancel'],
    ['DELETE', ''],
  ] as const) {
    expect(await status(`${at('closed')}${path}?ticket=${ticket}`, method)).toBe(401)
  }
  expect(await status(`${at('closed')}/passes/1/failures/download?ticket=${ticket}`)).toBe(200)
})
