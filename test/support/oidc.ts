/** An OpenID Connect provider, for tests: discovery, authorization code with PKCE and nonce, and ID tokens that it signs. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface Oidc {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Who is signed in at the provider's, and says yes to everything. */
  user: { sub: string; email: string; email_verified: boolean; name: string }
  /** What it does wrong. */
  fault: 'none' | 'other-key' | 'other-nonce' | 'other-audience'
  stop(): Promise<void>
}

export async function startOidc(): Promise<Oidc> {
  const [key, otherKey] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
  const jwk = { ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  const codes = new Map<string, { challenge: string; nonce: string; redirect: string }>()
  const server = createServer((request, response) => {
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    answer(request, json, (location) => response.writeHead(302, { location }).end()).catch((error: Error) =>
      json(400, { error: 'invalid_request', error_description: error.message }),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const oidc: Oidc = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId: 'dray-client',
    clientSecret: 'client-secret-of-this-test',
    user: { sub: 'u1', email: 'ida@corp.example', email_verified: true, name: 'Ida' },
    fault: 'none',
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function answer(
    request: IncomingMessage,
    json: (status: number, body: unknown) => void,
    redirect: (location: string) => void,
  ): Promise<void> {
    const url = new URL(request.url ?? '/', oidc.issuer)
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /.well-known/openid-configuration':
        return json(200, {
          issuer: oidc.issuer,
          authorization_endpoint: `${oidc.issuer}/authorize`,
          token_endpoint: `${oidc.issuer}/token`,
          jwks_uri: `${oidc.issuer}/jwks`,
          id_token_signing_alg_values_supported: ['RS256'],
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
        })
      case 'GET /jwks':
        return json(200, { keys: [jwk] })
      case 'GET /authorize': {
        const asked = (name: string) => url.searchParams.get(name) ?? ''
        if (asked('client_id') !== oidc.clientId) throw new Error('unknown client')
        if (asked('code_challenge_method') !== 'S256') throw new Error('no PKCE')
        const code = randomBytes(16).toString('hex')
        const back = asked('redirect_uri')
        codes.set(code, { challenge: asked('code_challenge'), nonce: asked('nonce'), redirect: back })
        return redirect(`${back}?${new URLSearchParams({ code, state: asked('state') })}`)
      }
      case 'POST /token': {
        const given = new URLSearchParams(await textOf(request))
        const known = codes.get(given.get('code') ?? '')
        codes.delete(given.get('code') ?? '')
        const challenge = createHash('sha256')
          .update(given.get('code_verifier') ?? '')
          .digest('base64url')
        if (!known || known.challenge !== challenge) throw new Error('wrong code or verifier')
        if (known.redirect !== given.get('redirect_uri')) throw new Error('another redirect_uri')
        if (!isClient(request, given)) return json(401, { error: 'invalid_client' })
        return json(200, {
          access_token: `access-${randomBytes(16).toString('hex')}`,
          token_type: 'Bearer',
          expires_in: 300,
          id_token: await idToken(known.nonce),
        })
      }
      default:
        return json(404, { error: 'not_found' })
    }
  }

  function isClient(request: IncomingMessage, given: URLSearchParams): boolean {
    const basic = Buffer.from(
      request.headers.authorization?.replace(/^Basic /, '') ?? '',
      'base64',
    ).toString()
    const pair = basic || `${given.get('client_id')}:${given.get('client_secret')}`
    return pair === `${oidc.clientId}:${oidc.clientSecret}`
  }

  const idToken = (nonce: string) =>
    new SignJWT({ ...oidc.user, nonce: oidc.fault === 'other-nonce' ? 'another' : nonce })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(oidc.issuer)
      .setAudience(oidc.fault === 'other-audience' ? 'another-client' : oidc.clientId)
      .setSubject(oidc.user.sub)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(oidc.fault === 'other-key' ? otherKey.privateKey : key.privateKey)

  return oidc
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
