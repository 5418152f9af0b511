/** Webhooks: made, changed, tried out; and what was delivered. */
import { and, asc, eq, gt } from 'drizzle-orm'
import type { Body } from '../../shared/api/route.ts'
import {
  createWebhook,
  deleteWebhook,
  editWebhook,
  listDeliveries,
  listWebhooks,
  readWebhook,
  redeliver,
  rotateWebhookSecret,
  shownAddress,
  testWebhook,
  type WebhookView,
} from '../../shared/api/webhooks.ts'
import { eventOf } from '../core/events.ts'
import { refusedAddress } from '../core/webhook-address.ts'
import { allowsInsecure, type Env } from '../env.ts'
import type { Scope } from '../store/scope.ts'
import { webhooks } from '../store/tables/webhooks.ts'
import { formerMs, newSecret, type WebhookSecret, WebhookVault } from '../webhooks/secret.ts'
import { Refusal } from './problem.ts'
import { type App, changedSince, serve } from './serve.ts'

type Row = typeof webhooks.$inferSelect

/** In a workspace. */
const most = 50

export function webhookRoutes(app: App): void {
  serve(app, listWebhooks, async ({ scope, query: { cursor, limit } }) => {
    const where = cursor === undefined ? undefined : gt(webhooks.id, cursor)
    const rows = await scope.rows(webhooks, { where, orderBy: [asc(webhooks.id)], limit })
    return { webhooks: rows.map(viewOf), cursor: rows.length === limit ? rows.at(-1)!.id : null }
  })

  serve(app, createWebhook, async ({ env, scope, body }) => {
    const { id, url, events, format, disabled } = body
    refuseAddress(env, url)
    if ((await scope.count(webhooks)) >= most) {
      throw new Refusal(409, 'busy', `there are ${most} webhooks already`, 'Delete one that is not needed.')
    }
    const vault = vaultOf(env, scope)
    const secret = { url, secret: newSecret(), former: null }
    const row = {
      ...{ id, address: shownAddress(url, format), sealed: await vault.seal(id, secret) },
      ...{ events, format, disabled, createdAt: Date.now(), revision: 1 },
    }
    const view = viewOf(row)
    const [made] = await scope.write(scope.insert(webhooks, row, { is: 'nothing' }), {
      action: 'webhook.create',
      subject: `webhook/${id}`,
      after: view,
    })
    if (!made) throw new Refusal(409, 'busy', `there is a webhook ${id} already`, 'Give it another id.')
    return { ...view, secret: secret.secret }
  })

  serve(app, readWebhook, async ({ scope, params }) => viewOf(await find(scope, params.webhook)))

  serve(app, editWebhook, async ({ env, scope, params, body, ifMatch }) => {
    const row = await find(scope, params.webhook)
    const secret = await open(env, scope, row)
    const url = body.url ?? secret.url
    if (body.url !== undefined) refuseAddress(env, url)
    const address = shownAddress(url, body.format ?? row.format)
    const sealed = await vaultOf(env, scope).seal(row.id, { ...secret, url })
    return save(scope, row, { ...changes(body), address, sealed }, ifMatch, 'webhook.edit')
  })

  serve(app, deleteWebhook, async ({ env, scope, params, ifMatch }) => {
    const row = await find(scope, params.webhook)
    const where = and(eq(webhooks.id, row.id), revisionIs(row, ifMatch))
    const entry = { action: 'webhook.delete', subject: `webhook/${row.id}`, before: viewOf(row) }
    const [gone] = await scope.write(scope.remove(webhooks, where), entry)
    if (!gone) throw changedSince(`the webhook ${row.id}`)
    await env.COURIER.getByName(scope.workspace).forget(row.id)
    return undefined
  })

  serve(app, rotateWebhookSecret, async ({ env, scope, params, ifMatch }) => {
    const row = await find(scope, params.webhook)
    const { url, secret } = await open(env, scope, row)
    const fresh = { url, secret: newSecret(), former: { secret, until: Date.now() + formerMs } }
    const sealed = await vaultOf(env, scope).seal(row.id, fresh)
    const view = await save(scope, row, { sealed }, ifMatch, 'webhook.rotate-secret')
    return { ...view, secret: fresh.secret }
  })

  serve(app, testWebhook, async ({ env, scope, params }) => {
    const { id, disabled } = await find(scope, params.webhook)
    if (disabled) {
      throw new Refusal(409, 'busy', `the webhook ${id} is disabled`, 'Enable it, and try again.')
    }
    const now = Date.now()
    const about = [id, now, crypto.randomUUID()]
    const event = eventOf(scope.workspace, 'webhook.test', about, now, { webhook: id })
    return env.COURIER.getByName(scope.workspace).test(id, event)
  })

  serve(app, listDeliveries, async ({ env, scope, params, query: { cursor, limit } }) => {
    const { id } = await find(scope, params.webhook)
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(cursor)
    if (!Number.isSafeInteger(before)) {
      throw new Refusal(400, 'usage', 'the cursor is none that this list gave')
    }
    const deliveries = await env.COURIER.getByName(scope.workspace).deliveries(id, before, limit)
    return { deliveries, cursor: deliveries.length === limit ? String(deliveries.at(-1)!.id) : null }
  })

  serve(app, redeliver, async ({ env, scope, params }) => {
    const { id } = await find(scope, params.webhook)
    const delivery = await env.COURIER.getByName(scope.workspace).redeliver(id, params.delivery)
    const hint = `See those that there are: dray webhook deliveries ${id}.`
    if (!delivery) throw new Refusal(404, 'not-found', `${id} has no delivery ${params.delivery}`, hint)
    await scope.record({
      action: 'webhook.redeliver',
      subject: `webhook/${id}`,
      after: { delivery: delivery.id },
    })
    return delivery
  })
}

const viewOf = (row: Omit<Row, 'workspaceId'>): WebhookView => ({
  id: row.id,
  address: row.address,
  events: row.events,
  format: row.format,
  disabled: row.disabled,
  createdAt: row.createdAt,
  revision: row.revision,
})

/** What is stored in the clear, as far as it is given. */
const changes = ({ events, format, disabled }: Body<typeof editWebhook>): Partial<Row> => ({
  ...(events !== undefined && { events }),
  ...(format !== undefined && { format }),
  ...(disabled !== undefined && { disabled }),
})

async function find(scope: Scope, id: string): Promise<Row> {
  const row = await scope.row(webhooks, eq(webhooks.id, id))
  if (!row)
    throw new Refusal(
      404,
      'not-found',
      `there is no webhook ${id}`,
      'See those that there are: dray webhook list.',
    )
  return row
}

/** What the caller read, or else what was read just now: nobody's change is lost. */
const revisionIs = (row: Row, ifMatch: number | null) => eq(webhooks.revision, ifMatch ?? row.revision)

async function save(
  scope: Scope,
  row: Row,
  set: Partial<Row>,
  ifMatch: number | null,
  action: string,
): Promise<WebhookView> {
  const after = viewOf({ ...row, ...set, revision: row.revision + 1 })
  const where = and(eq(webhooks.id, row.id), revisionIs(row, ifMatch))
  const change = scope.update(webhooks, { ...set, revision: after.revision }, where)
  const entry = { action, subject: `webhook/${row.id}`, before: viewOf(row), after }
  const [changed] = await scope.write(change, entry)
  if (!changed) throw changedSince(`the webhook ${row.id}`)
  return after
}

function refuseAddress(env: Env, url: string): void {
  const refused = refusedAddress(url, allowsInsecure(env))
  if (refused !== null) {
    throw new Refusal(400, 'usage', refused, 'Give an https address that the public internet reaches.')
  }
}

function vaultOf(env: Env, scope: Scope): WebhookVault {
  if (!env.DRAY_AUTH_SECRET) {
    throw new Refusal(
      503,
      'config',
      'the deployment has no DRAY_AUTH_SECRET, with which a webhook’s secret would be stored',
      'Set it: npm run deploy does.',
    )
  }
  return new WebhookVault(env.DRAY_AUTH_SECRET, scope.workspace)
}

async function open(env: Env, scope: Scope, row: Row): Promise<WebhookSecret> {
  const secret = await vaultOf(env, scope).open(row.id, row.sealed)
  if (secret) return secret
  throw new Refusal(
    409,
    'config',
    `the secret of ${row.id} cannot be read: DRAY_AUTH_SECRET has changed since`,
    'Delete the webhook and make it anew.',
  )
}
