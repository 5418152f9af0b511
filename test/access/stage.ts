/** What there is in the workspace that everybody asks for, and more of each where asking uses it up. */

import { type NewSchedule, newScheduleSchema } from '../../shared/api/schedules.ts'
import { randomText, sha256 } from '../../shared/octets.ts'
import type { Everybody, Is } from './callers.ts'
import * as world from './world.ts'
import { definition, fresh, here, insert, made } from './world.ts'

const at = `/api/workspaces/${here}`
const envelope = `dray-seal-1.${'A'.repeat(43)}.${'B'.repeat(40)}`
const third = 'third'

export type Stage = Awaited<ReturnType<typeof setStage>>

/** `local` has one of each kind, by the names that `params` has. */
export async function setStage({ agentHere }: Everybody) {
  const schedule: NewSchedule = newScheduleSchema.parse({ migration: 'm', cron: '0 3 * * *' })
  const now = Date.now()
  await insert('workspaces', { id: third, name: 'Third', created_at: now, revision: 1 })
  await world.person('third-owner', { [third]: 'owner' })

  const stage = {
    agentHere,
    definition,
    envelope,
    schedule,
    fresh,
    wrongJoin: {
      token: `drayjoin_${here}_paris_${'A'.repeat(43)}`,
      ...{ name: 'intruder', signing: 'A'.repeat(43), sealing: 'B'.repeat(43), signature: 'C'.repeat(86) },
    },

    async migration() {
      const id = fresh('migration')
      await made('PUT', `${at}/migrations/${id}`, definition)
      return id
    },
    async running() {
      const id = await stage.migration()
      await made('POST', `${at}/migrations/${id}/passes`, {})
      return id
    },
    async scheduled() {
      const id = fresh('schedule')
      await made('PUT', `${at}/schedules/${id}`, schedule)
      return id
    },
    async connection() {
      const id = fresh('connection')
      await made('POST', `${at}/connections`, { id, credential: { kind: 'sealed' } })
      return id
    },
    async webhook() {
      const id = fresh('webhook')
      await made('POST', `${at}/webhooks`, { id, url: 'https://example.com', disabled: true })
      return id
    },
    async limit() {
      const endpoint = fresh('file:site')
      await made('PUT', `${at}/limits/${encodeURIComponent(endpoint)}`, { requests: 5 })
      return endpoint
    },
    async site() {
      const id = fresh('site')
      await made('POST', `${at}/sites`, { id })
      return id
    },
    async joinToken() {
      return (await made<{ id: string }>('POST', `${at}/sites/paris/tokens`, {})).id
    },
    agent: () => world.agent('paris'),
    certificate: (agent: world.TestAgent) =>
      world.certificate(agent, agent.workspace === here ? 'paris' : 'lyon'),
    async token() {
      return (await world.token(['audit:read'])).token.id
    },
    async member() {
      return world.person(fresh('member'), { [here]: 'viewer' })
    },
    /** To a workspace in which nobody else is, so that accepting it changes nothing for those who call. */
    async invitation(email = `${fresh('guest')}@example.com`) {
      const [id, secret] = [fresh('invitation'), randomText(32)]
      await insert('invitations', {
        ...{ workspace_id: here, id, email, role: 'viewer', secret_hash: await sha256(secret) },
        ...{ inviter_name: 'owner', created_at: now, expires_at: now + 60 * 60_000 },
      })
      if (email.startsWith('guest-') === false) {
        await world.run('UPDATE invitations SET workspace_id = ? WHERE id = ?', third, id)
      }
      return { params: { invitation: id }, body: { secret } }
    },
    /** By a session that may end with it. */
    async signedIn(is: Is) {
      if (is.kind !== 'person' || is.foreign) return { body: {} }
      const { bearer } = await world.session(is.id)
      const proof = is.program ? world.bearer(bearer) : world.cookie(bearer, world.origin)
      return { body: {}, headers: await proof('POST', '', null) }
    },
    async session(is: Is) {
      return (await world.session(is.kind === 'person' ? is.id : 'owner')).id
    },
    async membership(is: Is) {
      if (is.kind !== 'person') return third
      const id = fresh('club')
      await insert('workspaces', { id, name: id, created_at: now, revision: 1 })
      await world.member(is.id, 'viewer', id)
      return id
    },
  }

  const mine = await stage.certificate(agentHere)
  await made('PUT', '/agent/certificate', mine, world.signedBy(agentHere))
  await made('POST', `${at}/migrations/m/passes`, {})
  await made('PUT', `${at}/schedules/s`, schedule)
  await made('POST', `${at}/connections`, { id: 'c', sites: ['paris'], credential: { kind: 'sealed' } })
  const copies = [{ agent: agentHere.id, envelope }]
  await made('PUT', `${at}/connections/c/sealed`, { version: 1, copies })
  await made('POST', `${at}/webhooks`, { id: 'w', url: 'https://example.com', disabled: true })
  await made('PUT', `${at}/limits/file%3Aparis`, { requests: 5 })
  const { params: invitation } = await stage.invitation()
  await world.person('somebody', { [here]: 'viewer' })

  /** By the names in paths. */
  const params: Record<string, string> = {
    ...{
      workspace: here,
      migration: 'm',
      pass: '1',
      packet: '1',
      generation: '1',
      schedule: 's',
      format: 'ndjson',
    },
    ...{ connection: 'c', webhook: 'w', delivery: '1', endpoint: 'file:paris', site: 'paris' },
    ...{ agent: agentHere.id, member: 'somebody', session: (await world.session('owner')).id },
    ...{ token: await stage.token(), ...invitation },
  }
  return { ...stage, params }
}
