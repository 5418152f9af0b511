/**
 * The steps of an `event` packet, which lies beside the tiling: what came of it is no part of its pass, and what could not be done is left to the
 * next one. Its row is used again by a later event, with the generation going on, so that there are no more rows than wait at once.
 *
 *            tell               fold    lease    outcome            failed         release, expire, supersede
 *   ready    ready, elsewhere   done    leased   refused            as it is       as it is
 *   leased   refused            –       –        done, or ready     ready, done    ready
 *   done     ready              –       refused  replay             replay         replay
 */
import { addsUp } from '../../shared/counts.ts'
import { packetBounds } from '../../shared/policy.ts'
import type { Work } from '../../shared/protocol.ts'
import { mayEndAt, oneKey, type Range } from '../../shared/range.ts'
import {
  applied,
  type Common,
  common,
  type Effect,
  invalid,
  type Leased,
  type Packet,
  type PacketEvent,
  readyNow,
  type Stepped,
} from './packet-state.ts'

/** What may be found in it: of one key one object, of many more than were told of. */
export function eventWork({ after, through }: Range): Work {
  const isOneKey = through !== null && oneKey(through).after === after
  return { objects: isOneKey ? 1 : packetBounds.workObjects, bytes: 0 }
}

/** It stands for that range now, of which the oldest change was then. */
export function tell(packet: Packet, { after, through }: Range, told: number): Stepped {
  if (packet.kind !== 'event' || packet.state === 'leased') return invalid(packet, 'it stands for other keys')
  const fresh = packet.state === 'done' ? { failures: 0, error: null } : {}
  const work = eventWork({ after, through })
  return applied({ ...common(packet), ...fresh, after, through, told, work, ...readyNow })
}

/** Another one stands for its range. */
export function fold(packet: Packet): Stepped {
  return packet.kind === 'event' && packet.state === 'ready' ? applied(done(packet)) : applied(packet)
}

export function followed(packet: Leased, { counts, through }: PacketEvent & { t: 'outcome' }): Stepped {
  if (!addsUp(counts)) return invalid(packet, 'the counts do not add up')
  if (!mayEndAt(packet, through)) return invalid(packet, 'the outcome ends outside the packet’s range')
  const effects: Effect[] = [{ is: 'follow', counts, told: packet.told ?? 0 }]
  const rest = { ...common(packet), failures: 0, error: null, after: through }
  return applied(through === packet.through ? done(packet) : { ...rest, ...readyNow }, effects)
}

/** It is not tried again. */
export const missed = (packet: Common): Stepped =>
  applied(done(packet), [{ is: 'miss', told: packet.told ?? 0 }])

const done = (packet: Common): Packet => ({
  ...common(packet as Packet),
  state: 'done',
  counts: null,
  report: false,
})
