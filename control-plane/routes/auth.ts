/**
 * The steps of signing in, which are the library's own (better-auth). Only those are reachable that are named here; what it could do besides,
 * with sessions, tokens and people, goes by our own routes.
 */

import { authOf } from '../access/person.ts'
import { Refusal } from './problem.ts'
import { takeTurn } from './rate-limit.ts'
import type { App } from './serve.ts'
import { addressOf } from './serve.ts'

/** Below /api/auth. */
export const signInPaths = [
  'POST /sign-in/email',
  'POST /sign-in/social',
  'GET /callback/oidc',
  'POST /sign-out',
  'GET /get-session',
  'POST /change-password',
  'POST /two-factor/enable',
  'POST /two-factor/disable',
  'POST /two-factor/generate-backup-codes',
  'POST /two-factor/verify-totp',
  'POST /two-factor/verify-backup-code',
  'GET /passkey/generate-register-options',
  'POST /passkey/verify-registration',
  'GET /passkey/generate-authenticate-options',
  'POST /passkey/verify-authentication',
  'GET /passkey/list-user-passkeys',
  'POST /passkey/delete-passkey',
  'POST /device/code',
  'POST /device/token',
  'GET /device',
  'POST /device/approve',
  'POST /device/deny',
] as const

/** Their bodies are small. */
const maxBody = 64 * 1024

export function authRoutes(app: App): void {
  for (const step of signInPaths) {
    const [method, path] = step.split(' ') as ['GET' | 'POST', string]
    app.on(method, `/api/auth${path}`, async (context) => {
      const request = context.req.raw
      const address = addressOf(request)
      if (address !== null) takeTurn(address, 'address')
      if (Number(request.headers.get('content-length') ?? (method === 'GET' ? 0 : Number.NaN)) > maxBody) {
        throw new Refusal(413, 'too-large', `the body has more than ${maxBody} bytes`)
      }
      const oidc = path === '/sign-in/social' || path === '/callback/oidc'
      if (oidc && !context.env.DRAY_OIDC_ISSUER) {
        throw new Refusal(404, 'not-found', 'this control plane has no single sign-on')
      }
      return (await authOf(context.env, request, oidc)).handler(request)
    })
  }
}
