/**
 * The steps of signing in, which are the library's own (better-auth). Only those are reachable that are named here; what it could do besides,
 * with sessions, tokens and people, goes by our own routes.
 */

import { authOf } from '../access/person.ts'
import { Refusal } from './problem.ts'
import { takeTurn } from './rate-limit.ts'
import type { App } from './serve.ts'
import { addressOf, textOf } from './serve.ts'

/** Below /api/auth. */
const signInPaths = [
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
      const oidc = path === '/sign-in/social' || path === '/callback/oidc'
      if (oidc && !context.env.DRAY_OIDC_ISSUER) {
        throw new Refusal(404, 'not-found', 'this control plane has no single sign-on')
      }
      const auth = await authOf(context.env, request, oidc)
      if (method === 'GET') return auth.handler(request)
      const body = await textOf(request, maxBody)
      return auth.handler(new Request(request.url, { method, headers: request.headers, body }))
    })
  }
}
