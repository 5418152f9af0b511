/**
 * Every route, with who may call it at least, and what is answered to those; what all others hear follows from that (access.test.ts). A row
 * is written by hand: that it says what the contract does is what the test holds.
 */
import type { Role, Scope } from '../../shared/api/scopes.ts'
import type { Caller, Is } from './callers.ts'
import type { Stage } from './stage.ts'

/** One request of a row. */
export interface Asked {
  /** In place of the stage's own. */
  readonly params?: Readonly<Record<string, string>>
  /** With its question mark. */
  readonly query?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Whoever has this role in the workspace, or one above it; and tokens that have the scope. */
export interface Member {
  readonly role: Role
  readonly scope: Scope
}

export interface Row {
  readonly route: string
  readonly least: 'anybody' | 'caller' | 'person' | 'agent' | Member
  /** To whoever may. */
  readonly answers: number
  /** What is in the answer's text, where the status alone could mean something else. */
  readonly says?: RegExp
  /** For each who may anew, where asking twice would be something else. */
  readonly ask?: (stage: Stage, caller: Caller) => Asked | Promise<Asked>
  /** Those for whom it is otherwise. */
  readonly except?: (is: Is) => number | undefined
  /** What the owner of another workspace hears who asks there for what is here; 404 where it is absent. */
  readonly crossing?: number
  /** Answered by the library that knows people (better-auth), in its own form. */
  readonly bySomebodyElse?: true
}

const viewer = (scope: Scope): Member => ({ role: 'viewer', scope })
const operator = (scope: Scope): Member => ({ role: 'operator', scope })
const admin = (scope: Scope): Member => ({ role: 'admin', scope })
const owner = (scope: Scope): Member => ({ role: 'owner', scope })

const row = (
  route: string,
  least: Row['least'],
  answers: number,
  rest: Omit<Row, 'route' | 'least' | 'answers'> = {},
): Row => ({ route, least, answers, ...rest })

const json = (body: unknown) => ({ ask: () => ({ body }) })
/** A role is given and taken by those who have all of its rights; a token of one scope has not. */
const notByTokens = { except: (is: Is) => (is.kind === 'token' && is.scopes?.length === 1 ? 403 : undefined) }
/** A step of signing in is for browsers: whoever calls otherwise is a stranger there, to the library that answers. */
const step = (
  route: string,
  stranger: number,
  weak: number,
  person: number,
  rest: Partial<Row> = {},
): Row => ({
  ...{ route: route.replace(' ', ' /api/auth'), least: 'anybody', answers: person, bySomebodyElse: true },
  except: (is) => {
    if (is.kind !== 'person') return stranger
    if (is.foreign) return reads(route) ? person : 403
    if (is.weak) return weak
    return is.program && !reads(route) ? stranger : person
  },
  ask: () => ({ body: reads(route) ? undefined : {} }),
  ...rest,
})
const reads = (route: string) => route.startsWith('GET ')

/** Where it is, an agent of another workspace finds nothing. */
const ofThisWorkspace = (answer: number) => ({
  except: (is: Is) => (is.kind === 'agent' && is.agent.workspace !== 'local' ? answer : undefined),
})

const socket = { ask: () => ({ headers: { upgrade: 'websocket' } }) }

const at = '/api/workspaces/:workspace'

/** Asked of a migration that nobody has begun. */
const life = (deed: string, answers: number, says?: RegExp, body?: object): Row =>
  row(`POST ${at}/migrations/:migration/life/${deed}`, operator('migrations:run'), answers, {
    ask: async (stage) => ({ params: { migration: await stage.migration() }, ...(body && { body }) }),
    ...(says && { says }),
  })

export const rows: readonly Row[] = [
  row('GET /api/health', 'anybody', 200),
  row('GET /api/openapi.json', 'anybody', 200),
  row('GET /api/certificate-key', 'anybody', 200),

  row('GET /api/entry', 'anybody', 200),
  row('POST /api/setup', 'anybody', 403, {
    says: /set-up link is good for nothing/,
    ask: () => ({
      headers: { origin: 'http://plane' },
      body: {
        token: 'a-wrong-set-up-token',
        name: 'Eve',
        email: 'eve@example.com',
        password: 'correct horse battery',
      },
    }),
  }),
  row('POST /api/invitations/:invitation/look', 'anybody', 200, { ask: (stage) => stage.invitation() }),
  row('POST /api/invitations/:invitation/enter', 'anybody', 201, {
    ask: async (stage) => {
      const { params, body } = await stage.invitation()
      return { params, body: { ...body, name: 'Gast' }, headers: { origin: 'http://plane' } }
    },
  }),
  row('POST /api/invitations/:invitation/accept', 'person', 200, {
    ask: (stage, { is }) => stage.invitation(is.kind === 'person' ? `${is.id}@example.com` : undefined),
  }),

  // By what their empty bodies are told: 400 means that it would be done.
  step('POST /sign-in/email', 400, 400, 400),
  // No provider is set up here.
  step('POST /sign-in/social', 404, 404, 404, { except: () => undefined }),
  step('GET /callback/oidc', 404, 404, 404),
  step('POST /sign-out', 200, 200, 200, {
    except: (is) => (is.kind === 'person' && is.foreign ? 403 : undefined),
    ask: (stage, { is }) => stage.signedIn(is),
  }),
  step('GET /get-session', 200, 200, 200),
  step('POST /change-password', 403, 403, 400),
  step('POST /two-factor/enable', 400, 400, 400),
  step('POST /two-factor/disable', 403, 403, 400),
  step('POST /two-factor/generate-backup-codes', 403, 403, 400),
  step('POST /two-factor/verify-totp', 400, 400, 400),
  step('POST /two-factor/verify-backup-code', 400, 400, 400),
  step('GET /passkey/generate-register-options', 401, 200, 200),
  step('POST /passkey/verify-registration', 400, 400, 400),
  step('GET /passkey/generate-authenticate-options', 200, 200, 200),
  step('POST /passkey/verify-authentication', 400, 400, 400),
  step('GET /passkey/list-user-passkeys', 401, 200, 200),
  step('POST /passkey/delete-passkey', 403, 403, 400),
  step('POST /device/code', 400, 400, 400),
  step('POST /device/token', 400, 400, 400),
  step('GET /device', 400, 400, 400),
  step('POST /device/approve', 403, 403, 400),
  step('POST /device/deny', 403, 403, 400),

  row('GET /api/me', 'caller', 200),
  row('GET /api/me/sessions', 'person', 200),
  row('DELETE /api/me/sessions/:session', 'person', 204, {
    ask: async (stage, { is }) => ({ params: { session: await stage.session(is) } }),
  }),
  row('DELETE /api/me/workspaces/:workspace', 'person', 204, {
    ask: async (stage, { is }) => ({ params: { workspace: await stage.membership(is) } }),
  }),
  row('GET /api/workspaces', 'caller', 200),
  row('POST /api/workspaces', 'person', 201, {
    ask: (stage) => ({ body: { id: stage.fresh('workspace'), name: 'A new one' } }),
  }),
  row(`GET ${at}`, viewer('workspace:read'), 200),
  row(`PATCH ${at}`, owner('workspace:write'), 200, json({ name: 'Local' })),

  row(`GET ${at}/export`, owner('workspace:write'), 200),
  // The one that everybody asks for is the first one of the deployment, which stays.
  row(`DELETE ${at}`, owner('workspace:delete'), 409, { ...json({ name: 'Local' }), says: /stays/ }),

  row(`GET ${at}/members`, viewer('members:read'), 200),
  row(`PATCH ${at}/members/:member`, admin('members:write'), 200, {
    ...notByTokens,
    ask: async (stage) => ({ params: { member: await stage.member() }, body: { role: 'operator' } }),
  }),
  row(`DELETE ${at}/members/:member`, admin('members:write'), 204, {
    ...notByTokens,
    ask: async (stage) => ({ params: { member: await stage.member() } }),
  }),
  row(`GET ${at}/invitations`, viewer('members:read'), 200),
  row(`POST ${at}/invitations`, admin('members:write'), 201, {
    ...notByTokens,
    ...json({ email: 'gast@example.com', role: 'viewer' }),
  }),
  row(`DELETE ${at}/invitations/:invitation`, admin('members:write'), 204, {
    ask: async (stage) => ({ params: (await stage.invitation()).params }),
  }),
  row(`GET ${at}/tokens`, admin('tokens:write'), 200),
  row(
    `POST ${at}/tokens`,
    admin('tokens:write'),
    201,
    json({ name: 'its', scopes: ['tokens:write'], days: 1 }),
  ),
  row(`DELETE ${at}/tokens/:token`, admin('tokens:write'), 204, {
    ask: async (stage) => ({ params: { token: await stage.token() } }),
  }),

  row(`GET ${at}/audit`, admin('audit:read'), 200),
  row(`GET ${at}/audit/export`, admin('audit:read'), 200),

  row(`GET ${at}/sites`, viewer('sites:read'), 200),
  row(`POST ${at}/sites`, admin('sites:write'), 201, {
    ask: (stage) => ({ body: { id: stage.fresh('site') } }),
  }),
  row(`GET ${at}/sites/:site`, viewer('sites:read'), 200),
  row(`PATCH ${at}/sites/:site`, admin('sites:write'), 200, json({ region: 'north' })),
  row(`DELETE ${at}/sites/:site`, admin('sites:write'), 204, {
    ask: async (stage) => ({ params: { site: await stage.site() } }),
  }),
  row(`GET ${at}/sites/:site/tokens`, admin('sites:write'), 200),
  row(`POST ${at}/sites/:site/tokens`, admin('sites:write'), 201, json({})),
  row(`DELETE ${at}/sites/:site/tokens/:token`, admin('sites:write'), 204, {
    ask: async (stage) => ({ params: { token: await stage.joinToken() } }),
  }),
  row(`GET ${at}/agents`, viewer('sites:read'), 200),
  row(`GET ${at}/agents/:agent`, viewer('sites:read'), 200),
  // None is connected here, and none can make what it asks for: the answer is the route's own.
  row(`POST ${at}/agents/:agent/drain`, admin('sites:write'), 409, { says: /is not connected/ }),
  row(`POST ${at}/agents/:agent/revoke`, admin('sites:write'), 200, {
    ask: async (stage) => ({ params: { agent: (await stage.agent()).id } }),
  }),
  row(`PUT ${at}/agents/:agent/certificate`, admin('sites:write'), 200, {
    ask: async (stage) => ({ body: (await stage.certificate(stage.agentHere)).certificate }),
  }),

  row(`GET ${at}/connections`, viewer('connections:read'), 200),
  row(`POST ${at}/connections`, admin('connections:write'), 201, {
    ask: (stage) => ({ body: { id: stage.fresh('connection'), credential: { kind: 'anonymous' } } }),
  }),
  row(`GET ${at}/connections/:connection`, viewer('connections:read'), 200),
  row(`PATCH ${at}/connections/:connection`, admin('connections:write'), 200, json({ region: 'north' })),
  row(`DELETE ${at}/connections/:connection`, admin('connections:write'), 204, {
    ask: async (stage) => ({ params: { connection: await stage.connection() } }),
  }),
  row(`PUT ${at}/connections/:connection/sealed`, admin('connections:write'), 200, {
    ask: async (stage) => ({
      params: { connection: await stage.connection() },
      body: { version: 1, copies: [{ agent: stage.agentHere.id, envelope: stage.envelope }] },
    }),
  }),
  row(`GET ${at}/connections/:connection/status`, viewer('connections:read'), 200),
  row(`POST ${at}/connections/:connection/test`, operator('connections:test'), 409, {
    ...json({ bucket: 'b' }),
    says: /no agent.* is connected/,
  }),
  row(`POST ${at}/browse`, operator('connections:test'), 409, {
    ask: (stage) => ({ body: { location: stage.definition.source } }),
    says: /no agent.* is connected/,
  }),
  row(`POST ${at}/scan`, operator('connections:test'), 409, {
    ask: (stage) => ({ body: { location: stage.definition.source, filter: stage.definition.filter } }),
    says: /no agent.* is connected/,
  }),
  // That nobody reaches it is a finding.
  row(`POST ${at}/preflight`, operator('connections:test'), 200, {
    ask: (stage) => ({ body: stage.definition }),
    says: /o agent.* is connected/,
  }),
  row('GET /agent/connections/:connection', 'agent', 200, ofThisWorkspace(404)),

  row(`GET ${at}/limits`, viewer('limits:read'), 200),
  row(`GET ${at}/limits/:endpoint`, viewer('limits:read'), 200),
  row(`PUT ${at}/limits/:endpoint`, admin('limits:write'), 201, {
    ask: (stage) => ({ params: { endpoint: stage.fresh('file:site') }, body: { requests: 5 } }),
    crossing: 201,
  }),
  row(`DELETE ${at}/limits/:endpoint`, admin('limits:write'), 204, {
    ask: async (stage) => ({ params: { endpoint: await stage.limit() } }),
  }),

  row(`GET ${at}/overview`, viewer('migrations:read'), 200),
  row(`GET ${at}/migrations`, viewer('migrations:read'), 200),
  row(`PUT ${at}/migrations/:migration`, operator('migrations:write'), 201, {
    ask: (stage) => ({ params: { migration: stage.fresh('migration') }, body: stage.definition }),
    crossing: 201,
  }),
  row(`GET ${at}/migrations/:migration`, viewer('migrations:read'), 200),
  row(`PATCH ${at}/migrations/:migration`, operator('migrations:write'), 200, json({ priority: 'high' })),
  row(`DELETE ${at}/migrations/:migration`, operator('migrations:write'), 204, {
    ask: async (stage) => ({ params: { migration: await stage.migration() } }),
  }),
  row(`GET ${at}/migrations/:migration/packets`, viewer('migrations:read'), 200),
  row(`GET ${at}/migrations/:migration/strip`, viewer('migrations:read'), 200),
  row(`POST ${at}/migrations/:migration/watch`, viewer('migrations:read'), 201),
  row(`POST ${at}/migrations/:migration/downloads`, viewer('migrations:read'), 201),
  row(`GET ${at}/migrations/:migration/watch`, viewer('migrations:read'), 101, {
    ask: () => ({ headers: { upgrade: 'websocket', 'sec-websocket-protocol': 'dray-watch-1' } }),
  }),
  row(`POST ${at}/migrations/:migration/changes`, operator('migrations:run'), 202, json({ keys: ['k'] })),
  row(`POST ${at}/migrations/:migration/passes`, operator('migrations:run'), 201, {
    ask: async (stage) => ({ params: { migration: await stage.migration() }, body: {} }),
  }),
  row(`GET ${at}/migrations/:migration/passes`, viewer('migrations:read'), 200),
  row(`GET ${at}/migrations/:migration/comparison`, viewer('migrations:read'), 200, {
    ask: () => ({ query: '?from=1&to=1' }),
  }),
  row(`GET ${at}/migrations/:migration/passes/:pass`, viewer('migrations:read'), 200),
  row(`POST ${at}/migrations/:migration/passes/:pass/cancel`, operator('migrations:run'), 200, {
    ask: async (stage) => ({ params: { migration: await stage.running() } }),
  }),
  row(`POST ${at}/migrations/:migration/passes/:pass/pause`, operator('migrations:run'), 200, {
    ask: async (stage) => ({ params: { migration: await stage.running() }, body: {} }),
  }),
  row(`POST ${at}/migrations/:migration/passes/:pass/resume`, operator('migrations:run'), 200, {
    ask: async (stage) => ({ params: { migration: await stage.running() } }),
  }),
  row(`GET ${at}/migrations/:migration/life`, viewer('migrations:read'), 200),
  ...(['start', 'resume'] as const).map((deed) => life(deed, 200)),
  life('cancel', 409, /nothing to cancel/),
  life('pause', 409, /nothing goes on/, {}),
  life('verify', 409, /nothing to verify/, {}),
  life('cut-over', 409, /nothing follows/),
  life('abandon', 409, /no checklist/),
  life('switch', 409, /nothing was made ready/),
  life('roll-back', 409, /nothing to roll back/),
  life('close', 409, /neither cut over nor rolled back/),
  row(`POST ${at}/migrations/:migration/life/steps/:step`, operator('migrations:run'), 409, {
    ask: async (stage) => ({
      params: { migration: await stage.migration(), step: 'freeze' },
      body: { do: 'declare' },
    }),
    says: /no checklist/,
  }),
  row(`POST ${at}/migrations/:migration/passes/:pass/deletes`, operator('migrations:run'), 409, {
    ask: async (stage) => ({ params: { migration: await stage.running() }, body: { do: 'leave' } }),
  }),
  row(`GET ${at}/migrations/:migration/passes/:pass/failures`, viewer('migrations:read'), 200),
  row(`GET ${at}/migrations/:migration/passes/:pass/failures/download`, viewer('migrations:read'), 200),
  row(`POST ${at}/migrations/:migration/passes/:pass/failures/retry`, operator('migrations:run'), 409, {
    ask: async (stage) => ({ params: { migration: await stage.running() }, body: {} }),
    says: /is running/,
  }),
  row(`POST ${at}/migrations/:migration/passes/:pass/failures/waive`, operator('migrations:run'), 200, {
    ask: () => ({ body: { reason: 'it may stay so' } }),
  }),
  row(`POST ${at}/migrations/:migration/passes/:pass/failures/reopen`, operator('migrations:run'), 200, {
    ask: () => ({ body: {} }),
  }),
  row(`GET ${at}/migrations/:migration/passes/:pass/causes`, viewer('migrations:read'), 200),
  row(`GET ${at}/migrations/:migration/passes/:pass/report/:format`, viewer('migrations:read'), 200),
  row(`GET ${at}/migrations/:migration/certificates`, viewer('migrations:read'), 200),
  row(`POST ${at}/migrations/:migration/passes/:pass/certificate`, operator('migrations:run'), 409, {
    says: /is a copy/,
  }),
  row(`GET ${at}/migrations/:migration/passes/:pass/certificate`, viewer('migrations:read'), 404, {
    says: /is not certified/,
  }),
  row(`GET ${at}/schedules`, viewer('migrations:read'), 200),
  row(`GET ${at}/schedules/:schedule`, viewer('migrations:read'), 200),
  row(`PUT ${at}/schedules/:schedule`, operator('migrations:write'), 201, {
    ask: (stage) => ({ params: { schedule: stage.fresh('schedule') }, body: stage.schedule }),
    // It is about a migration that is not there.
    crossing: 400,
  }),
  row(`DELETE ${at}/schedules/:schedule`, operator('migrations:write'), 204, {
    ask: async (stage) => ({ params: { schedule: await stage.scheduled() } }),
  }),

  row(`GET ${at}/webhooks`, viewer('webhooks:read'), 200),
  row(`POST ${at}/webhooks`, admin('webhooks:write'), 201, {
    ask: (stage) => ({ body: { id: stage.fresh('webhook'), url: 'https://example.com', disabled: true } }),
  }),
  row(`GET ${at}/webhooks/:webhook`, viewer('webhooks:read'), 200),
  row(`PATCH ${at}/webhooks/:webhook`, admin('webhooks:write'), 200, json({ events: ['pass.finished'] })),
  row(`DELETE ${at}/webhooks/:webhook`, admin('webhooks:write'), 204, {
    ask: async (stage) => ({ params: { webhook: await stage.webhook() } }),
  }),
  row(`POST ${at}/webhooks/:webhook/secret`, admin('webhooks:write'), 200),
  row(`POST ${at}/webhooks/:webhook/test`, admin('webhooks:write'), 409, { says: /is disabled/ }),
  row(`GET ${at}/webhooks/:webhook/deliveries`, viewer('webhooks:read'), 200),
  row(`POST ${at}/webhooks/:webhook/deliveries/:delivery/redeliver`, admin('webhooks:write'), 404, {
    says: /has no delivery 1/,
  }),

  row('GET /agent/fleet', 'agent', 101, socket),
  row('GET /agent/migrations/:migration', 'agent', 101, { ...socket, ...ofThisWorkspace(404) }),
  row('PUT /agent/migrations/:migration/passes/:pass/reports/:packet/:generation', 'agent', 409, {
    ...ofThisWorkspace(404),
    ask: () => ({ body: 'a report of what is leased to nobody', headers: { 'content-length': '36' } }),
    says: /is not leased to you/,
  }),
  row('POST /agent/join', 'anybody', 403, {
    says: /join token is unknown/,
    ask: (stage) => ({ body: stage.wrongJoin }),
  }),
  row('PUT /agent/certificate', 'agent', 204, {
    ask: async (stage, { is }) => ({
      body: await stage.certificate(is.kind === 'agent' ? is.agent : stage.agentHere),
    }),
  }),
  // The last one: who leaves is an agent no more.
  row('POST /agent/leave', 'agent', 204),
]
