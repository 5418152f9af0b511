/** Sites, and the tokens by which agents join them. */
import type * as z from 'zod'
import {
  createJoinToken,
  createSite,
  deleteJoinToken,
  deleteSite,
  editSite,
  listJoinTokens,
  listSites,
  readSite,
} from '../../shared/api/sites.ts'
import { randomText, sha256 } from '../../shared/octets.ts'
import type { Scope } from '../store/scope.ts'
import { type SiteRow, Sites, siteView, tokenView } from '../store/sites.ts'
import { Refusal } from './problem.ts'
import { type App, changedSince, serve } from './serve.ts'

/** Says what it is, and where: a token that turns up in a log can be traced. */
const tokenOf = (workspace: string, site: string) => `drayjoin_${workspace}_${site}_${randomText(32)}`

export function siteRoutes(app: App): void {
  serve(app, listSites, async ({ scope, query: { cursor, limit } }) => {
    const sites = new Sites(scope)
    const [rows, agents] = await Promise.all([sites.list(cursor ?? null, limit), sites.agents()])
    return {
      sites: rows.map((row) => siteView(row, agents)),
      cursor: rows.length === limit ? rows.at(-1)!.id : null,
    }
  })

  serve(app, createSite, async ({ scope, body }) => {
    if (!(await new Sites(scope).create(body, Date.now()))) {
      throw new Refusal(409, 'busy', `there is a site ${body.id} already`, 'Give it another name.')
    }
    return view(scope, await find(scope, body.id))
  })

  serve(app, readSite, async ({ scope, params }) => view(scope, await find(scope, params.site)))

  serve(app, editSite, async ({ scope, params, body, ifMatch }) => {
    const row = await find(scope, params.site)
    const stale = ifMatch !== null && ifMatch !== row.revision
    if (stale || !(await new Sites(scope).edit(row, given(body)))) throw changedSince(`the site ${row.id}`)
    return view(scope, await find(scope, row.id))
  })

  serve(app, deleteSite, async ({ scope, params, ifMatch }) => {
    const row = await find(scope, params.site)
    if (ifMatch !== null && ifMatch !== row.revision) throw changedSince(`the site ${row.id}`)
    if (await new Sites(scope).remove(row)) return undefined
    throw new Refusal(409, 'busy', `the site ${row.id} has agents`, 'Revoke them first.')
  })

  serve(app, listJoinTokens, async ({ scope, params, query: { cursor, limit } }) => {
    const { id } = await find(scope, params.site)
    const rows = await new Sites(scope).tokens(id, cursor ?? null, limit, Date.now())
    return { tokens: rows.map(tokenView), cursor: rows.length === limit ? rows.at(-1)!.id : null }
  })

  serve(app, createJoinToken, async ({ scope, params, body: { uses, expiresIn } }) => {
    const { id: site } = await find(scope, params.site)
    const now = Date.now()
    const token = tokenOf(scope.workspace, site)
    const told = {
      // In the order in which they were made.
      id: `${now.toString(36).padStart(9, '0')}-${crypto.randomUUID().slice(0, 8)}`,
      ...{ site, uses, used: 0, createdAt: now, createdBy: scope.actor.name },
      expiresAt: now + expiresIn * 1_000,
    }
    await new Sites(scope).addToken({ ...told, digest: await sha256(token) }, now)
    return { ...told, token }
  })

  serve(app, deleteJoinToken, async ({ scope, params: { site, token } }) => {
    if (await new Sites(scope).removeToken(site, token)) return undefined
    throw new Refusal(404, 'not-found', `the site ${site} has no join token ${token}`)
  })
}

type Edit = z.output<typeof editSite.body>

/** Without what is left out. */
const given = (edit: Edit) =>
  Object.fromEntries(Object.entries(edit).filter(([, value]) => value !== undefined)) as Partial<
    Pick<SiteRow, 'region' | 'labels' | 'rootKey'>
  >

async function find(scope: Scope, id: string): Promise<SiteRow> {
  const row = await new Sites(scope).find(id)
  if (row) return row
  throw new Refusal(404, 'not-found', `there is no site ${id}`, 'See which there are: dray site list.')
}

const view = async (scope: Scope, row: SiteRow) => siteView(row, await new Sites(scope).agents(row.id))
