/**
 * Seals a secret so that one agent can open it, and nobody else: HPKE (RFC 9180) in base mode, with X25519, HKDF-SHA256 and AES-256-GCM, by
 * WebCrypto, so that it is the same code in a browser, in node and in workerd.
 *
 * What a secret is for (its workspace, site, connection and endpoint) goes into the key that it is encrypted with: a ciphertext that
 * somebody moved to another place does not open there. Base mode proves nothing of who sealed it; whoever knows an agent's public key can.
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { type Binding, envelopeSchema, sealVersion } from './envelope.ts'
import { fromBase64url, toBase64url } from './octets.ts'

/** Bytes of UTF-8; whoever needs more has no secret. */
export const longestSecret = 8_192

/** Says no more than that it does not open: not whether the key, the binding or the bytes were wrong, which AES-GCM does not tell apart. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

const suite = () =>
  new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

/** JSON keeps apart what joined names would not. */
const info = ({ workspace, site, connection, endpoint }: Binding): Uint8Array =>
  new TextEncoder().encode(`${sealVersion}\n${JSON.stringify([workspace, site, connection, endpoint])}`)

/** `recipient`: an agent's X25519 public key, 32 bytes in base64url. */
export async function seal(secret: string, recipient: string, binding: Binding): Promise<string> {
  const text = new TextEncoder().encode(secret)
  if (text.length > longestSecret) throw new SealError(`a secret has ${longestSecret} bytes at most`)
  const kem = suite()
  const recipientPublicKey = await kem.kem.importKey('raw', buffer(keyBytes(recipient)), true)
  const { enc, ct } = await kem.seal({ recipientPublicKey, info: info(binding) }, text, aad)
  return `${sealVersion}.${toBase64url(new Uint8Array(enc))}.${toBase64url(new Uint8Array(ct))}`
}

/** `privateKey`: the X25519 private key, 32 bytes in base64url. Throws `SealError`. */
export async function open(envelope: string, privateKey: string, binding: Binding): Promise<string> {
  if (!envelopeSchema.safeParse(envelope).success)
    throw new SealError('this is no sealed secret (dray-seal-1)')
  const [, enc, ciphertext] = envelope.split('.') as [string, string, string]
  const kem = suite()
  const recipientKey = await kem.kem.importKey('raw', buffer(keyBytes(privateKey)), false)
  let text: ArrayBuffer
  try {
    const sealed = { recipientKey, enc: fromBase64url(enc), info: info(binding) }
    text = await kem.open(sealed, fromBase64url(ciphertext), aad)
  } catch {
    throw new SealError('the secret was sealed to another key or for another place, or was changed since')
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text)
}

/** All that is bound is in `info`. */
const aad = new Uint8Array(0)

function keyBytes(text: string): Uint8Array {
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return fromBase64url(text)
  throw new SealError('an X25519 key is 32 bytes in base64url')
}

/** The library takes a key as an ArrayBuffer. */
const buffer = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer as ArrayBuffer
