/**
 * The steps of a large object's packets (packet.ts has their table): of the one that stands for its key, and of those of its parts.
 */
import { contains } from '../../shared/range.ts'
import {
  applied,
  type Common,
  common,
  type Effect,
  invalid,
  type Leased,
  newPacket,
  type Packet,
  type PacketEvent,
  type PartWork,
  readyNow,
  type Stepped,
} from './packet-state.ts'

/** Whether `expand` or `opened` was applied before, by this very lease. */
export function isReplay(packet: Packet, event: PacketEvent & { t: 'expand' | 'opened' }): boolean {
  if (packet.state === 'leased' || packet.state === 'parked') return false
  // A lease that merely ran out leaves the packet ready too, but not narrowed to the object.
  if (event.t === 'expand') return packet.upload !== null && packet.through === event.key
  return packet.state !== 'ready'
}

export function expand(packet: Leased, event: PacketEvent & { t: 'expand' }): Stepped {
  const { key, bytes, upload } = event
  if (packet.kind !== 'copy') return invalid(packet, `a ${packet.kind} packet takes no expand`)
  if (packet.upload !== null) return invalid(packet, 'it is expanded already')
  if (!contains(packet, key)) return invalid(packet, 'the key lies outside the packet’s range')
  const effects: Effect[] = []
  if (key !== packet.through) {
    const left = {
      objects: Math.max(0, packet.work.objects - 1),
      bytes: Math.max(0, packet.work.bytes - bytes),
      ...(packet.work.deletes !== undefined && { deletes: packet.work.deletes }),
    }
    const rest = newPacket('copy', { after: key, through: packet.through }, left)
    effects.push({ is: 'insert', packet: { ...rest, prefer: packet.prefer } })
  }
  const mine = { ...common(packet), through: key, work: { objects: 1, bytes, deletes: 0 }, upload }
  if (event.opened === null) return applied({ ...mine, prefer: packet.session, ...readyNow }, effects)
  return applied({ ...mine, state: 'expanded' }, [...effects, ...partPackets(mine, event.opened)])
}

export function opened(packet: Leased, ranges: readonly PartWork[]): Stepped {
  if (packet.kind !== 'copy' || packet.upload === null) return invalid(packet, 'it was not expanded')
  const next = { ...common(packet), failures: 0, error: null, prefer: null }
  return applied({ ...next, state: 'expanded' }, partPackets(next, ranges))
}

const partPackets = ({ after, through, upload }: Omit<Common, 'id'>, ranges: readonly PartWork[]): Effect[] =>
  ranges.map(({ parts, bytes }) => ({
    is: 'insert',
    packet: { ...newPacket('parts', { after, through }, { objects: 0, bytes }), upload, parts },
  }))

export function gather(packet: Leased, md5s: string | null): Stepped {
  const { upload, work } = packet
  if (upload === null) return invalid(packet, 'it belongs to no upload')
  const done = { ...common(packet), failures: 0, error: null }
  return applied({ ...done, state: 'done', counts: null, report: false, md5s }, [
    { is: 'gather', upload, bytes: work.bytes },
  ])
}

/** The others of its upload are told by the effect; it is one of them. */
export function collapse(packet: Leased): Stepped {
  const { upload } = packet
  if (upload === null) return invalid(packet, 'it belongs to no upload')
  const { packet: next } = dissolve(packet)
  return applied({ ...next, generation: packet.generation }, [{ is: 'dissolve', upload }])
}

/** Parts are done with nothing; their object's packet is as it was, narrowed to the object. Whoever holds one holds it no more. */
export function dissolve(packet: Packet): Stepped {
  const { upload, state } = packet
  if (upload === null || state === 'done') return applied(packet)
  const mine = { ...common(packet), generation: packet.generation + (state === 'leased' ? 1 : 0) }
  if (packet.kind === 'parts') {
    return applied({ ...mine, error: null, state: 'done', counts: null, report: false })
  }
  return applied({ ...mine, upload: null, ...readyNow })
}
