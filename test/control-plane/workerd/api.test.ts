/** What every route has from serve.ts: bodies, keys of idempotency, the record of what was done. */
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuditEntry } from '../../../shared/api/audit.ts'
import type { MigrationView, PassStatus, Problem } from '../../../shared/api/migrations.ts'
import { begin, call, definition, json, passTime, prepare } from './inside.ts'

const at = '/api/workspaces/local'

beforeAll(prepare)

const post = async (path: string, key: string, body: unknown = {}) => {
  const response = await call('POST', path, {
    headers: { 'idempotency-key': key },
    body: JSON.stringify(body),
  })
  return { response, body: (await response.json()) as Problem & { pass: PassStatus } }
}

describe('an Idempotency-Key', () => {
  it('has a request done once, and answered twice', async () => {
    await begin('twice')
    await json('POST', `${at}/migrations/twice/passes/1/cancel`)
    const path = `${at}/migrations/twice/passes`
    const first = await post(path, 'key-1')
    await json('POST', `${at}/migrations/twice/passes/2/cancel`)
    const again = await post(path, 'key-1')
    expect([first.response.status, again.response.status]).toEqual([201, 201])
    expect(again.body).toEqual(first.body)
    expect(first.body.pass.number).toBe(2)
    expect(again.response.headers.get('idempotent-replayed')).toBe('true')
    expect((await json<MigrationView>('GET', `${at}/migrations/twice/passes/3`)).status).toBe(404)
  })

  it('is refused for another request', async () => {
    await begin('other')
    const path = `${at}/migrations/other/passes`
    await post(path, 'key-2')
    const other = await post(path, 'key-2', { dryRun: true })
    expect(other.response.status).toBe(422)
    expect(other.body.detail).toContain('another request')
  })

  it('of a request that was refused can be used again', async () => {
    await begin('refused-first')
    const path = `${at}/migrations/refused-first/passes`
    expect((await post(path, 'key-3', { dryRun: true })).response.status).toBe(409)
    await json('POST', `${at}/migrations/refused-first/passes/1/cancel`)
    expect((await post(path, 'key-3', { dryRun: true })).response.status).toBe(201)
  })

  it('is visible ASCII', async () => {
    expect((await post(`${at}/migrations/none/passes`, 'a b')).response.status).toBe(400)
  })
})

describe('a body', () => {
  const put = (body: BodyInit, headers: HeadersInit = {}) =>
    call('PUT', `${at}/migrations/body`, { body, headers })

  it.each([
    ['no JSON', '{', 400],
    ['nothing', '', 400],
    ['no object', '[]', 400],
    ['what the contract does not know', JSON.stringify({ ...definition, more: 1 }), 400],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0x7d]), 400],
  ] as const)('that is %s is refused', async (_, body, status) => {
    const response = await put(body)
    expect(response.status).toBe(status)
    expect(((await response.json()) as Problem).code).toBe('usage')
    expect((await json('GET', `${at}/migrations/body`)).status).toBe(404)
  })

  it('of another type is refused', async () => {
    expect((await put('a=b', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
  })

  it('that is too large is refused, whatever it says of its length', async () => {
    const chunk = new Uint8Array(1024 * 1024)
    let left = 9
    const stream = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(chunk)
        else controller.close()
      },
    })
    expect((await put(stream)).status).toBe(413)
  })
})

describe('the audit log', () => {
  const entries = async (query = '') =>
    (await json<{ entries: AuditEntry[]; cursor: string | null }>('GET', `${at}/audit${query}`)).body

  it('tells who did what, the newest first, page by page, by what is asked for', async () => {
    await begin('told')
    await json('POST', `${at}/migrations/told/passes/1/cancel`)
    const { entries: all } = await entries('?subject=migration/told')
    expect(all.map(({ action }) => action)).toEqual(['pass.cancel', 'pass.start', 'migration.create'])
    expect(all.at(-1)).toMatchObject({ actor: { kind: 'machine' }, after: definition, before: null })
    const first = await entries('?subject=migration/told&limit=2')
    const rest = await entries(`?subject=migration/told&limit=2&cursor=${first.cursor}`)
    expect([...first.entries, ...rest.entries]).toEqual(all)
    expect(rest.cursor).toBeNull()
    const kinds = new Set((await entries('?action=pass')).entries.map(({ action }) => action))
    expect([...kinds].every((action) => action.startsWith('pass.'))).toBe(true)
    const since = new Date(Date.now() + 60_000).toISOString()
    expect((await entries(`?since=${since}`)).entries).toEqual([])
  })

  it('is exported, the oldest first', async () => {
    const response = await call('GET', `${at}/audit/export?subject=migration/told`)
    expect(response.headers.get('content-type')).toContain('ndjson')
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditEntry)
    expect(lines.map(({ action }) => action)).toEqual(['migration.create', 'pass.start', 'pass.cancel'])
  })

  it('has nothing of what changed nothing', async () => {
    await json('PUT', `${at}/migrations/told`, definition)
    const { entries: created } = await entries('?subject=migration/told&action=migration.create')
    expect(created).toHaveLength(1)
  })

  it('is neither edited nor erased', async () => {
    const run = (sql: string) => env.DB.prepare(sql).run()
    await expect(run(`UPDATE audit SET action = 'x'`)).rejects.toThrow('only appended')
    await expect(run('DELETE FROM audit')).rejects.toThrow('only appended')
  })
})

it('tells nobody apart a workspace that is none and one that is not theirs', async () => {
  for (const workspace of ['elsewhere', 'Not-An-Id']) {
    const answer = await json<Problem>('GET', `/api/workspaces/${workspace}/migrations`)
    expect([answer.status, answer.body.code]).toEqual([404, 'not-found'])
  }
})

describe('too many requests', () => {
  afterEach(() => vi.useRealTimers())

  it('from one address are refused until some time has passed', async () => {
    passTime(0)
    const health = () =>
      call('GET', '/api/health', { token: '', headers: { 'cf-connecting-ip': '10.9.9.9' } })
    for (let i = 0; i < 1_000; i++) expect((await health()).status).toBe(200)
    const refused = await health()
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({ code: 'throttled', hint: 'Wait 1 s.' })
    // Others are not held back by it.
    expect((await call('GET', '/api/health')).status).toBe(200)
    passTime(1_000)
    expect((await health()).status).toBe(200)
  })
})
