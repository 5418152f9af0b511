import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type Oidc, startOidc } from '../support/oidc.ts'
import { type Plane, startPlane } from '../support/plane.ts'
import { firstOwner, Visitor } from '../support/visitor.ts'

const setupToken = 'set-up-token-of-this-test'
let oidc: Oidc
let plane: Plane
let owner: Visitor

beforeAll(async () => {
  oidc = await startOidc()
  plane = await startPlane({
    bindings: {
      DRAY_SETUP_TOKEN: setupToken,
      DRAY_OIDC_ISSUER: oidc.issuer,
      DRAY_OIDC_CLIENT_ID: oidc.clientId,
      DRAY_OIDC_CLIENT_SECRET: oidc.clientSecret,
      DRAY_OIDC_NAME: 'Corp',
      DRAY_OIDC_DOMAINS: 'corp.example, other.example',
    },
  })
  owner = await firstOwner(plane.url, setupToken)
})
afterAll(async () => {
  await plane.stop()
  await oidc.stop()
})
beforeEach(() => {
  oidc.fault = 'none'
})

/** From our page to the provider's and back; where it ends. */
async function signIn(visitor: Visitor): Promise<string> {
  const started = await visitor.call<{ url: string }>('POST', '/api/auth/sign-in/social', {
    provider: 'oidc',
    callbackURL: '/',
    errorCallbackURL: '/sign-in',
    disableRedirect: true,
  })
  expect(started.status).toBe(200)
  const atProvider = await fetch(started.json.url, { redirect: 'manual' })
  const back = new URL(atProvider.headers.get('location')!)
  expect(back.origin).toBe(plane.url.origin)
  const ended = await visitor.call('GET', `${back.pathname}${back.search}`)
  expect(ended.status).toBe(302)
  return ended.headers.get('location')!
}

it('tells the page its name', async () => {
  expect((await new Visitor(plane.url).call('GET', '/api/entry')).json).toEqual({
    setup: false,
    oidc: 'Corp',
  })
})

it('lets in whoever has an address of our domains', async () => {
  oidc.user = { sub: 'u1', email: 'ida@corp.example', email_verified: true, name: 'Ida' }
  const ida = new Visitor(plane.url)
  expect(await signIn(ida)).toBe('/')
  const me = await ida.call('GET', '/api/me')
  expect(me.json).toMatchObject({ name: 'Ida', email: 'ida@corp.example', mustEnrol: false, workspaces: [] })
  // The same person, the next time.
  const again = new Visitor(plane.url)
  await signIn(again)
  expect((await again.call('GET', '/api/me')).json).toMatchObject({ id: me.json.id })
})

it('lets in whoever is invited, and nobody else', async () => {
  oidc.user = { sub: 'u2', email: 'Gast@elsewhere.example', email_verified: true, name: 'Gast' }
  const guest = new Visitor(plane.url)
  expect(await signIn(guest)).toContain('/sign-in?error=')
  expect((await guest.call('GET', '/api/me')).status).toBe(401)

  const invitation = { email: 'gast@elsewhere.example', role: 'operator' }
  const { json } = await owner.call<{ link: string }>('POST', '/api/workspaces/local/invitations', invitation)
  expect(await signIn(guest)).toBe('/')
  const [id, secret] = new URL(json.link).hash.slice(1).split('.')
  expect((await guest.call('POST', `/api/invitations/${id}/accept`, { secret })).status).toBe(200)
  expect((await guest.call('GET', '/api/me')).json).toMatchObject({ workspaces: [{ role: 'operator' }] })
})

it('does not take an address that the provider has not verified', async () => {
  oidc.user = { sub: 'u3', email: 'fake@corp.example', email_verified: false, name: 'Fake' }
  const fake = new Visitor(plane.url)
  expect(await signIn(fake)).toContain('/sign-in?error=')
  expect((await fake.call('GET', '/api/me')).status).toBe(401)
})

it('does not make somebody else of one who signs in otherwise', async () => {
  oidc.user = { sub: 'u4', email: 'olga@example.com', email_verified: true, name: 'Not Olga' }
  const taker = new Visitor(plane.url)
  expect(await signIn(taker)).toContain('/sign-in?error=account_not_linked')
  expect((await taker.call('GET', '/api/me')).status).toBe(401)
})

it.each(['other-key', 'other-nonce', 'other-audience'] as const)(
  'refuses an ID token with %s',
  async (fault) => {
    oidc.user = { sub: 'u1', email: 'ida@corp.example', email_verified: true, name: 'Ida' }
    oidc.fault = fault
    const ida = new Visitor(plane.url)
    expect(await signIn(ida)).toContain('/sign-in?error=')
    expect((await ida.call('GET', '/api/me')).status).toBe(401)
  },
)

it('refuses an answer that nobody here asked for', async () => {
  const stranger = new Visitor(plane.url)
  const answer = await stranger.call('GET', '/api/auth/callback/oidc?code=abc&state=def')
  expect(answer.status).toBe(302)
  expect((await stranger.call('GET', '/api/me')).status).toBe(401)
})

it('keeps none of the provider’s tokens', async () => {
  const db = await plane.miniflare.getD1Database('DB')
  const { results } = await db.prepare('SELECT access_token, refresh_token, id_token FROM accounts').all()
  expect(new Set(results.flatMap((row) => Object.values(row)))).toEqual(new Set([null]))
})
