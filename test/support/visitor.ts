/** Somebody at a browser, without the browser: keeps cookies, says where its requests come from, and has an address of its own. */
import { createOTP } from '@better-auth/utils/otp'

let visitors = 0

export class Visitor {
  readonly cookies = new Map<string, string>()
  readonly #origin: string
  /** The limit on attempts is by address. */
  readonly #address = `10.1.${++visitors >> 8}.${visitors & 255}`

  constructor(url: URL) {
    this.#origin = url.origin
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; json: T; headers: Headers }> {
    const response = await fetch(new URL(path, this.#origin), {
      method,
      redirect: 'manual',
      headers: {
        origin: this.#origin,
        'cf-connecting-ip': this.#address,
        ...(this.cookies.size > 0 ? { cookie: this.cookie } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    this.#keep(response.headers.getSetCookie())
    const text = await response.text()
    const isJson = /json\b/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      json: (isJson && text ? JSON.parse(text) : null) as T,
      headers: response.headers,
    }
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  #keep(given: string[]): void {
    for (const line of given) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0\b/i.test(line) || value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
  }
}

/** The six digits that an authenticator shows now. */
export const codeOf = (totpUri: string): Promise<string> => {
  const secret = new URL(totpUri).searchParams.get('secret') ?? ''
  return createOTP(decode32(secret)).totp()
}

/** RFC 4648, without padding. */
function decode32(text: string): string {
  const bits = [...text]
    .map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
    .join('')
  const bytes = bits.match(/[01]{8}/g) ?? []
  return String.fromCharCode(...bytes.map((byte) => Number.parseInt(byte, 2)))
}

export const password = 'correct horse battery'

/** Enrols a second factor for somebody who has a password; what their authenticator holds, and the backup codes. */
export async function enrol(visitor: Visitor): Promise<{ totpUri: string; backupCodes: string[] }> {
  const enabled = await visitor.call<{ totpURI: string; backupCodes: string[] }>(
    'POST',
    '/api/auth/two-factor/enable',
    { password },
  )
  if (enabled.status !== 200) throw new Error(`enrolment: ${enabled.status} ${JSON.stringify(enabled.json)}`)
  const { totpURI: totpUri, backupCodes } = enabled.json
  const verified = await visitor.call('POST', '/api/auth/two-factor/verify-totp', {
    code: await codeOf(totpUri),
  })
  if (verified.status !== 200)
    throw new Error(`verification: ${verified.status} ${JSON.stringify(verified.json)}`)
  return { totpUri, backupCodes }
}

/** The first owner of a plane whose DRAY_SETUP_TOKEN is `token`. */
export async function firstOwner(
  url: URL,
  token: string,
): Promise<Visitor & { totpUri: string; backupCodes: string[] }> {
  const owner = new Visitor(url)
  const made = await owner.call('POST', '/api/setup', {
    token,
    name: 'Olga',
    email: 'olga@example.com',
    password,
  })
  if (made.status !== 201) throw new Error(`set-up: ${made.status} ${JSON.stringify(made.json)}`)
  return Object.assign(owner, await enrol(owner))
}

/** Somebody who was invited with a role, and came. */
export async function invited(owner: Visitor, url: URL, name: string, role: string, workspace = 'local') {
  const email = `${name.toLowerCase()}@example.com`
  const { json } = await owner.call<{ link: string }>('POST', `/api/workspaces/${workspace}/invitations`, {
    email,
    role,
  })
  const [id, secret] = new URL(json.link).hash.slice(1).split('.')
  const guest = new Visitor(url)
  await guest.call('POST', `/api/invitations/${id}/enter`, { secret, name, password })
  const { totpUri } = await enrol(guest)
  const accepted = await guest.call('POST', `/api/invitations/${id}/accept`, { secret })
  if (accepted.status !== 200)
    throw new Error(`invitation: ${accepted.status} ${JSON.stringify(accepted.json)}`)
  return Object.assign(guest, { totpUri })
}
