import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Plane, startPlane } from '../support/plane.ts'
import { firstOwner, invited, password, Visitor } from '../support/visitor.ts'

const setupToken = 'set-up-token-of-this-test'
let plane: Plane
let owner: Visitor
let admin: Visitor
let operator: Visitor
let viewer: Visitor

beforeAll(async () => {
  plane = await startPlane({ bindings: { DRAY_SETUP_TOKEN: setupToken } })
  owner = await firstOwner(plane.url, setupToken)
  admin = await invited(owner, plane.url, 'Ada', 'admin')
  operator = await invited(owner, plane.url, 'Oscar', 'operator')
  viewer = await invited(owner, plane.url, 'Vera', 'viewer')
})
afterAll(() => plane.stop())

const idOf = async (who: Visitor) => (await who.call<{ id: string }>('GET', '/api/me')).json.id
const bearer = <T = Record<string, unknown>>(secret: string, method: string, path: string, body?: unknown) =>
  new Visitor(plane.url).call<T>(method, path, body, { authorization: `Bearer ${secret}` })

interface Made {
  token: { id: string; expiresAt: number; scopes: string[] }
  secret: string
}
const tokenBy = async (who: Visitor, scopes: string[], more = {}) =>
  who.call<Made>('POST', '/api/workspaces/local/tokens', { name: 'ci', scopes, ...more })

describe('roles', () => {
  it('open what they say, and no more', async () => {
    const asked: [string, string, unknown, number[]][] = [
      ['GET', '/api/workspaces/local/members', undefined, [200, 200, 200, 200]],
      ['GET', '/api/workspaces/local/tokens', undefined, [403, 403, 200, 200]],
      [
        'POST',
        '/api/workspaces/local/invitations',
        { email: 'x@example.com', role: 'viewer' },
        [403, 403, 201, 201],
      ],
      [
        'POST',
        '/api/workspaces/local/invitations',
        { email: 'x@example.com', role: 'owner' },
        [403, 403, 403, 201],
      ],
      ['PATCH', '/api/workspaces/local', { name: 'Local' }, [403, 403, 403, 200]],
    ]
    for (const [method, path, body, statuses] of asked) {
      const answers = await Promise.all(
        [viewer, operator, admin, owner].map((who) => who.call(method, path, body)),
      )
      expect([path, ...answers.map(({ status }) => status)]).toEqual([path, ...statuses])
    }
  })

  it('change at once', async () => {
    const id = await idOf(viewer)
    expect((await viewer.call('GET', '/api/workspaces/local/tokens')).status).toBe(403)
    await owner.call('PATCH', `/api/workspaces/local/members/${id}`, { role: 'admin' })
    expect((await viewer.call('GET', '/api/workspaces/local/tokens')).status).toBe(200)
    await owner.call('PATCH', `/api/workspaces/local/members/${id}`, { role: 'viewer' })
    expect((await viewer.call('GET', '/api/workspaces/local/tokens')).status).toBe(403)
  })

  it('of owners are no admin’s to give or to take', async () => {
    const ownerId = await idOf(owner)
    const adminId = await idOf(admin)
    const promote = await admin.call('PATCH', `/api/workspaces/local/members/${adminId}`, { role: 'owner' })
    const demote = await admin.call('PATCH', `/api/workspaces/local/members/${ownerId}`, { role: 'viewer' })
    const remove = await admin.call('DELETE', `/api/workspaces/local/members/${ownerId}`)
    expect([promote.status, demote.status, remove.status]).toEqual([403, 403, 403])
  })

  it('are edited from what was read', async () => {
    const id = await idOf(operator)
    const path = `/api/workspaces/local/members/${id}`
    const stale = await owner.call('PATCH', path, { role: 'viewer' }, { 'if-match': '"7"' })
    expect(stale.status).toBe(412)
    const right = await owner.call('PATCH', path, { role: 'operator' }, { 'if-match': '"1"' })
    expect([right.status, right.headers.get('etag')]).toEqual([200, '"2"'])
  })
})

describe('a workspace', () => {
  it('keeps its last owner, whoever asks and however many at once', async () => {
    const id = await idOf(owner)
    const path = `/api/workspaces/local/members/${id}`
    expect((await owner.call('PATCH', path, { role: 'admin' })).status).toBe(409)
    expect((await owner.call('DELETE', path)).status).toBe(409)
    expect((await owner.call('DELETE', '/api/me/workspaces/local')).status).toBe(409)

    await viewer.call('POST', '/api/workspaces', { id: 'two-owners', name: 'Two owners' })
    const other = await invited(viewer, plane.url, 'Otto', 'owner', 'two-owners')
    const left = await Promise.all(
      [viewer, other].map((who) => who.call('DELETE', '/api/me/workspaces/two-owners')),
    )
    expect(left.map(({ status }) => status).sort()).toEqual([204, 409])
  })

  it('is its maker’s, and looks to others as if there were none', async () => {
    const made = await operator.call('POST', '/api/workspaces', { id: 'archive', name: 'Archive' })
    expect([made.status, made.json.revision]).toEqual([201, 1])
    expect((await admin.call('POST', '/api/workspaces', { id: 'archive', name: 'Mine' })).status).toBe(409)
    const mine = await operator.call<{ workspaces: unknown[] }>('GET', '/api/workspaces')
    expect(mine.json.workspaces).toMatchObject([
      { id: 'archive', role: 'owner' },
      { id: 'local', role: 'operator' },
    ])
    const theirs = await owner.call('GET', '/api/workspaces/archive')
    const none = await owner.call('GET', '/api/workspaces/no-such')
    expect([theirs.status, none.status]).toEqual([404, 404])
    expect((await plane.api('GET', '/api/workspaces/archive')).status).toBe(404)
  })
})

describe('an invitation', () => {
  it('is for one address, and good for one membership', async () => {
    const { json } = await owner.call<{ link: string }>('POST', '/api/workspaces/local/invitations', {
      email: 'Nina@Example.com',
      role: 'operator',
    })
    const [id, secret] = new URL(json.link).hash.slice(1).split('.')
    const look = await new Visitor(plane.url).call('POST', `/api/invitations/${id}/look`, { secret })
    expect(look.json).toMatchObject({
      email: 'nina@example.com',
      role: 'operator',
      inviter: 'Olga',
      known: false,
    })
    const wrong = await new Visitor(plane.url).call('POST', `/api/invitations/${id}/look`, {
      secret: 'x'.repeat(43),
    })
    expect(wrong.status).toBe(404)
    // Somebody else who has the link is told that it is not theirs.
    expect((await viewer.call('POST', `/api/invitations/${id}/accept`, { secret })).status).toBe(403)

    const nina = await acceptAll(id!, secret!)
    expect(nina.map(({ status }) => status)).toEqual([200, 404])
  })

  async function acceptAll(id: string, secret: string) {
    const { enrol } = await import('../support/visitor.ts')
    const guest = new Visitor(plane.url)
    await guest.call('POST', `/api/invitations/${id}/enter`, { secret, name: 'Nina', password })
    await enrol(guest)
    const first = await guest.call('POST', `/api/invitations/${id}/accept`, { secret })
    const second = await guest.call('POST', `/api/invitations/${id}/accept`, { secret })
    return [first, second]
  }

  it('that was withdrawn is good for nothing', async () => {
    const made = await admin.call<{ link: string; invitation: { id: string } }>(
      'POST',
      '/api/workspaces/local/invitations',
      { email: 'late@example.com', role: 'viewer' },
    )
    const { id } = made.json.invitation
    const listed = await viewer.call<{ invitations: { id: string }[] }>(
      'GET',
      '/api/workspaces/local/invitations',
    )
    expect(listed.json.invitations.map((one) => one.id)).toContain(id)
    expect(JSON.stringify(listed.json)).not.toContain('secret')
    expect((await admin.call('DELETE', `/api/workspaces/local/invitations/${id}`)).status).toBe(204)
    const secret = made.json.link.split('.').at(-1)
    const late = await new Visitor(plane.url).call('POST', `/api/invitations/${id}/enter`, {
      secret,
      name: 'Late',
      password,
    })
    expect(late.status).toBe(404)
  })

  it('expires', async () => {
    const made = await admin.call<{ link: string; invitation: { id: string } }>(
      'POST',
      '/api/workspaces/local/invitations',
      { email: 'old@example.com', role: 'viewer' },
    )
    const { id } = made.json.invitation
    const db = await plane.miniflare.getD1Database('DB')
    await db
      .prepare('UPDATE invitations SET expires_at = ? WHERE id = ?')
      .bind(Date.now() - 1, id)
      .run()
    const secret = made.json.link.split('.').at(-1)
    expect(
      (await new Visitor(plane.url).call('POST', `/api/invitations/${id}/look`, { secret })).status,
    ).toBe(404)
  })
})

describe('an API token', () => {
  it('does what its scopes say, in its workspace alone', async () => {
    const { status, json } = await tokenBy(admin, ['migrations:read', 'members:read'])
    expect(status).toBe(201)
    expect(json.secret).toMatch(/^dray_[A-Za-z]{64}$/)
    const me = await bearer(json.secret, 'GET', '/api/me')
    expect(me.json).toMatchObject({ kind: 'token', name: 'ci', workspaces: [{ id: 'local', role: null }] })
    const answers = await Promise.all([
      bearer(json.secret, 'GET', '/api/workspaces/local/members'),
      bearer(json.secret, 'GET', '/api/workspaces/local/migrations'),
      bearer(json.secret, 'GET', '/api/workspaces/local/tokens'),
      bearer(json.secret, 'GET', '/api/workspaces/archive/members'),
      bearer(json.secret, 'GET', '/api/me/sessions'),
    ])
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 403, 404, 403])
  })

  it('is listed without its secret, and revoked at once', async () => {
    const { json } = await tokenBy(admin, ['members:read'])
    const listed = await owner.call<{ tokens: { id: string; maker: string; start: string }[] }>(
      'GET',
      '/api/workspaces/local/tokens',
    )
    const mine = listed.json.tokens.find(({ id }) => id === json.token.id)!
    expect(mine).toMatchObject({ maker: 'Ada', start: json.secret.slice(0, 9) })
    expect(JSON.stringify(listed.json)).not.toContain(json.secret.slice(12))
    expect((await owner.call('DELETE', `/api/workspaces/local/tokens/${mine.id}`)).status).toBe(204)
    expect((await bearer(json.secret, 'GET', '/api/me')).status).toBe(401)
  })

  it('expires', async () => {
    const { json } = await tokenBy(admin, ['members:read'], { days: 1 })
    expect(json.token.expiresAt).toBeGreaterThan(Date.now() + 23 * 3600_000)
    const db = await plane.miniflare.getD1Database('DB')
    await db
      .prepare('UPDATE tokens SET expires_at = ? WHERE id = ?')
      .bind(Date.now() - 1, json.token.id)
      .run()
    expect((await bearer(json.secret, 'GET', '/api/me')).status).toBe(401)
  })

  it('cannot more than whoever makes it', async () => {
    expect((await tokenBy(admin, ['workspace:delete'])).status).toBe(403)
    const { json } = await tokenBy(admin, ['tokens:write', 'members:read'])
    const path = '/api/workspaces/local/tokens'
    const more = await bearer(json.secret, 'POST', path, { name: 'more', scopes: ['members:write'] })
    const less = await bearer<Made>(json.secret, 'POST', path, { name: 'less', scopes: ['members:read'] })
    expect([more.status, less.status]).toEqual([403, 201])
    expect((await bearer(less.json.secret, 'GET', '/api/workspaces/local/members')).status).toBe(200)
  })

  it('cannot more than its maker can now, and nothing when they are gone', async () => {
    const maker = await invited(owner, plane.url, 'Max', 'admin')
    const { json } = await tokenBy(maker, ['tokens:write', 'members:read'])
    const child = await bearer<Made>(json.secret, 'POST', '/api/workspaces/local/tokens', {
      name: 'child',
      scopes: ['members:read'],
    })
    const member = `/api/workspaces/local/members/${await idOf(maker)}`
    await owner.call('PATCH', member, { role: 'viewer' })
    expect((await bearer(json.secret, 'GET', '/api/workspaces/local/tokens')).status).toBe(403)
    expect((await bearer(json.secret, 'GET', '/api/workspaces/local/members')).status).toBe(200)
    expect((await owner.call('DELETE', member)).status).toBe(204)
    const after = await Promise.all([json, child.json].map(({ secret }) => bearer(secret, 'GET', '/api/me')))
    expect(after.map(({ status }) => status)).toEqual([401, 401])
  })

  it('of the machine’s operator is of its workspace', async () => {
    const made = await plane.api<Made>('POST', '/api/workspaces/local/tokens', {
      name: 'm',
      scopes: ['workspace:delete'],
    })
    expect(made.status).toBe(201)
    const me = await bearer(made.json.secret, 'GET', '/api/me')
    expect(me.json).toMatchObject({ workspaces: [{ id: 'local', scopes: ['workspace:delete'] }] })
  })
})

it('records who did what, without secrets', async () => {
  const db = await plane.miniflare.getD1Database('DB')
  const { results } = await db
    .prepare('SELECT action, actor_name, before, after FROM audit')
    .all<Record<string, string>>()
  const actions = new Set(results.map(({ action }) => action))
  for (const action of [
    'member.set-up',
    'invitation.create',
    'invitation.accept',
    'invitation.withdraw',
    'member.change',
    'member.remove',
    'token.create',
    'token.revoke',
    'workspace.create',
    'workspace.rename',
  ]) {
    expect(actions).toContain(action)
  }
  expect(JSON.stringify(results)).not.toMatch(/dray_[A-Za-z]{10}|secret/)
})
