/**
 * Keys as they are kept and sent: 32 bytes in base64url, both halves. WebCrypto alone, so that it is the same code in node, in workerd and in
 * browsers.
 */
import * as z from 'zod'
import { fromBase64url, sha256, toBase64url } from '../octets.ts'

/** Of Ed25519 (signing) or X25519 (sealing), public or private. */
export const keySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a key is 32 bytes in base64url')

export const keyPairSchema = z.strictObject({ public: keySchema, private: keySchema })
export type KeyPair = z.infer<typeof keyPairSchema>

/** What everybody may know of an agent: with the one it signs, to the other secrets are sealed. */
export const publicKeysSchema = z.strictObject({ signing: keySchema, sealing: keySchema })
export type PublicKeys = z.infer<typeof publicKeysSchema>

/** A new pair. */
export async function makeKeys(kind: 'Ed25519' | 'X25519'): Promise<KeyPair> {
  const pair = (await crypto.subtle.generateKey(
    kind,
    true,
    kind === 'Ed25519' ? ['sign', 'verify'] : ['deriveBits'],
  )) as { privateKey: CryptoKey }
  const { x, d } = (await crypto.subtle.exportKey('jwk', pair.privateKey)) as { x?: string; d?: string }
  return keyPairSchema.parse({ public: x, private: d })
}

/** Of a text, by an Ed25519 pair: 64 bytes in base64url. */
export async function sign(text: string, pair: KeyPair): Promise<string> {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: pair.public, d: pair.private }
  const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['sign'])
  return toBase64url(new Uint8Array(await crypto.subtle.sign('Ed25519', key, bytesOf(text))))
}

export async function isSigned(text: string, signature: string, publicKey: string): Promise<boolean> {
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey }
    const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify'])
    return await crypto.subtle.verify('Ed25519', key, fromBase64url(signature), bytesOf(text))
  } catch {
    // No point of the curve, or no signature at all.
    return false
  }
}

/** As `isSigned`, for many texts by one key. */
export async function verifierOf(
  publicKey: string,
): Promise<(text: string, signature: string) => Promise<boolean>> {
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: publicKey }
    const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify'])
    return async (text, signature) => {
      try {
        return await crypto.subtle.verify('Ed25519', key, fromBase64url(signature), bytesOf(text))
      } catch {
        return false
      }
    }
  } catch {
    return async () => false
  }
}

/**
 * What people compare, aloud or by eye: the first 16 bytes of the SHA-256 of a key, or of several one after the other, as eight groups of
 * four hexadecimal digits. Nobody makes other keys with the same ones.
 */
export async function fingerprint(...publicKeys: string[]): Promise<string> {
  const bytes = publicKeys.flatMap((key) => [...fromBase64url(key)])
  const hex = await sha256(Uint8Array.from(bytes))
  return hex.slice(0, 32).replace(/(.{4})(?=.)/g, '$1-')
}

const bytesOf = (text: string) => new TextEncoder().encode(text)
