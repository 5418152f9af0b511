/**
 * How somebody gets in for the first time. The secret of a link is all that they bring; what they get is a session that opens nothing but the
 * enrolment of a passkey or a second factor.
 */
import { and, eq } from 'drizzle-orm'
import {
  acceptInvitation,
  enterByInvitation,
  lookAtInvitation,
  readEntry,
  setUp,
} from '../../shared/api/entry.ts'
import { sha256 } from '../../shared/octets.ts'
import { equal, refuseForeign } from '../access/caller.ts'
import { People } from '../access/people.ts'
import { authOf } from '../access/person.ts'
import { type Env, localWorkspace } from '../env.ts'
import { invitations, members } from '../store/schema.ts'
import { Scope } from '../store/scope.ts'
import { Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

export function entryRoutes(app: App): void {
  serve(app, readEntry, async ({ env }) => ({
    setup:
      Boolean(env.DRAY_SETUP_TOKEN && env.DRAY_AUTH_SECRET) &&
      !(await new People(env.DB).ownerOf(localWorkspace)),
    oidc: env.DRAY_OIDC_ISSUER ? env.DRAY_OIDC_NAME || 'Single sign-on' : null,
  }))

  serve(app, setUp, async ({ env, request, body, scope }) => {
    refuseForeign(env, request)
    const people = new People(env.DB)
    const used = () =>
      new Refusal(
        403,
        'access-denied',
        'this set-up link is good for nothing: it is wrong, or somebody has used it',
        'The first owner signs in, and invites the others.',
      )
    if (!(await equal(body.token, env.DRAY_SETUP_TOKEN)) || (await people.ownerOf(localWorkspace)))
      throw used()
    // Whoever began before and did not finish is forgotten: the link makes one owner, of two who use it at once too.
    await people.forgetUnfinished({})
    const { id, answer } = await enter(env, request, body).catch(overtaken)
    await people.forgetUnfinished({ except: id })
    if (await people.ownerOf(localWorkspace)) {
      await people.forgetUnfinished({})
      throw used()
    }
    const within = new Scope(env.DB, localWorkspace, { ...scope.actor, kind: 'person', id, name: body.name })
    const membership = within.insert(members, { personId: id, role: 'owner', createdAt: Date.now() })
    await within
      .write(membership, {
        action: 'member.set-up',
        subject: `member/${id}`,
        after: { role: 'owner', email: body.email },
      })
      .catch(overtaken)
    return answer
  })

  serve(app, lookAtInvitation, async ({ env, params, body }) => {
    const { invitation, workspaceName } = await open(env, params.invitation, body.secret)
    const { email, role, inviterName: inviter, workspaceId: id } = invitation
    const known = await new People(env.DB).knows(email)
    return { workspace: { id, name: workspaceName }, email, role, inviter, known }
  })

  serve(app, enterByInvitation, async ({ env, request, params, body }) => {
    refuseForeign(env, request)
    const { invitation } = await open(env, params.invitation, body.secret)
    const people = new People(env.DB)
    if (await people.knows(invitation.email)) {
      throw new Refusal(
        409,
        'busy',
        `${invitation.email} has been here before`,
        'Sign in, then open the link again.',
      )
    }
    await people.forgetUnfinished({ email: invitation.email })
    return (await enter(env, request, { ...body, email: invitation.email })).answer
  })

  serve(app, acceptInvitation, async ({ env, params, body, caller, scope }) => {
    if (caller.kind !== 'person') throw new Refusal(403, 'access-denied', 'invitations are for people')
    const { invitation } = await open(env, params.invitation, body.secret)
    const { id, email, role, workspaceId } = invitation
    if (email !== caller.email.toLowerCase()) {
      throw new Refusal(
        403,
        'access-denied',
        `the invitation is for ${email}, and you are ${caller.email}`,
        'Sign in as the other, or ask for another invitation.',
      )
    }
    const within = new Scope(env.DB, workspaceId, scope.actor)
    const { secretHash } = invitation
    const joined = new People(env.DB).acceptance(id, secretHash, caller.id, Date.now())
    const used = within.remove(
      invitations,
      and(eq(invitations.id, id), eq(invitations.secretHash, secretHash)),
    )
    const entry = {
      action: 'invitation.accept',
      subject: `invitation/${id}`,
      after: { member: caller.id, role },
    }
    const [, gone] = await within.write([joined, used], entry)
    if (gone === 0) throw notOpen()
    return { workspace: workspaceId, role }
  })
}

/** Of two who use the set-up link at once, one may find that the other has made them be forgotten. */
function overtaken(error: unknown): never {
  const { message, cause } = error as Error
  if (!/FOREIGN KEY/.test(`${message} ${cause}`)) throw error
  throw new Refusal(409, 'busy', 'somebody else uses this link at this moment', 'Open it again.')
}

const notOpen = () =>
  new Refusal(
    404,
    'not-found',
    'this invitation is good for nothing: it was accepted, withdrawn or has expired',
    'Ask whoever sent it for another.',
  )

async function open(env: Env, id: string, secret: string) {
  const found = await new People(env.DB).invitation(id, Date.now())
  if (found && (await equal(await sha256(secret), found.invitation.secretHash))) return found
  throw notOpen()
}

/** A person, and the answer whose cookie is their session. */
async function enter(
  env: Env,
  request: Request,
  { name, email, password }: { name: string; email: string; password: string | null },
): Promise<{ id: string; answer: Response }> {
  const { headers, response } = await (await authOf(env, request)).api.enter({
    body: { name, email, password },
    headers: request.headers,
    returnHeaders: true,
  })
  const answer = Response.json(response, { status: 201, headers: { 'cache-control': 'no-store' } })
  for (const cookie of headers.getSetCookie()) answer.headers.append('set-cookie', cookie)
  return { id: response.id, answer }
}
