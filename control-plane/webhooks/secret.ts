/**
 * What of a webhook is secret, as it is stored: encrypted (AES-256-GCM) under a key that is derived from the deployment's DRAY_AUTH_SECRET
 * (HKDF-SHA-256), and bound to its workspace and its id, so that no row can take another's place.
 */
import * as z from 'zod'

const secretSchema = z.strictObject({
  /** Where it is: Slack's addresses are secrets themselves. */
  url: z.string(),
  /** Signs every delivery. */
  secret: z.string(),
  /** Signs them too, until then (ms since the epoch). */
  former: z.strictObject({ secret: z.string(), until: z.number().int() }).nullable(),
})
export type WebhookSecret = z.infer<typeof secretSchema>

/** For how long a secret that was rotated away still signs, in ms. */
export const formerMs = 24 * 60 * 60 * 1_000

/** As the Standard Webhooks libraries take it: 24 random bytes. */
export function newSecret(): string {
  return `whsec_${toBase64(crypto.getRandomValues(new Uint8Array(24)))}`
}

export class WebhookVault {
  readonly #key: Promise<CryptoKey>
  readonly #workspace: string

  /** `master`: DRAY_AUTH_SECRET. */
  constructor(master: string, workspace: string) {
    this.#key = derive(master)
    this.#workspace = workspace
  }

  async seal(webhook: string, secret: WebhookSecret): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const text = new TextEncoder().encode(JSON.stringify(secret))
    const sealed = await crypto.subtle.encrypt(this.#algorithm(iv, webhook), await this.#key, text)
    return `1.${toBase64(iv)}.${toBase64(new Uint8Array(sealed))}`
  }

  /** Null where it was not sealed with this secret, for this webhook. */
  async open(webhook: string, sealed: string): Promise<WebhookSecret | null> {
    const [version, iv, text] = sealed.split('.')
    if (version !== '1' || !iv || !text) return null
    try {
      const algorithm = this.#algorithm(fromBase64(iv), webhook)
      const opened = await crypto.subtle.decrypt(algorithm, await this.#key, fromBase64(text))
      return secretSchema.parse(JSON.parse(new TextDecoder().decode(opened)))
    } catch {
      return null
    }
  }

  #algorithm(iv: Uint8Array<ArrayBuffer>, webhook: string) {
    return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(`${this.#workspace}/${webhook}`) }
  }
}

async function derive(master: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(master)
  const given = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey'])
  const info = new TextEncoder().encode('dray webhook 1')
  const from = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info }
  return crypto.subtle.deriveKey(from, given, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
const fromBase64 = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
