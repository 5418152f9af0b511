/** What a step of a migration's life has to tell the workspace's webhooks: counts and sentences of ours, never a key. */
import type { WebhookEvent } from '../../shared/api/webhook-events.ts'
import { eventOf } from './events.ts'
import type { Life, LifeEvent } from './life-state.ts'

export function lifeEvents(
  { workspace, id }: { readonly workspace: string; readonly id: string },
  before: Life,
  after: Life,
  cause: LifeEvent,
  now: number,
): WebhookEvent[] {
  const about = [id, after.revision]
  const { state, direction, paused, history, checklist } = after
  const events: WebhookEvent[] = []
  const [last] = history
  if (last && last !== before.history[0]) {
    const data = { migration: id, state, direction, paused: paused !== null, why: last.why }
    events.push(eventOf(workspace, 'life.changed', about, now, data))
  }
  for (const { step, state, message } of checklist?.checks ?? []) {
    const was = before.checklist?.checks.find((check) => check.step === step)
    if (state !== 'asks' || (was?.state === 'asks' && was.message === message)) continue
    const data = { migration: id, direction, step, message }
    events.push(eventOf(workspace, 'cut-over.asks', [...about, step], now, data))
  }
  if ((cause.t === 'ended' || cause.t === 'settled') && cause.pass.conflicts > 0) {
    const { number: pass, conflicts: objects } = cause.pass
    const data = { migration: id, pass, objects }
    events.push(eventOf(workspace, 'conflicts.found', [id, pass], now, data))
  }
  return events
}
