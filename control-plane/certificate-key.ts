/**
 * The key that a control plane signs certificates with: Ed25519, derived from the deployment's DRAY_AUTH_SECRET (HKDF-SHA-256, with a label of
 * its own), so that it is the same for as long as that is, and nothing has to be kept. Whoever changes the secret changes the key: what was signed
 * before still holds for whoever has the former public key, which each certificate names.
 */
import { type KeyPair, keyPairSchema } from '../shared/identity/keys.ts'
import type { Env } from './env.ts'

const label = 'dray certificate key 1'
/** RFC 8410: what stands before the 32 bytes of a private key. */
const pkcs8 = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32])

/** As it was last derived: a binding does not change. */
let derived: { secret: string; pair: Promise<KeyPair> } | null = null

/** Null where this control plane has no secret. */
export async function certificateKey({ DRAY_AUTH_SECRET: secret = '' }: Env): Promise<KeyPair | null> {
  if (secret.length < 32) return null
  if (derived?.secret !== secret) derived = { secret, pair: derive(secret) }
  return derived.pair
}

async function derive(secret: string): Promise<KeyPair> {
  const encoder = new TextEncoder()
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, ['deriveBits'])
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoder.encode(label) }
  const seed = new Uint8Array(await crypto.subtle.deriveBits(how, key, 256))
  const whole = new Uint8Array([...pkcs8, ...seed])
  const made = await crypto.subtle.importKey('pkcs8', whole, 'Ed25519', true, ['sign'])
  const { x, d } = (await crypto.subtle.exportKey('jwk', made)) as { x?: string; d?: string }
  return keyPairSchema.parse({ public: x, private: d })
}
