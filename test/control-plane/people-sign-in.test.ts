import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Plane, startPlane } from '../support/plane.ts'
import { codeOf, enrol, firstOwner, invited, password, Visitor } from '../support/visitor.ts'

const setupToken = 'set-up-token-of-this-test'
let plane: Plane
let owner: Awaited<ReturnType<typeof firstOwner>>

beforeAll(async () => {
  plane = await startPlane({ bindings: { DRAY_SETUP_TOKEN: setupToken } })
})
afterAll(() => plane.stop())

const visitor = () => new Visitor(plane.url)
const signIn = (who: Visitor, email = 'olga@example.com', secret = password) =>
  who.call('POST', '/api/auth/sign-in/email', { email, password: secret })

describe('the set-up link', () => {
  it('is refused with another token', async () => {
    const stranger = visitor()
    const body = { token: 'not-the-token-of-it', name: 'Eve', email: 'eve@example.com', password }
    expect((await stranger.call('POST', '/api/setup', body)).status).toBe(403)
    expect((await stranger.call('GET', '/api/entry')).json).toEqual({ setup: true, oidc: null })
  })

  it('gives a session that opens nothing but enrolment', async () => {
    const half = visitor()
    const body = { token: setupToken, name: 'Half', email: 'half@example.com', password }
    expect((await half.call('POST', '/api/setup', body)).status).toBe(201)
    expect((await half.call('GET', '/api/me')).json).toMatchObject({ mustEnrol: true, name: 'Half' })
    for (const [method, path] of [
      ['GET', '/api/workspaces/local'],
      ['GET', '/api/workspaces/local/migrations'],
      ['GET', '/api/me/sessions'],
      ['POST', '/api/auth/device/approve'],
    ] as const) {
      const answer = await half.call(method, path, method === 'POST' ? { userCode: 'ABCDEFGH' } : undefined)
      expect([path, answer.status]).toEqual([path, 403])
    }
  })

  it('makes the owner, and is then good for nothing', async () => {
    owner = await firstOwner(plane.url, setupToken)
    const me = await owner.call('GET', '/api/me')
    expect(me.json).toMatchObject({
      kind: 'person',
      mustEnrol: false,
      workspaces: [{ id: 'local', role: 'owner' }],
    })
    const again = { token: setupToken, name: 'Eve', email: 'eve@example.com', password }
    expect((await visitor().call('POST', '/api/setup', again)).status).toBe(403)
    expect((await visitor().call('GET', '/api/entry')).json).toMatchObject({ setup: false })
  })

  it('makes one owner of two who use it at once', async () => {
    const other = await startPlane({ bindings: { DRAY_SETUP_TOKEN: setupToken } })
    try {
      const made = await Promise.all(
        ['one', 'two'].map(async (name) => {
          const who = new Visitor(other.url)
          const body = { token: setupToken, name, email: `${name}@example.com`, password }
          expect([201, 403, 409]).toContain((await who.call('POST', '/api/setup', body)).status)
          await enrol(who).catch(() => null)
          return (await who.call('GET', '/api/workspaces/local')).status
        }),
      )
      expect(made.filter((status) => status === 200).length).toBeLessThanOrEqual(1)
    } finally {
      await other.stop()
    }
  })

  it('forgets whoever began before and did not finish', async () => {
    const answer = await signIn(visitor(), 'half@example.com')
    expect(answer.status).toBe(401)
  })
})

describe('a password', () => {
  it('is changed by whoever knows it, and ends the other sessions where that is asked for', async () => {
    const guest = await invited(owner, plane.url, 'Carla', 'viewer')
    const elsewhere = visitor()
    await signIn(elsewhere, 'carla@example.com')
    await elsewhere.call('POST', '/api/auth/two-factor/verify-totp', { code: await codeOf(guest.totpUri) })
    const change = {
      currentPassword: password,
      newPassword: 'another horse battery',
      revokeOtherSessions: true,
    }
    expect((await guest.call('POST', '/api/auth/change-password', change)).status).toBe(200)
    expect((await guest.call('GET', '/api/me')).json).toMatchObject({ mustEnrol: false })
    expect((await elsewhere.call('GET', '/api/me')).status).toBe(401)
    expect((await signIn(visitor(), 'carla@example.com')).status).toBe(401)
  })

  it('opens nothing again when the second factor is taken away', async () => {
    const guest = await invited(owner, plane.url, 'Dora', 'admin')
    expect((await guest.call('POST', '/api/auth/two-factor/disable', { password })).status).toBe(200)
    const browser = visitor()
    expect((await signIn(browser, 'dora@example.com')).status).toBe(200)
    expect((await browser.call('GET', '/api/me')).json).toMatchObject({ mustEnrol: true })
    expect((await browser.call('GET', '/api/workspaces/local/members')).status).toBe(403)
    expect((await browser.call('POST', '/api/auth/change-password', {})).status).toBeGreaterThanOrEqual(400)
    await enrol(browser)
    expect((await browser.call('GET', '/api/workspaces/local/members')).status).toBe(200)
  })

  it('signs nobody in who has a passkey and no second factor', async () => {
    const guest = await invited(owner, plane.url, 'Petra', 'viewer')
    await guest.call('POST', '/api/auth/two-factor/disable', { password })
    const { json } = await guest.call<{ id: string }>('GET', '/api/me')
    const db = await plane.miniflare.getD1Database('DB')
    await db
      .prepare(`INSERT INTO passkeys (id, user_id, public_key, credential_id, counter, device_type, backed_up)
        VALUES ('p', ?, 'k', 'c', 0, 'singleDevice', 0)`)
      .bind(json.id)
      .run()
    const answer = await signIn(visitor(), 'petra@example.com')
    expect([answer.status, answer.json.code]).toEqual([403, 'PASSKEY_REQUIRED'])
  })

  it('needs the second factor', async () => {
    const browser = visitor()
    expect((await signIn(browser)).json).toMatchObject({ twoFactorRedirect: true })
    expect((await browser.call('GET', '/api/me')).status).toBe(401)
    const wrong = await browser.call('POST', '/api/auth/two-factor/verify-totp', { code: '000000' })
    expect(wrong.status).toBe(401)
    const right = await browser.call('POST', '/api/auth/two-factor/verify-totp', {
      code: await codeOf(owner.totpUri),
    })
    expect(right.status).toBe(200)
    expect((await browser.call('GET', '/api/me')).json).toMatchObject({
      email: 'olga@example.com',
      mustEnrol: false,
    })
  })

  it('is refused where it is wrong, in the words of an unknown address', async () => {
    const wrong = await signIn(visitor(), 'olga@example.com', 'wrong horse battery')
    const unknown = await signIn(visitor(), 'nobody@example.com')
    expect([wrong.status, unknown.status]).toEqual([401, 401])
    expect(wrong.json).toEqual(unknown.json)
  })

  it('takes a backup code once', async () => {
    const [code] = owner.backupCodes
    const first = visitor()
    await signIn(first)
    expect((await first.call('POST', '/api/auth/two-factor/verify-backup-code', { code })).status).toBe(200)
    expect((await first.call('GET', '/api/me')).status).toBe(200)
    const second = visitor()
    await signIn(second)
    expect((await second.call('POST', '/api/auth/two-factor/verify-backup-code', { code })).status).toBe(401)
  })

  it('makes no browser trusted', async () => {
    const browser = visitor()
    await signIn(browser)
    const code = await codeOf(owner.totpUri)
    const answer = await browser.call('POST', '/api/auth/two-factor/verify-totp', { code, trustDevice: true })
    expect(answer.status).toBe(400)
  })

  it('is tried ten times a minute from one address, and no more', async () => {
    const guesser = visitor()
    const statuses: number[] = []
    for (let i = 0; i < 12; i++)
      statuses.push((await signIn(guesser, 'olga@example.com', `wrong guess ${i}…`)).status)
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429])
  })
})

describe('a session', () => {
  it('is listed, and revoked at once', async () => {
    const browser = visitor()
    await signIn(browser)
    await browser.call('POST', '/api/auth/two-factor/verify-totp', { code: await codeOf(owner.totpUri) })
    const { json } = await browser.call<{ sessions: { id: string; current: boolean; method: string }[] }>(
      'GET',
      '/api/me/sessions',
    )
    const mine = json.sessions.find(({ current }) => current)!
    expect(mine.method).toBe('second-factor')
    expect(JSON.stringify(json)).not.toContain('token')
    expect((await owner.call('DELETE', `/api/me/sessions/${mine.id}`)).status).toBe(204)
    expect((await browser.call('GET', '/api/me')).status).toBe(401)
    expect((await owner.call('GET', '/api/me')).status).toBe(200)
  })

  it('ends by signing out', async () => {
    const browser = visitor()
    await signIn(browser)
    await browser.call('POST', '/api/auth/two-factor/verify-totp', { code: await codeOf(owner.totpUri) })
    const cookie = browser.cookie
    expect((await browser.call('POST', '/api/auth/sign-out', {})).status).toBe(200)
    expect((await visitor().call('GET', '/api/me', undefined, { cookie })).status).toBe(401)
  })

  it('of one person is not another’s to revoke', async () => {
    const guest = await invited(owner, plane.url, 'Vera', 'viewer')
    const { json } = await guest.call<{ sessions: { id: string }[] }>('GET', '/api/me/sessions')
    expect((await owner.call('DELETE', `/api/me/sessions/${json.sessions[0]!.id}`)).status).toBe(404)
  })

  it('has a cookie that scripts do not see, and other sites do not send', async () => {
    const browser = visitor()
    await signIn(browser)
    const answer = await browser.call('POST', '/api/auth/two-factor/verify-totp', {
      code: await codeOf(owner.totpUri),
    })
    const cookie = answer.headers.getSetCookie().find((line) => line.startsWith('dray.session_token='))
    expect(cookie).toMatch(/; Path=\/.*; HttpOnly; SameSite=Lax/)
  })

  it('changes nothing for another site’s page', async () => {
    const body = { name: 'Theirs' }
    for (const origin of ['https://evil.example', 'null', '']) {
      const answer = await owner.call('PATCH', '/api/workspaces/local', body, { origin })
      expect([origin, answer.status]).toEqual([origin, 403])
    }
    const socket = await owner.call('GET', '/api/me', undefined, { origin: 'https://evil.example' })
    expect(socket.status).toBe(200)
  })

  it('is none where its signature is not ours', async () => {
    const db = await plane.miniflare.getD1Database('DB')
    const row = await db.prepare('SELECT token FROM sessions LIMIT 1').first<{ token: string }>()
    for (const value of [row!.token, `${row!.token}.AAAA`]) {
      const bearer = await fetch(new URL('/api/me', plane.url), {
        headers: { authorization: `Bearer ${value}` },
      })
      const cookie = await visitor().call('GET', '/api/me', undefined, {
        cookie: `dray.session_token=${value}`,
      })
      expect([bearer.status, cookie.status]).toEqual([401, 401])
    }
  })
})

it('has cookies for https alone, where people come by https', async () => {
  const other = await startPlane({
    bindings: { DRAY_SETUP_TOKEN: setupToken, DRAY_PUBLIC_URL: 'https://dray.example.com' },
  })
  try {
    const who = new Visitor(other.url)
    const body = { token: setupToken, name: 'Olga', email: 'olga@example.com', password }
    const origin = 'https://dray.example.com'
    const made = await who.call('POST', '/api/setup', body, { origin })
    expect(made.headers.getSetCookie()[0]).toMatch(/^__Secure-dray\.session_token=.*; Secure/)
    expect((await who.call('GET', '/api/me')).json).toMatchObject({ name: 'Olga' })
    const foreign = await who.call('DELETE', '/api/me/workspaces/local', undefined, {
      origin: other.url.origin,
    })
    expect(foreign.status).toBe(403)
  } finally {
    await other.stop()
  }
})

describe('nobody signs up', () => {
  it.each([
    '/sign-up/email',
    '/organization/create',
    '/api-key/create',
    '/update-user',
    '/delete-user',
    '/list-sessions',
    '/enter',
  ])('at %s', async (path) => {
    const body = { name: 'Eve', email: 'eve@example.com', password }
    expect((await owner.call('POST', `/api/auth${path}`, body)).status).toBe(404)
  })

  it('by an invitation that there is not', async () => {
    const body = { secret: 'x'.repeat(43), name: 'Eve', password }
    expect((await visitor().call('POST', '/api/invitations/no-such/enter', body)).status).toBe(404)
  })
})

it('keeps no secret in the clear', async () => {
  const guest = await invited(owner, plane.url, 'Sam', 'admin')
  const made = await guest.call<{ secret: string }>('POST', '/api/workspaces/local/tokens', {
    name: 'ci',
    scopes: ['migrations:read'],
  })
  const open = await owner.call<{ link: string }>('POST', '/api/workspaces/local/invitations', {
    email: 'open@example.com',
    role: 'viewer',
  })
  const again = visitor()
  const { backupCodes } = await enrolled(again, open.json.link)
  const secrets = [
    password,
    setupToken,
    made.json.secret,
    open.json.link.split('.').at(-1)!,
    new URL(owner.totpUri).searchParams.get('secret')!,
    ...owner.backupCodes,
    ...backupCodes,
    // The signed token is what opens; the unsigned one is in the table.
    decodeURIComponent(guest.cookies.get('dray.session_token')!),
  ]
  const everything = await dump()
  for (const secret of secrets) expect(everything).not.toContain(secret)
})

async function enrolled(guest: Visitor, link: string) {
  const [id, secret] = new URL(link).hash.slice(1).split('.')
  await guest.call('POST', `/api/invitations/${id}/enter`, { secret, name: 'Open', password })
  return enrol(guest)
}

async function dump(): Promise<string> {
  const db = await plane.miniflare.getD1Database('DB')
  const { results } = await db
    .prepare(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`)
    .all<{ name: string }>()
  const tables = await Promise.all(results.map(({ name }) => db.prepare(`SELECT * FROM "${name}"`).all()))
  return JSON.stringify(tables.map((table) => table.results))
}
