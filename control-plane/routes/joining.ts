/** How agents join a site, are certified, and leave. */
import { join, joinText, leave, putCertificate } from '../../shared/api/agents.ts'
import { isSigned } from '../../shared/identity/keys.ts'
import { sha256 } from '../../shared/octets.ts'
import { Agents } from '../store/agents.ts'
import { Scope } from '../store/scope.ts'
import { Sites } from '../store/sites.ts'
import { certify } from './certify.ts'
import { revoke } from './fleet.ts'
import { Refusal } from './problem.ts'
import { type App, addressOf, serve } from './serve.ts'

export function joiningRoutes(app: App): void {
  serve(app, join, async ({ env, body: { token, name, signing, sealing, signature }, request }) => {
    const [, workspace, site] = /^drayjoin_([a-z0-9-]{1,63})_([a-z0-9-]{1,63})_[\w-]{43}$/.exec(token) ?? []
    if (!workspace || !site) {
      throw new Refusal(
        400,
        'usage',
        'this is no join token: those are drayjoin_WORKSPACE_SITE_ and 43 characters more',
        'An operator makes one with: dray site token SITE',
      )
    }
    const actor = { kind: 'agent', id: name, name, address: addressOf(request) } as const
    const scope = new Scope(env.DB, workspace, actor)
    const sites = new Sites(scope)
    const now = Date.now()
    const digest = await sha256(token)
    const known = await sites.tokenOf(digest)
    if (known?.site !== site) throw badToken('is unknown, or was taken back')
    if (known.expiresAt <= now) throw badToken('has expired')
    if (known.used >= known.uses)
      throw badToken(known.uses === 1 ? 'was used before' : `was used ${known.uses} times`)
    if (!(await isSigned(joinText(digest, name, signing, sealing), signature, signing))) {
      throw new Refusal(403, 'bad-credentials', 'the keys were not proved: their signature does not fit')
    }
    if (!(await sites.useToken(known.id, now))) throw badToken('was used up meanwhile')
    if (!(await new Agents(scope).enrol({ id: name, site, signing, sealing }, now))) {
      await sites.giveBack(known.id)
      throw new Refusal(
        409,
        'busy',
        `there is an agent ${name} already`,
        'Give this one another name: --name NAME',
      )
    }
    const { rootKey = null } = (await sites.find(site)) ?? {}
    return { workspace, site, agent: name, rootKey }
  })

  serve(app, putCertificate, async ({ scope, caller, body: { rootKey, certificate } }) => {
    const row = await new Agents(scope).find('id' in caller ? caller.id : '')
    if (!row) throw new Refusal(404, 'not-found', 'there is no such agent')
    await certify(scope, row, certificate, rootKey)
    return undefined
  })

  serve(app, leave, async ({ env, scope, caller }) => {
    if ('id' in caller) await revoke(env, scope, caller.id)
    return undefined
  })
}

const badToken = (what: string) =>
  new Refusal(
    403,
    'bad-credentials',
    `the join token ${what}`,
    'Ask an operator for another one: dray site token SITE',
  )
