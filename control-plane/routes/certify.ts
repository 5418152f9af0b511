/** What the first agent of a site, or an operator, says of another: that its keys are its own. */
import { type Certificate, isCertified } from '../../shared/identity/certificate.ts'
import { type AgentRow, Agents } from '../store/agents.ts'
import type { Scope } from '../store/scope.ts'
import { Sites } from '../store/sites.ts'
import { Refusal } from './problem.ts'

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
