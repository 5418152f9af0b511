/**
 * What a site says of its agents' keys: signed by the site's root key, which is made and kept at the site. The control plane stores
 * certificates and cannot make any, so it cannot pass off a key of its own as an agent's.
 */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { isSigned, type KeyPair, keySchema, sign } from './keys.ts'

const scheme = 'dray-site-certificate-1'

export const certifiedSchema = z.strictObject({
  workspace: idSchema,
  site: idSchema,
  agent: idSchema,
  /** The agent's Ed25519 and X25519 public keys. */
  signing: keySchema,
  sealing: keySchema,
  /** ms since the epoch. */
  issuedAt: z.number().int().positive(),
})
export type Certified = z.infer<typeof certifiedSchema>

export const certificateSchema = certifiedSchema.extend({
  /** By the root key of the site, over the rest. */
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
})
export type Certificate = z.infer<typeof certificateSchema>

/** None of these can hold a line's end, so that no two certificates have one text. */
const textOf = ({ workspace, site, agent, signing, sealing, issuedAt }: Certified): string =>
  [scheme, workspace, site, agent, signing, sealing, issuedAt].join('\n')

export async function certify(certified: Certified, root: KeyPair): Promise<Certificate> {
  const parsed = certifiedSchema.parse(certified)
  return { ...parsed, signature: await sign(textOf(parsed), root) }
}

/** Whether the site with this root key says so of just these. */
export async function isCertified(
  expected: Omit<Certified, 'issuedAt'>,
  certificate: Certificate | null,
  root: string | null,
): Promise<boolean> {
  if (!certificate || !root) return false
  const { workspace, site, agent, signing, sealing } = expected
  const text = textOf({ workspace, site, agent, signing, sealing, issuedAt: certificate.issuedAt })
  return isSigned(text, certificate.signature, root)
}
