/** How agents join a site, are certified, and leave. */
import { join, joinText, leave, putCertificate } from '../../shared/api/agents.ts'
import { type Certificate, isCertified } from '../../shared/identity/certificate.ts'
import { isSigned } from '../../shared/identity/keys.ts'
import { sha256 } from '../../shared/octets.ts'
import { type AgentRow, Agents } from '../store/agents.ts'
import { Scope } from '../store/scope.ts'
import { Sites } from '../store/sites.ts'
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

/** By the root key that the site has; where it has none, and `offered` is one, that becomes its own. */
export async function certify(
  scope: Scope,
  row: AgentRow,
  certificate: Certificate,
  offered: string | null,
): Promise<void> {
  const site = await new Sites(scope).find(row.site)
  const root = site?.rootKey ?? offered
  if (offered !== null && root !== offered) {
    throw new Refusal(
      409,
      'changed',
      `the site ${row.site} has another root key`,
      'Certify with its own: site-root.json, which its first agent made.',
    )
  }
  if (!root) {
    throw new Refusal(
      409,
      'not-found',
      `the site ${row.site} has no root key yet`,
      'Its first agent makes it when it joins.',
    )
  }
  const { id: agent, site: name, signing, sealing } = row
  if (
    !(await isCertified(
      { workspace: scope.workspace, site: name, agent, signing, sealing },
      certificate,
      root,
    ))
  ) {
    throw new Refusal(
      400,
      'bad-credentials',
      `this certificate is not of the site’s root for the keys of ${agent}`,
    )
  }
  await new Agents(scope).certify(row, certificate, site?.rootKey ? null : root)
}
