/** Every route that takes a body, with bodies, cursors and revisions that are none: each answer says what is wrong, and nothing is changed. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { contracts } from '../../../control-plane/routes/serve.ts'
import { problemSchema } from '../../../shared/api/migrations.ts'
import type { Route } from '../../../shared/api/route.ts'
import '../../../control-plane/routes/app.ts'
import { catalogue, changes, cookie, origin, person, session } from '../../access/world.ts'
import { begin, call, json, prepare } from './inside.ts'

let browser: Record<string, string>

beforeAll(async () => {
  await prepare()
  await begin('m')
  await json('POST', '/api/workspaces/local/sites', { id: 'paris' })
  await person('owner', { local: 'owner' })
  browser = (await cookie((await session('owner')).bearer, origin)('', '', null)) as Record<string, string>
})

const names: Record<string, string> = {
  workspace: 'local',
  migration: 'm',
  endpoint: 'file:paris',
  site: 'paris',
  step: 'freeze',
}
const pathOf = ({ path }: Route) =>
  path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? '1'))

/** By whoever may: what is refused is refused for what it is. */
function send(contract: Route, body: BodyInit | undefined, headers: Record<string, string> = {}) {
  const who = contract.needs === 'person' ? { token: '', headers: { ...browser, ...headers } } : { headers }
  return call(contract.method, pathOf(contract), { ...who, ...(body === undefined ? {} : { body }) })
}

async function refused(response: Response, status: number, detail: RegExp): Promise<void> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = problemSchema.parse(await response.json())
  expect([problem.status, response.status, problem.detail]).toEqual([
    ...[status, status],
    expect.stringMatching(detail),
  ])
}

const withBody = contracts.filter(({ body, needs }) => body && needs !== 'agent')
/** What its handler parses: notifications have many forms. */
const parsesItself = ({ body }: Route) => body instanceof z.ZodUnknown
const takesNothing = (contract: Route) => !parsesItself(contract) && contract.body!.safeParse({}).success

describe.each(withBody.map((contract) => [`${contract.method} ${contract.path}`, contract] as const))(
  '%s',
  (_, contract) => {
    it('refuses what is no body of it', async () => {
      const before = await catalogue()
      const most = contract.maxBody ?? 256 * 1024
      const cases: [body: BodyInit, status: number, detail: RegExp, headers?: Record<string, string>][] = [
        ['{', 400, /not JSON/],
        ["{'a':1}", 400, /not JSON/],
        ['\u0000', 400, /not JSON/],
        ['\ufeff{}', 400, /not JSON/],
        ['{"a":1,"a":2}', 400, /names a member twice/],
        [new Uint8Array([0x7b, 0xc3, 0x28, 0x7d]), 400, /not UTF-8/],
        ['null', 400, /./],
        ['true', 400, /./],
        ['17', 400, /./],
        ['"text"', 400, /./],
        ['[]', 400, /./],
        ['[{}]', 400, /./],
        [
          '{"nobody-knows-this":1}',
          400,
          parsesItself(contract) ? /./ : /nobody-knows-this|Invalid (input|discriminator)/,
        ],
        ['{"__proto__":{"role":"owner"}}', 400, /./],
        [`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 400, /./],
        ['a=1&b=2', 415, /urlencoded/, { 'content-type': 'application/x-www-form-urlencoded' }],
        ['<a/>', 415, /xml/, { 'content-type': 'application/xml' }],
        [`"${' '.repeat(most)}"`, 413, new RegExp(`more than ${most} bytes`)],
        [streamOf(most + 1), 413, new RegExp(`more than ${most} bytes`)],
      ]
      for (const [body, status, detail, headers] of cases) {
        await refused(await send(contract, body, headers), status, detail)
      }
      if (!takesNothing(contract)) await refused(await send(contract, undefined), 400, /./)
      expect(changes(before, await catalogue())).toEqual([])
    })

    it('refuses whatever else does not parse', async () => {
      const before = await catalogue()
      await fc.assert(
        fc.asyncProperty(
          fc
            .json({ maxDepth: 3 })
            .filter((text) => parsesItself(contract) || !contract.body!.safeParse(JSON.parse(text)).success),
          async (text) => refused(await send(contract, text), 400, /./),
        ),
        { numRuns: 15, seed: 3 },
      )
      expect(changes(before, await catalogue())).toEqual([])
    })
  },
)

/** Without a length that is told. */
const streamOf = (bytes: number) =>
  new ReadableStream({
    start(controller) {
      for (let left = bytes; left > 0; left -= 65_536) {
        controller.enqueue(new Uint8Array(Math.min(left, 65_536)).fill(0x20))
      }
      controller.close()
    },
  })

const lists = contracts.filter(
  ({ query, path }) => query && 'cursor' in query.shape && !path.includes('/:pass/'),
)

it.each(lists.map((contract) => [contract.path, contract] as const))(
  '%s takes no cursor that it did not give',
  async (_, contract) => {
    for (const cursor of [
      ...[
        '',
        '-',
        '0',
        '1e9',
        '99999999999999999999',
        '1-',
        "1-'; DROP TABLE audit;--",
        '../..',
        '%00',
        'a'.repeat(5_000),
      ],
      ...['{"id":1}', '1-a b', '\u{1f600}', 'k%ff', 'a'.repeat(10_000)],
    ]) {
      const response = await call('GET', `${pathOf(contract)}?cursor=${encodeURIComponent(cursor)}`)
      // One that could be of this list begins somewhere; all others are refused.
      expect([200, 400, 404]).toContain(response.status)
      await response.arrayBuffer()
    }
    for (const limit of ['0', '-1', '1001', '1.5', 'x', '', '1e99']) {
      if (!('limit' in contract.query!.shape)) continue
      await refused(await call('GET', `${pathOf(contract)}?limit=${limit}`), 400, /limit/)
    }
  },
)

it.each(['1', '"x"', 'W/"1"', '"1", "2"', '""', '"-1"', '"1e3"', '"99999999999999999"', '\u00e9'])(
  'takes no %s for a revision',
  async (revision) => {
    const before = await catalogue()
    const headers = { 'if-match': revision }
    const patch = await call('PATCH', '/api/workspaces/local/sites/paris', {
      headers,
      body: '{"region":"x"}',
    })
    await refused(patch, 400, /If-Match/)
    await refused(await call('DELETE', '/api/workspaces/local/sites/paris', { headers }), 400, /If-Match/)
    expect(changes(before, await catalogue())).toEqual([])
  },
)

it('answers anything in a path, a query or a header without failing', async () => {
  const strange = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      '..',
      '.',
      '%',
      '%2e%2e%2f',
      '\0',
      '\r\nset-cookie: a=b',
      'a'.repeat(3_000),
      "' OR 1=1 --",
      '__proto__',
    ),
  )
  // An export is recorded.
  const readable = contracts.filter(
    ({ method, path }) => method === 'GET' && path.includes('/:') && !path.endsWith('/export'),
  )
  const before = await catalogue()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...readable), strange, strange, async (contract, id, value) => {
      const path = contract.path.replace(/:(\w+)/g, (_, name: string) =>
        name === 'workspace' ? 'local' : encodeURIComponent(id.toWellFormed()),
      )
      const response = await call('GET', `${path}?${new URLSearchParams({ [id]: value, cursor: value })}`)
      expect(response.status).toBeLessThan(500)
      expect(response.headers.has('set-cookie')).toBe(false)
      await response.arrayBuffer()
    }),
    { numRuns: 200, seed: 5 },
  )
  expect(changes(before, await catalogue())).toEqual([])
})
