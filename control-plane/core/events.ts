/**
 * Facts as events. An event's id is made of what it is about, so that the same fact has the same id however often it is told. Parts of an id
 * are joined by `_`, which no name of ours has.
 */

import type { PassState } from '../../shared/api/migrations.ts'
import type { EventType, WebhookEvent } from '../../shared/api/webhook-events.ts'
import type { ErrorCode } from '../../shared/error.ts'
import { formatLocation, type Location } from '../../shared/location.ts'
import type { PassOptions } from '../../shared/policy.ts'
import type { Counters } from './counters.ts'

/** Of a migration, and of a pass, what events tell. */
export interface Moved {
  readonly id: string
  readonly workspace: string
  readonly source: Location
  readonly destination: Location
}
export interface PassNow {
  readonly number: number
  readonly state: PassState
  readonly options: PassOptions
  readonly startedAt: number
  readonly endedAt: number | null
  readonly counters: Counters
}

type EventOf<T extends EventType> = WebhookEvent & { type: T }

export function eventOf<T extends EventType>(
  workspace: string,
  type: T,
  about: readonly (string | number)[],
  at: number,
  data: EventOf<T>['data'],
): EventOf<T> {
  const id = [workspace, ...about, type.replace('.', '-')]
    .map((part) => String(part).replaceAll(/[^A-Za-z0-9-]/g, '-'))
    .join('_')
  const timestamp = new Date(at).toISOString()
  return { id, type, timestamp, workspace, data } as unknown as EventOf<T>
}

/** 0, 1, 10, 100, …: the greatest that is not more than `parked`. */
export const parkedLevel = (parked: number): number =>
  parked === 0 ? 0 : 10 ** Math.floor(Math.log10(parked))

/** What a transaction that brought a pass from `before` (null: it began) to `after` has to tell. */
export function passEvents(
  definition: Moved,
  before: {
    readonly state: PassState
    readonly parked: number
    readonly asked: boolean
    readonly stuck: number
  } | null,
  after: PassNow,
  now: number,
): WebhookEvent[] {
  const { workspace } = definition
  const { number, options, startedAt, endedAt, state, counters } = after
  const about = [definition.id, number]
  const common = {
    migration: definition.id,
    pass: number,
    kind: options.kind,
    dryRun: options.dryRun,
    source: formatLocation(definition.source),
    destination: formatLocation(definition.destination),
    startedAt,
  }
  const events: WebhookEvent[] = []
  if (!before) events.push(eventOf(workspace, 'pass.started', about, startedAt, common))

  const { parked } = counters.packets
  const level = parkedLevel(parked)
  if (level > parkedLevel(before?.parked ?? 0)) {
    const causes = Object.values(counters.errors)
      .filter((cause) => cause.parked > 0)
      .map((cause) => ({ code: cause.error.code, packets: cause.parked }))
    const data = { migration: definition.id, pass: number, parked, causes }
    events.push(eventOf(workspace, 'packets.parked', [...about, level], now, data))
  }

  const { deletes, stuck = 0 } = counters
  const stuckLevel = parkedLevel(stuck)
  if (stuckLevel > parkedLevel(before?.stuck ?? 0)) {
    const data = { migration: definition.id, pass: number, packets: stuck }
    events.push(eventOf(workspace, 'work.stuck', [...about, stuckLevel], now, data))
  }
  if (deletes?.asked && !before?.asked) {
    const data = { migration: definition.id, pass: number, deletes: deletes.expected, of: deletes.of }
    events.push(eventOf(workspace, 'deletes.ask', about, now, data))
  }

  if (state === 'running' || (before && before.state !== 'running')) return events
  const ended = { ...common, endedAt: endedAt ?? now, counts: counters.counts }
  if (state === 'incomplete') {
    const causes = Object.entries(counters.causes).map(([code, { objects }]) => ({
      code: code as ErrorCode,
      objects,
    }))
    const data = { ...ended, state, parked, causes }
    events.push(eventOf(workspace, 'pass.failed', about, ended.endedAt, data))
  } else {
    events.push(eventOf(workspace, 'pass.finished', about, ended.endedAt, { ...ended, state }))
  }
  return events
}
