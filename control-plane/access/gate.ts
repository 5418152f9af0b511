/** Who may become a person by the OIDC provider's word: whoever is invited, or has an address of a domain that is let in. */
import type { Env } from '../env.ts'
import { People } from './people.ts'

/** `DRAY_OIDC_DOMAINS`: names separated by commas or blanks. */
export async function mayEnterByOidc(
  env: Env,
  { email, emailVerified }: { email: string; emailVerified: boolean },
): Promise<boolean> {
  if (!emailVerified) return false
  const address = email.toLowerCase()
  const domain = address.slice(address.lastIndexOf('@') + 1)
  const domains = (env.DRAY_OIDC_DOMAINS ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  return domains.includes(domain) || new People(env.DB).isInvited(address, Date.now())
}
