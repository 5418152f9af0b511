/** A workspace as a whole: exported, and deleted with all that is in it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import type { DeliveryView } from '../../shared/api/webhooks.ts'
import { noFilter } from '../../shared/policy.ts'
import { closeCodes } from '../../shared/protocol.ts'
import { run } from '../support/dray.ts'
import { identitiesIn, proofOf } from '../support/identities.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { firstOwner, invited, type Visitor } from '../support/visitor.ts'

const setupToken = 'set-up-token-of-this-test'
const at = '/api/workspaces/acme'
const s3 = (bucket: string) => ({
  ...{ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null },
})

let plane: Plane
let receiver: Receiver
let owner: Visitor
let admin: Visitor
const secrets: string[] = []

/** A workspace with something of everything. */
async function furnish(): Promise<void> {
  const made = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const { status, json } = await owner.call<T>(method, path, body)
    expect([path, status]).toEqual([path, expect.toSatisfy((code: number) => code < 300)])
    return json
  }
  await made('POST', '/api/workspaces', { id: 'acme', name: 'Acme & Co' })
  const { secret: token } = await made<{ secret: string }>('POST', `${at}/tokens`, {
    ...{ name: 'ci', scopes: ['migrations:read'] },
  })
  const { secret: webhook } = await made<{ secret: string }>('POST', `${at}/webhooks`, {
    ...{ id: 'ops', url: `${receiver.url}/hidden-in-the-url`, format: 'slack' },
  })
  await made('POST', `${at}/webhooks/ops/test`)
  const { link } = await made<{ link: string }>('POST', `${at}/invitations`, {
    ...{ email: 'zoe@example.com', role: 'viewer' },
  })
  secrets.push(token, webhook.slice(6), 'hidden-in-the-url', new URL(link).hash.split('.').at(-1)!)
  for (const id of ['one', 'two', 'three']) {
    await made('PUT', `${at}/migrations/${id}`, { source: s3('a'), destination: s3(id), filter: noFilter })
  }
  await made('POST', `${at}/migrations/one/passes`, {})
  const reports = await plane.miniflare.getR2Bucket('REPORTS')
  await reports.put('acme/migrations/one/passes/1/2-1.ndjson.gz', 'a report')
}

beforeAll(async () => {
  const bindings = { DRAY_SETUP_TOKEN: setupToken, DRAY_WEBHOOKS_INSECURE: '1' }
  ;[plane, receiver] = await Promise.all([startPlane({ bindings }), startReceiver()])
  owner = await firstOwner(plane.url, setupToken)
  await furnish()
  admin = await invited(owner, plane.url, 'Ada', 'admin', 'acme')
})
afterAll(() => Promise.all([plane.stop(), receiver.stop()]))

describe('an export', () => {
  it('has all of the workspace in lines, ends with their count, and holds no secret', async () => {
    const response = await fetch(new URL(`${at}/export`, plane.url), { headers: { cookie: owner.cookie } })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8')
    const text = await response.text()
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines[0]).toMatchObject({ kind: 'workspace', id: 'acme', name: 'Acme & Co' })
    expect(lines.at(-1)).toEqual({ kind: 'end', lines: lines.length })
    const count = (kind: string) => lines.filter((line) => line.kind === kind).length
    expect({ migrations: count('migration'), passes: count('pass'), members: count('member') }).toEqual({
      ...{ migrations: 3, passes: 1, members: 2 },
    })
    for (const kind of ['token', 'webhook', 'invitation', 'audit']) expect(count(kind)).toBeGreaterThan(0)
    for (const secret of secrets) expect(text).not.toContain(secret)
    expect(text).not.toMatch(/secretHash|sealed"|"key"/)
  })

  it('is for owners alone', async () => {
    expect((await admin.call('GET', `${at}/export`)).status).toBe(403)
  })

  it('is a file on the command line, whole or not at all', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dray-export-'))
    onTestFinished(() => rmSync(directory, { recursive: true }))
    const dray = (...args: string[]) =>
      run([...args, '--control-plane', plane.url.href], { DRAY_TOKEN: plane.token })
    const file = join(directory, 'local.ndjson')
    const ended = await dray('export', file, '--json')
    const { lines } = JSON.parse(ended.stdout) as { lines: number }
    expect(readFileSync(file, 'utf8').trim().split('\n')).toHaveLength(lines)
    expect(await dray('export', join(directory, 'none', 'x'))).toMatchObject({
      ...{ status: 2, stderr: expect.stringContaining('there is no such directory') },
    })
    expect(readdirSync(directory)).toEqual(['local.ndjson'])
    expect(await dray('workspace', 'delete')).toMatchObject({
      ...{ status: 2, stderr: expect.stringContaining('Give --yes with its name') },
    })
  })
})

describe('a deletion', () => {
  const remove = (who: Visitor, name = 'Acme & Co') =>
    who.call<{ deleted: boolean; left: number }>('DELETE', at, { name })

  it('is for owners alone, who repeat the name; and never of the first workspace', async () => {
    expect((await remove(admin)).status).toBe(403)
    expect((await remove(owner, 'acme')).status).toBe(400)
    expect((await owner.call('DELETE', '/api/workspaces/local', { name: 'local' })).status).toBe(409)
    expect((await admin.call('GET', at)).status).toBe(200)
  })

  it('goes on after it was cut off, and leaves nothing but its record', async () => {
    const agent = await identitiesIn(await plane.miniflare.getD1Database('DB'), 'acme')('agent-1')
    const url = new URL('/agent/fleet', plane.url)
    const socket = new WebSocket(url.href.replace('http', 'ws'), {
      headers: { authorization: await proofOf(agent, 'GET', url) },
    })
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))

    const cut = new AbortController()
    const body = JSON.stringify({ name: 'Acme & Co' })
    const headers = { cookie: owner.cookie, origin: plane.url.origin, 'content-type': 'application/json' }
    const first = fetch(new URL(at, plane.url), { method: 'DELETE', body, headers, signal: cut.signal })
    setTimeout(() => cut.abort(), 20)
    await first.catch(() => {})
    // Where the first one came to its end all the same, there is nothing to be found.
    for (let answer = await remove(owner); answer.status !== 404; answer = await remove(owner)) {
      expect(answer.status).toBe(200)
    }
    expect(await closed).toBe(closeCodes.revoked)
    expect((await admin.call('GET', at)).status).toBe(404)

    const db = await plane.miniflare.getD1Database('DB')
    const owned = await db
      .prepare(`SELECT name FROM sqlite_master WHERE sql LIKE '%workspace_id%' AND type = 'table'`)
      .all()
    expect(owned.results.length).toBeGreaterThan(10)
    for (const { name: table } of owned.results) {
      const rows = await db.prepare(`SELECT * FROM ${table} WHERE workspace_id = 'acme'`).all()
      expect([table, rows.results]).toEqual([table, []])
    }
    const reports = await plane.miniflare.getR2Bucket('REPORTS')
    expect((await reports.list({ prefix: 'acme/' })).objects).toEqual([])
    const { results } = await db.prepare(`SELECT * FROM audit WHERE workspace_id = ''`).all()
    expect(results.filter(({ action }) => action === 'workspace.delete')).toMatchObject([
      { subject: 'workspace/acme', actor_name: 'Olga', before: expect.stringContaining('Acme & Co') },
    ])
  })

  it('leaves an id that can be used again, without a trace of what was', async () => {
    await furnish()
    const pass = await owner.call<{ number: number }>('GET', `${at}/migrations/one/passes/1`)
    expect(pass.json).toMatchObject({ number: 1, state: 'running' })
    expect((await owner.call('GET', `${at}/migrations/one/passes/2`)).status).toBe(404)
    const { json } = await owner.call<{ deliveries: DeliveryView[] }>('GET', `${at}/webhooks/ops/deliveries`)
    expect(json.deliveries.filter(({ type }) => type === 'webhook.test')).toHaveLength(1)
    expect((await owner.call<{ agents: unknown[] }>('GET', `${at}/agents`)).json.agents).toEqual([])
  })
})
