/** What a sealed secret looks like, for those who pass it on and cannot open it. Those who can: seal.ts. */
import * as z from 'zod'

/** What a secret is for. Opening needs the very same. */
export interface Binding {
  readonly workspace: string
  readonly site: string
  readonly connection: string
  /** As the connection has it; null: AWS itself. */
  readonly endpoint: string | null
}

/** Part of what is authenticated; another one is another way to seal. */
export const sealVersion = 'dray-seal-1'

/** `dray-seal-1.<encapsulated key>.<ciphertext>`, both in base64url. */
export const envelopeSchema = z
  .string()
  .max(16_384)
  .regex(/^dray-seal-1\.[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{22,}$/, 'a sealed secret (dray-seal-1)')
