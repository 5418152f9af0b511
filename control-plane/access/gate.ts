/** Who may become a person by the OIDC provider's word: whoever is invited, or has an address of a domain that is let in. */
import { and, eq, gt } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/d1'
import type { Env } from '../env.ts'
import { invitations } from '../store/tables/people.ts'

/** `DRAY_OIDC_DOMAINS`: names separated by commas or blanks. */
export async function mayEnterByOidc(
  env: Env,
  { email, emailVerified }: { email: string; emailVerified: boolean },
): Promise<boolean> {
  if (!emailVerified) return false
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase()
  const domains = (env.DRAY_OIDC_DOMAINS ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  if (domains.includes(domain)) return true
  const invited = await drizzle(env.DB)
    .select({ id: invitations.id })
    .from(invitations)
    .where(and(eq(invitations.email, email.toLowerCase()), gt(invitations.expiresAt, Date.now())))
    .limit(1)
  return invited.length > 0
}
