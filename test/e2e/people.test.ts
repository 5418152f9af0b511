/** The command line as people and programs use it, against a control plane that is somewhere else. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run, start } from '../support/dray.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { firstOwner, type Visitor } from '../support/visitor.ts'

const setupToken = 'set-up-token-of-this-test'
let plane: Plane
let owner: Visitor
const config = mkdtempSync(join(tmpdir(), 'dray-config-'))
const file = join(config, 'dray', 'logins.json')
const dray = (args: string[], env: Record<string, string> = {}) =>
  run(args, { XDG_CONFIG_HOME: config, ...env })

beforeAll(async () => {
  plane = await startPlane({ bindings: { DRAY_SETUP_TOKEN: setupToken } })
  owner = await firstOwner(plane.url, setupToken)
})
afterAll(async () => {
  await plane.stop()
  rmSync(config, { recursive: true })
})

/** What `dray login` prints to be opened. */
function codeFrom({ child, ended }: ReturnType<typeof start>): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr!.on('data', (text: string) => {
      said += text
      const code = /\?user_code=([A-Z0-9]+)/.exec(said)?.[1]
      if (code) resolve(code)
    })
    void ended.then(({ stderr }) => reject(new Error(`no code in: ${stderr}`)))
  })
}

async function login(answer: 'approve' | 'deny') {
  const running = start(['login', plane.url.href], { XDG_CONFIG_HOME: config })
  const userCode = await codeFrom(running)
  expect((await owner.call('GET', `/api/auth/device?user_code=${userCode}`)).json).toMatchObject({
    status: 'pending',
  })
  const answered = await owner.call('POST', `/api/auth/device/${answer}`, { userCode })
  expect(answered.status).toBe(200)
  return running.ended
}

describe('dray login', () => {
  it('is asked to sign in first', async () => {
    const { status, stderr } = await dray(['whoami', '--control-plane', plane.url.href])
    expect(status).toBe(2)
    expect(stderr).toContain('dray login')
  })

  it('takes no for an answer', async () => {
    const { status, stderr } = await login('deny')
    expect([status, stderr]).toEqual([2, expect.stringContaining('refused in the browser')])
  })

  it('keeps the session, for its owner alone', async () => {
    const { status, stdout } = await login('approve')
    expect([status, stdout]).toEqual([0, expect.stringContaining('as Olga <olga@example.com>')])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const who = await dray(['whoami'])
    expect(who.stdout).toContain('Olga <olga@example.com>')
    expect(who.stdout).toContain('* local')
  })

  it('has a session that the browser lists', async () => {
    const { json } = await owner.call<{ sessions: { method: string; agent: string }[] }>(
      'GET',
      '/api/me/sessions',
    )
    expect(json.sessions.find(({ method }) => method === 'device')?.agent).toMatch(/^dray\//)
  })

  it('leaves in the database nothing that opens', async () => {
    const { logins } = JSON.parse(readFileSync(file, 'utf8')) as { logins: { token: string }[] }
    const [{ token }] = logins as [{ token: string }]
    const db = await plane.miniflare.getD1Database('DB')
    const { results } = await db.prepare('SELECT * FROM sessions').all()
    expect(JSON.stringify(results)).not.toContain(token)
    const codes = await db.prepare('SELECT count(*) AS n FROM device_codes').first<{ n: number }>()
    expect(codes?.n).toBe(0)
  })

  it('makes commands ask that control plane', async () => {
    const invited = await dray(['member', 'invite', 'ada@example.com', '--role', 'operator', '--json'])
    expect(JSON.parse(invited.stdout)).toMatchObject({
      invitation: { email: 'ada@example.com', role: 'operator' },
    })
    const list = await dray(['member', 'list'])
    expect(list.stdout).toMatch(/Olga +olga@example.com +owner/)
    expect(list.stdout).toMatch(/ada@example.com +operator +invited until/)
    expect((await dray(['member', 'remove', 'ada@example.com'])).status).toBe(0)
    const last = await dray(['member', 'role', 'olga@example.com', 'viewer'])
    expect([last.status, last.stderr]).toEqual([2, expect.stringContaining('a workspace has an owner')])
    expect((await dray(['workspace', 'create', 'archive', '--name', 'The archive'])).status).toBe(0)
    expect((await dray(['workspace', 'list'])).stdout).toMatch(/archive +The archive +owner/)
  })
})

describe('dray token', () => {
  it('makes one that a program uses, and ends it', async () => {
    const made = await dray(['token', 'create', 'ci', '--scope', 'members:read,workspace:read'])
    expect(made.stdout).toMatch(/^dray_[A-Za-z]{64}\n$/)
    const program = (args: string[]) =>
      run([...args, '--control-plane', plane.url.href], {
        DRAY_TOKEN: made.stdout.trim(),
        XDG_CONFIG_HOME: '/nowhere',
      })
    expect((await program(['whoami'])).stdout).toContain('the token ci')
    expect((await program(['member', 'list'])).status).toBe(0)
    const beyond = await program(['token', 'list'])
    expect([beyond.status, beyond.stderr]).toEqual([2, expect.stringContaining('this needs tokens:write')])
    expect((await dray(['token', 'revoke', 'ci'])).status).toBe(0)
    const revoked = await program(['whoami'])
    expect([revoked.status, revoked.stderr]).toEqual([2, expect.stringContaining('does not know this token')])
  })

  it('is told which scopes there are', async () => {
    const { status, stderr } = await dray(['token', 'create', 'ci', '--scope', 'migration:read'])
    expect([status, stderr]).toEqual([2, expect.stringContaining('there is no scope migration:read')])
    expect(stderr).toContain('migrations:read')
  })
})

it('dray audit tells who did what, as a table, as JSON, and all of it as lines', async () => {
  const of = ['--action', 'token', '--limit', '2']
  const { status, stdout } = await dray(['audit', ...of])
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^WHEN .*\n.*token\.revoke.*\n.*token\.create/)])
  const { entries } = JSON.parse((await dray(['audit', ...of, '--json'])).stdout)
  const lines = (await dray(['audit', '--action', 'token', '--all'])).stdout.trim().split('\n')
  expect(
    lines
      .map((line) => JSON.parse(line))
      .slice(-2)
      .reverse(),
  ).toEqual(entries)
  expect((await dray(['audit', '--since', 'yesterday'])).status).toBe(2)
})

it('dray logout ends the session at both ends', async () => {
  const { logins } = JSON.parse(readFileSync(file, 'utf8')) as { logins: { token: string }[] }
  const { status, stdout } = await dray(['logout'])
  expect([status, stdout]).toEqual([0, `Signed out of ${plane.url.origin}.\n`])
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ logins: [] })
  const answer = await fetch(new URL('/api/me', plane.url), {
    headers: { authorization: `Bearer ${logins[0]!.token}` },
  })
  expect(answer.status).toBe(401)
})
