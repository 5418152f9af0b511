/**
 * Who an agent is. Made when it joins a site, and never changed; whoever has a copy of it is this agent. Two processes of one identity are
 * noticed, and the newer one stays.
 */
import * as z from 'zod'
import { idSchema } from '../../shared/id.ts'
import { certificateSchema } from '../../shared/identity/certificate.ts'
import { keyPairSchema, keySchema } from '../../shared/identity/keys.ts'

export const identitySchema = z.strictObject({
  /** Of the control plane that it joined; null: the embedded one. */
  url: z.url().nullable(),
  workspace: idSchema,
  site: idSchema,
  agent: idSchema,
  /** Ed25519: proves who asks. */
  signing: keyPairSchema,
  /** X25519: opens what is sealed to this agent. */
  sealing: keyPairSchema,
  /** The root key of its site, as it was when it joined: no other one is ever believed. Null: the site had none, and this agent made none. */
  rootKey: keySchema.nullable(),
  certificate: certificateSchema.nullable(),
})
export type Identity = z.infer<typeof identitySchema>
