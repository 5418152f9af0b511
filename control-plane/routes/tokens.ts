/** API tokens: made and verified by better-auth, listed and revoked as rows of their workspace. */
import { and, desc, eq, isNotNull, lt, or } from 'drizzle-orm'
import { createToken, listTokens, revokeToken, type TokenView } from '../../shared/api/tokens.ts'
import { type Caller, scopesIn } from '../access/caller.ts'
import { authOf } from '../access/person.ts'
import { tokens } from '../store/schema.ts'
import type { Scope } from '../store/scope.ts'
import { pageOf, placeIn } from './page.ts'
import { Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

const daySeconds = 24 * 60 * 60

export function tokenRoutes(app: App): void {
  serve(app, listTokens, async ({ scope, query }) => {
    const before = placeIn(query.cursor)
    const { createdAt, id, makerName } = tokens
    const at = before && new Date(before.at)
    const older = before && at && or(lt(createdAt, at), and(eq(createdAt, at), lt(id, before.id)))
    const rows = await scope.rows(tokens, {
      where: and(isNotNull(makerName), older ?? undefined),
      orderBy: [desc(createdAt), desc(id)],
      limit: query.limit,
    })
    const page = rows.map(viewOf)
    return { tokens: page, cursor: pageOf(page, query.limit) }
  })

  serve(app, createToken, async ({ env, request, scope, body, caller }) => {
    const rights = scopesIn(caller, scope.workspace) ?? []
    const beyond = body.scopes.filter((wanted) => !rights.includes(wanted))
    if (beyond.length > 0) {
      throw new Refusal(403, 'access-denied', `you cannot give what you do not have: ${beyond.join(', ')}`)
    }
    const lasts = Math.min(
      body.days === null ? Infinity : body.days * daySeconds,
      await leftOf(scope, caller),
    )
    const made = await (await authOf(env, request)).api.createApiKey({
      body: {
        // The library's word for whose it is; here it is the workspace's.
        userId: scope.workspace,
        name: body.name,
        permissions: { dray: [...new Set(body.scopes)] },
        ...(lasts === Infinity ? {} : { expiresIn: lasts }),
      },
    })
    const which = eq(tokens.id, made.id)
    const row = (await scope.row(tokens, which))!
    const maker = makerOf(caller)
    const token = viewOf({ ...row, makerName: scope.actor.name })
    await scope.write(scope.update(tokens, { makerId: maker, makerName: scope.actor.name }, which), {
      action: 'token.create',
      subject: `token/${token.id}`,
      after: token,
    })
    return { token, secret: made.key }
  })

  serve(app, revokeToken, async ({ scope, params }) => {
    const before = await find(scope, params.token)
    await scope.write(scope.remove(tokens, eq(tokens.id, before.id)), {
      action: 'token.revoke',
      subject: `token/${before.id}`,
      before: viewOf(before),
    })
    return undefined
  })
}

async function find(scope: Scope, id: string) {
  const found = await scope.row(tokens, and(eq(tokens.id, id), isNotNull(tokens.makerName)))
  if (found) return found
  throw new Refusal(404, 'not-found', `there is no token ${id}`, 'See those that there are: dray token list.')
}

/** Seconds that the token has which calls; without end where it has none, or something else calls. */
async function leftOf(scope: Scope, caller: Caller): Promise<number> {
  if (caller.kind !== 'token') return Infinity
  const ends = (await scope.row(tokens, eq(tokens.id, caller.id)))?.expiresAt
  return ends ? Math.max(1, Math.floor((ends.getTime() - Date.now()) / 1000)) : Infinity
}

/** Whose rights bound it: a token's tokens are bounded by whoever made the first. */
function makerOf(caller: Caller): string | null {
  if (caller.kind === 'person') return caller.id
  return caller.kind === 'token' ? caller.maker : null
}

type Row = typeof tokens.$inferSelect

function viewOf(row: Row): TokenView {
  const { dray = [] } = JSON.parse(row.permissions ?? '{}') as { dray?: TokenView['scopes'] }
  return {
    id: row.id,
    name: row.name ?? '',
    start: row.start ?? '',
    scopes: dray,
    maker: row.makerName ?? '',
    createdAt: row.createdAt.getTime(),
    expiresAt: row.expiresAt?.getTime() ?? null,
    usedAt: row.lastRequest?.getTime() ?? null,
  }
}
