/**
 * The `Courier` object of a workspace: takes events, and delivers each to every webhook that wants it, at least once. What it has taken is
 * stored before it says so; what it tries and when is `core/delivery.ts`. Deliveries come in no order, since one that fails is tried later.
 */
import { DurableObject } from 'cloudflare:workers'
import { eq } from 'drizzle-orm'
import type { WebhookEvent } from '../shared/api/webhook-events.ts'
import type { DeliveryView } from '../shared/api/webhooks.ts'
import { Alarm } from './alarm.ts'
import { maxAttempts, settle } from './core/delivery.ts'
import { allowsInsecure, type Env } from './env.ts'
import { Scope, system } from './store/scope.ts'
import { webhooks } from './store/tables/webhooks.ts'
import { DeliveryTable, type Due } from './webhooks/delivery-table.ts'
import { post } from './webhooks/post.ts'
import { WebhookVault } from './webhooks/secret.ts'

/** Requests at once: a Worker has six connections. Of one webhook, two. */
const atOnce = 6
const each = 2
/** Rounds of that in one alarm; the rest follow in the next. */
const rounds = 20
/** Before it is tried again what failed for a reason of our own, in ms. */
const ownPause = 60_000

export class Courier extends DurableObject<Env> {
  readonly #deliveries: DeliveryTable
  readonly #alarm: Alarm

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#deliveries = new DeliveryTable(ctx.storage.sql)
    this.#alarm = new Alarm(ctx.storage)
    ctx.blockConcurrencyWhile(() => this.#alarm.wake())
  }

  /** Once it returns, the event is not lost. Throws where it could not be taken: tell it again. */
  async accept(event: WebhookEvent): Promise<void> {
    const rows = await this.#scope(event.workspace).rows(webhooks, { where: eq(webhooks.disabled, false) })
    const wanted = rows.filter(({ events }) => events.length === 0 || events.includes(event.type))
    if (wanted.length === 0) return
    const now = Date.now()
    this.ctx.storage.transactionSync(() => {
      for (const { id } of wanted) this.#deliveries.add(id, event, now, now)
    })
    this.#arm()
  }

  /** To this webhook alone, now, in one attempt. */
  async test(webhook: string, event: WebhookEvent): Promise<DeliveryView> {
    const now = Date.now()
    // Should this object end in the middle of it, the alarm makes the one attempt.
    const id = this.#deliveries.add(webhook, event, now, now + ownPause)!
    this.#arm()
    await this.#attempt(this.#deliveries.one(id)!)
    return this.#deliveries.view(id)!
  }

  /** Null where the webhook has no such delivery. */
  redeliver(webhook: string, id: number): DeliveryView | null {
    if (!this.#deliveries.again(webhook, id, Date.now())) return null
    this.#arm()
    return this.#deliveries.view(id)
  }

  deliveries(webhook: string, before: number, limit: number): DeliveryView[] {
    return this.#deliveries.page(webhook, before, limit)
  }

  forget(webhook: string): void {
    this.#deliveries.forget(webhook)
  }

  /** Its workspace is deleted. */
  async erase(): Promise<void> {
    await this.ctx.storage.deleteAlarm()
    await this.ctx.storage.deleteAll()
  }

  /** To be begun anew at the next call. This one fails. */
  async end(): Promise<void> {
    this.ctx.abort('its workspace was deleted')
  }

  override async alarm(): Promise<void> {
    this.#alarm.fired()
    for (let round = 0; round < rounds; round++) {
      const due = this.#deliveries.due(Date.now(), atOnce, each)
      if (due.length === 0) break
      await Promise.all(due.map((one) => this.#attempt(one)))
    }
    this.#arm()
  }

  async #attempt({ id, webhook, attempts, event }: Due): Promise<void> {
    let row: typeof webhooks.$inferSelect | null
    try {
      row = await this.#scope(event.workspace).row(webhooks, eq(webhooks.id, webhook))
    } catch (error) {
      console.warn('a webhook could not be read', error)
      this.#deliveries.postpone(id, Date.now() + ownPause)
      return
    }
    if (!row || row.disabled) {
      this.#deliveries.giveUp(id, row ? 'the webhook is disabled' : 'the webhook was deleted')
      return
    }
    const secret = await new WebhookVault(this.env.DRAY_AUTH_SECRET ?? '', event.workspace).open(
      webhook,
      row.sealed,
    )
    if (!secret) {
      this.#deliveries.giveUp(
        id,
        'its secret cannot be read: has DRAY_AUTH_SECRET changed? Make the webhook anew',
      )
      return
    }
    const tried = await post(event, { format: row.format, secret, insecure: allowsInsecure(this.env) })
    const now = Date.now()
    const most = event.type === 'webhook.test' ? 1 : maxAttempts
    const settled = settle(attempts + 1, tried, now, Math.random(), most)
    this.#deliveries.settle(id, attempts + 1, settled, tried, now)
  }

  #arm(): void {
    this.#alarm.arm(this.#deliveries.nextDue())
  }

  #scope(workspace: string): Scope {
    return new Scope(this.env.DB, workspace, system)
  }
}
