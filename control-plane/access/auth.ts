/**
 * better-auth, set up: how people prove who they are, and API tokens. Imported only where a person or a token calls (`await import`): evaluating it costs
 * a good part of a start. Workspaces, members and invitations are rows like any others (routes/), so that they are scoped and audited like them.
 * Why so: docs/decisions/0020-people.md.
 */
import { apiKey } from '@better-auth/api-key'
import { passkey } from '@better-auth/passkey'
import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { APIError, createAuthMiddleware, getSessionFromCtx } from 'better-auth/api'
import { betterAuth } from 'better-auth/minimal'
import { bearer } from 'better-auth/plugins/bearer'
import { deviceAuthorization } from 'better-auth/plugins/device-authorization'
import { genericOAuth } from 'better-auth/plugins/generic-oauth'
import { twoFactor } from 'better-auth/plugins/two-factor'
import { drizzle } from 'drizzle-orm/d1'
import { type Env, linkOrigin, publicOrigin } from '../env.ts'
import * as tables from '../store/tables/people.ts'
import { entry } from './entry.ts'
import { mayEnterByOidc } from './gate.ts'
import { People } from './people.ts'
import { signed } from './signed.ts'
import { isWeak, tokenPrefix } from './weak.ts'

const day = 24 * 60 * 60
/** Of a session without use, in seconds. */
const sessionLife = 14 * day
/** The command line's name in the device flow. */
const deviceClient = 'dray'

const schema = {
  user: tables.people,
  session: tables.sessions,
  account: tables.accounts,
  verification: tables.verifications,
  passkey: tables.passkeys,
  twoFactor: tables.secondFactors,
  deviceCode: tables.deviceCodes,
  apikey: tables.tokens,
  rateLimit: tables.attempts,
}

export type Auth = ReturnType<typeof authFor>

/** Made for each request: what one request began to wait for must not be another's to wait for. `oidc`: ask its provider what it is, which is a request. */
export function authFor(env: Env, secret: string, request: Request, oidc = false) {
  const origin = publicOrigin(env, request)
  return betterAuth({
    appName: 'Dray',
    baseURL: origin,
    basePath: '/api/auth',
    secret,
    trustedOrigins: [origin],
    telemetry: { enabled: false },
    logger: {
      level: 'error',
      // It has a line for each refusal, too; those are answers. What says no more than a sentence is about the provider, or about a caller.
      log: (_, message, ...more) =>
        (more.length > 0 || /provider|discovery/i.test(message)) && complain(message, ...more),
    },
    onAPIError: { onError: (error) => complain(error) },
    database: drizzleAdapter(drizzle(env.DB), { provider: 'sqlite', schema, transaction: false }),
    advanced: {
      cookiePrefix: 'dray',
      useSecureCookies: origin.startsWith('https:'),
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax' },
      ipAddress: { ipAddressHeaders: ['cf-connecting-ip'] },
      database: { validateSchema: false },
    },
    // In the database, since two requests need not meet in one process.
    rateLimit: { enabled: true, storage: 'database', window: 60, max: 60, customRules },
    session: {
      expiresIn: sessionLife,
      updateAge: day,
      freshAge: 10 * 60,
      additionalFields: {
        method: { type: 'string', required: true, input: false, defaultValue: 'password' },
      },
    },
    verification: { storeIdentifier: 'hashed' },
    account: { accountLinking: { enabled: false } },
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 12, maxPasswordLength: 256 },
    databaseHooks: {
      user: {
        create: {
          before: async (user, context) => {
            if (context?.path === '/enter') return
            if (context?.path?.startsWith('/callback/') && (await mayEnterByOidc(env, user))) return
            throw new APIError('FORBIDDEN', { code: 'NOT_INVITED', message: 'nobody invited this address' })
          },
        },
      },
      session: {
        create: {
          before: async (session, context) => {
            const method = methodOf(context?.path)
            if (method === 'password') await refusePasswordBesidePasskey(session.userId, context)
            return { data: { ...session, method } }
          },
          // When somebody signs in is often enough.
          after: () => new People(env.DB).forgetExpired(Date.now()),
        },
      },
      account: {
        create: {
          // Who somebody is, is all that we want of a provider.
          before: async (account) => ({
            data: { ...account, accessToken: null, refreshToken: null, idToken: null } as never,
          }),
        },
        update: {
          before: async (account) => ({
            data: { ...account, accessToken: null, refreshToken: null, idToken: null } as never,
          }),
        },
      },
    },
    hooks: {
      before: createAuthMiddleware(async (context) => {
        if (forStrong.includes(context.path)) await refuseWeak(context)
        // A browser that is trusted would make the second factor a first one.
        if ((context.body as { trustDevice?: unknown } | undefined)?.trustDevice) {
          throw new APIError('BAD_REQUEST', {
            code: 'USAGE',
            message: 'no browser is trusted without a second factor',
          })
        }
      }),
      after: createAuthMiddleware(async (context) => {
        // Whoever came by a link has now proved more than that.
        if (context.path === '/passkey/verify-registration' && !(context.context.returned instanceof Error)) {
          const token = context.context.session?.session.token
          if (token) await context.context.internalAdapter.updateSession(token, { method: 'passkey' })
        }
        // A token as it is in the database opens nothing: the command line gets it signed, as browsers do.
        if (context.path === '/device/token') {
          const answer = context.context.returned as { access_token?: string }
          if (answer?.access_token) {
            return context.json({ ...answer, access_token: await signed(answer.access_token, secret) })
          }
        }
      }),
    },
    plugins: [
      entry(),
      passkey({
        rpName: 'Dray',
        rpID: new URL(origin).hostname,
        origin,
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        authentication: { afterVerification: refuseUnverified },
      }),
      twoFactor({ issuer: 'Dray' }),
      bearer({ requireSignature: true }),
      deviceAuthorization({
        verificationUri: `${linkOrigin(env, request)}/device`,
        expiresIn: '10m',
        interval: '2s',
        validateClient: (id) => id === deviceClient,
      }),
      apiKey({
        defaultPrefix: tokenPrefix,
        startingCharactersConfig: { charactersLength: tokenPrefix.length + 4 },
        rateLimit: { enabled: false },
        keyExpiration: { minExpiresIn: 0, maxExpiresIn: 366 },
        schema: { apikey: { fields: { referenceId: 'workspaceId' } } },
      }),
      ...(oidc ? [oidcOf(env)] : []),
    ],
  })
}

/** A refusal is an answer; the log is for what went wrong here. */
function complain(...what: unknown[]): void {
  const isRefusal = (one: unknown) => Number((one as { statusCode?: unknown } | null)?.statusCode) < 500
  if (!what.some(isRefusal)) console.error(...what)
}

/** What a session that began by a password alone, or by a link, does not open. */
const forStrong: readonly string[] = [
  '/device/approve',
  '/device/deny',
  '/two-factor/disable',
  '/two-factor/generate-backup-codes',
  '/passkey/delete-passkey',
  '/change-password',
]

/** Each in a minute, from one address; what is not named may be asked 60 times. */
const customRules = {
  '/sign-in/*': { window: 60, max: 10 },
  '/two-factor/*': { window: 60, max: 10 },
  '/passkey/*': { window: 60, max: 30 },
  '/device/code': { window: 60, max: 10 },
  '/device/token': { window: 60, max: 60 },
  '/get-session': false,
} as const

function oidcOf(env: Env) {
  const issuer = (env.DRAY_OIDC_ISSUER ?? '').replace(/\/$/, '')
  return genericOAuth({
    config: [
      {
        providerId: 'oidc',
        name: env.DRAY_OIDC_NAME ?? 'Single sign-on',
        discoveryUrl: `${issuer}/.well-known/openid-configuration`,
        requireIdTokenVerification: true,
        clientId: env.DRAY_OIDC_CLIENT_ID ?? '',
        clientSecret: env.DRAY_OIDC_CLIENT_SECRET,
        scopes: ['openid', 'email', 'profile'],
      },
    ],
  })
}

/** By the step at which a session begins. */
function methodOf(path: string | undefined): tables.Method {
  if (path === '/enter') return 'entry'
  if (path === '/passkey/verify-authentication') return 'passkey'
  // Whoever changes the password was let do so (`forStrong`).
  if (path?.startsWith('/two-factor/') || path === '/change-password') return 'second-factor'
  if (path?.startsWith('/callback/')) return 'oidc'
  if (path === '/device/token') return 'device'
  return 'password'
}

interface Finding {
  context: {
    adapter: {
      findOne(query: { model: string; where: { field: string; value: string }[] }): Promise<unknown>
    }
  }
}

/** Who has a passkey and no second factor signs in by that: a password alone would open the way to a factor of somebody else's. */
async function refusePasswordBesidePasskey(userId: string, context: unknown): Promise<void> {
  const { adapter } = (context as Finding).context
  const find = (model: string) => adapter.findOne({ model, where: [{ field: 'userId', value: userId }] })
  const [key, factor] = await Promise.all([find('passkey'), find('twoFactor')])
  if (!key || (factor as { verified?: boolean } | null)?.verified) return
  throw new APIError('FORBIDDEN', {
    code: 'PASSKEY_REQUIRED',
    message: 'you have a passkey and no second factor: sign in with the passkey',
  })
}

type HookContext = Parameters<Parameters<typeof createAuthMiddleware>[0]>[0]

async function refuseWeak(context: HookContext): Promise<void> {
  const found = await getSessionFromCtx(context)
  if (found && !isWeak(String(found.session.method))) return
  throw new APIError('FORBIDDEN', {
    code: 'SECOND_FACTOR_REQUIRED',
    message: 'sign in with a second factor or a passkey first',
  })
}

/** A passkey stands for two factors: having it, and a finger, a face or a PIN. */
async function refuseUnverified({
  verification,
}: {
  verification: { authenticationInfo: { userVerified: boolean } }
}): Promise<void> {
  if (verification.authenticationInfo.userVerified) return
  throw new APIError('UNAUTHORIZED', { code: 'NOT_VERIFIED', message: 'the passkey did not verify you' })
}
