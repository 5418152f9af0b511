/** Everybody who calls. What is expected of each is derived from what it is here and from the row of the route (routes.ts). */
import type { SignInMethod } from '../../shared/api/me.ts'
import { type Role, roles, type Scope, scopes, scopesOf } from '../../shared/api/scopes.ts'
import {
  agent,
  ask,
  bearer,
  cookie,
  definition,
  elsewhere,
  here,
  machine,
  made,
  origin,
  type Proof,
  person,
  run,
  session,
  signedBy,
  site,
  type TestAgent,
  ticket,
  token,
  wrongToken,
} from './world.ts'

export interface Caller {
  readonly name: string
  readonly proof: Proof
  readonly is: Is
}

export type Is =
  | { readonly kind: 'nobody' }
  /** Credentials that are none, or none any more; what is answered to all of them. */
  | { readonly kind: 'bad'; readonly answer: 401 | 410 }
  /**
   * `role`: here; null where they are no member. `weak`: without a second factor. `foreign`: a page of another site makes their browser
   * call. `program`: not by a cookie.
   */
  | {
      readonly kind: 'person'
      readonly id: string
      readonly role: Role | null
      readonly weak?: true
      readonly foreign?: true
      readonly program?: true
    }
  /** `scopes`: here; null where it is of another workspace. */
  | { readonly kind: 'token'; readonly scopes: readonly Scope[] | null }
  | { readonly kind: 'machine' }
  | { readonly kind: 'agent'; readonly agent: TestAgent }

export interface Everybody {
  readonly callers: readonly Caller[]
  /** Owns `elsewhere`. */
  readonly stranger: Proof
  readonly agentHere: TestAgent
  readonly agentElsewhere: TestAgent
}

const hour = 60 * 60_000

export const inBrowser = async (id: string, method: SignInMethod = 'passkey') =>
  cookie((await session(id, method)).bearer, origin)

/** Makes them all; the sites `paris` here and `lyon` elsewhere with one agent each. */
export async function everybody(): Promise<Everybody> {
  const callers: Caller[] = []
  const add = (name: string, proof: Proof, is: Is) => void callers.push({ name, proof, is })

  add('nobody', () => ({}), { kind: 'nobody' })
  // It opens the one door that it is for (access.test.ts): everywhere else who has it is nobody.
  add('a ticket to watch a migration', ticket('m'), { kind: 'nobody' })
  const bad = (name: string, proof: Proof, answer: 401 | 410 = 401) =>
    add(name, proof, { kind: 'bad', answer })
  bad('a wrong token', bearer('wrong-token'))
  bad('a wrong API token', bearer(wrongToken))
  bad('an empty token', () => ({ authorization: 'Bearer  ' }))
  bad('another scheme', () => ({ authorization: `Basic ${btoa('operator-token:operator-token')}` }))

  await person('owner', { [here]: 'owner' })
  const owner = bearer((await session('owner')).bearer)
  await person('stranger')
  const stranger = await inBrowser('stranger')
  await made('POST', '/api/workspaces', { id: elsewhere, name: 'Elsewhere' }, stranger)

  const unsigned = await session('owner')
  bad('a session’s token without its signature', bearer(unsigned.token))
  bad(
    'a session’s token with another’s signature',
    bearer(`${unsigned.token}.${(await session('stranger')).bearer.split('.').pop()}`),
  )
  bad('an expired session', bearer((await session('owner', 'passkey', -hour)).bearer))
  const gone = await session('owner')
  await made('DELETE', `/api/me/sessions/${gone.id}`, undefined, owner)
  bad('a revoked session', bearer(gone.bearer))
  bad('a session that is no cookie of ours', cookie(`${unsigned.token}.AAAA`, origin))

  for (const role of roles) {
    // Owning another workspace adds nothing here.
    if (role !== 'owner') await person(role, { [here]: role, [elsewhere]: 'owner' })
    add(`a person, ${role}`, await inBrowser(role), { kind: 'person', id: role, role })
  }
  add('a person, owner, at the command line', owner, {
    ...{ kind: 'person', id: 'owner', role: 'owner', program: true },
  })
  add('another workspace’s owner', stranger, { kind: 'person', id: 'stranger', role: null })
  const cookies = (await session('owner')).bearer
  add('an owner whose browser another site drives', cookie(cookies, 'https://evil.example'), {
    ...{ kind: 'person', id: 'owner', role: 'owner', foreign: true },
  })
  for (const method of ['password', 'entry'] as const) {
    add(`an owner without a second factor (${method})`, await inBrowser('owner', method), {
      ...{ kind: 'person', id: 'owner', role: 'owner', weak: true },
    })
  }

  for (const scope of scopes) {
    const { secret } = await token([scope], here, owner)
    add(`a token, ${scope}`, bearer(secret), { kind: 'token', scopes: [scope] })
  }
  const foreignToken = await token(scopesOf.owner, elsewhere, stranger)
  add('another workspace’s token', bearer(foreignToken.secret), { kind: 'token', scopes: null })
  const expired = await token(scopesOf.owner, here, owner)
  await run('UPDATE tokens SET expires_at = ? WHERE id = ?', Date.now() - hour, expired.token.id)
  bad('an expired token', bearer(expired.secret))
  const revoked = await token(scopesOf.owner, here, owner)
  await made('DELETE', `/api/workspaces/${here}/tokens/${revoked.token.id}`, undefined, owner)
  bad('a revoked token', bearer(revoked.secret))
  // Made by an admin who is a viewer now.
  await person('demoted', { [here]: 'admin' })
  const demoted = await token(
    ['migrations:write', 'sites:write'],
    here,
    bearer((await session('demoted')).bearer),
  )
  await made('PATCH', `/api/workspaces/${here}/members/demoted`, { role: 'viewer' }, owner)
  add('a token of somebody who may no more what it says', bearer(demoted.secret), {
    kind: 'token',
    scopes: [],
  })

  add('the machine', machine, { kind: 'machine' })

  await site('paris')
  await site('lyon', elsewhere, stranger)
  const [agentHere, agentElsewhere, shutOut] = [
    await agent('paris'),
    await agent('lyon', elsewhere, stranger),
    await agent('paris'),
  ]
  add('an agent', signedBy(agentHere), { kind: 'agent', agent: agentHere })
  add('another workspace’s agent', signedBy(agentElsewhere), { kind: 'agent', agent: agentElsewhere })
  await made('POST', `/api/workspaces/${here}/agents/${shutOut.id}/revoke`)
  bad('a revoked agent', signedBy(shutOut), 410)
  bad('an agent that nobody knows', signedBy({ ...agentHere, id: 'nobody' }))
  bad('an agent with another’s key', signedBy(agentHere, { key: agentElsewhere.signing }))
  bad('an agent of another workspace by name', signedBy({ ...agentHere, workspace: elsewhere }))
  bad('an agent whose clock is wrong', signedBy(agentHere, { skew: -hour }))
  await made('PUT', `/api/workspaces/${here}/migrations/m`, definition)
  // The library forgets what has expired when it meets it.
  for (const { proof } of callers) await (await ask('GET', '/api/me', proof)).text()
  return { callers, stranger, agentHere, agentElsewhere }
}
