/**
 * How what is ready in a running pass becomes leases: who gets what is core/dispatch.ts's to say; here it is stored and sent. A survey that is
 * far ahead is held, and goes on when the others have caught up; where nothing is ready for idle agents, others are asked to share.
 */
import type { LeasedPacket, PlaneMessage } from '../shared/protocol.ts'
import type { Changes } from './changes.ts'
import { dispatch, holds, proceeds, type Slots } from './core/dispatch.ts'
import type { ReadyQueue } from './core/queue.ts'
import type { Holders, Session } from './holders.ts'
import type { IdleAgents } from './idle-agents.ts'
import type { Ledger } from './ledger.ts'
import type { PassDeletes } from './pass-deletes.ts'
import type { Uploads } from './uploads.ts'

/** Packets in one message: boundaries may have 4,096 bytes each. */
const maxLeasesPerMessage = 100
/** An upload of uneven parts says where each of them begins, and the MD5s of all. */
const maxUploadsPerMessage = 10

interface Around {
  readonly queue: ReadyQueue
  readonly holders: Holders
  readonly ledger: Ledger
  readonly uploads: Uploads
  readonly idle: IdleAgents
  readonly changes: Changes
  readonly deletes: PassDeletes
  send(session: Session, message: PlaneMessage): void
}

export class Grants {
  readonly #around: Around

  constructor(around: Around) {
    this.#around = around
  }

  /** Leases what can be leased, and lets held surveys go on. Returns when to look again without being called, if ever. */
  give(now: number): number | null {
    const { queue, holders, idle } = this.#around
    let slots = holders.slots(now)
    while (!this.#lease(slots, now)) slots = holders.slots(now)
    this.#letProceed()
    return queue.work > 0 || queue.surveys > 0 ? null : idle.help(slots, now)
  }

  /** Whether the survey waits before its next cut; then it is told when to go on. */
  hold(packet: number): boolean {
    const { queue, holders } = this.#around
    const survey = holders.surveys.get(packet)
    if (!survey || !holds(queue.work, holders.working)) return false
    survey.held = true
    return true
  }

  /** False where something in the queue was no longer ready, so that there may be slots left for what is. */
  #lease(slots: Slots[], now: number): boolean {
    const { queue, holders, ledger, uploads, deletes, changes } = this.#around
    let isUpToDate = true
    const leased = new Map<Session, LeasedPacket[]>()
    for (const grant of dispatch(queue, slots, holders.surveys.size)) {
      const before = ledger.packet(grant.packet)!
      // Its upload dissolved while it was in the queue, or somebody works on its keys.
      if (before.state !== 'ready' || (before.kind === 'event' && changes.waitsFor(before))) {
        isUpToDate = false
        continue
      }
      const holder = holders.sessions.get(grant.session)!
      // An agent that held nothing may have been quiet for long: its lease begins now.
      if (holder.leases.size === 0) holder.seen = now
      holder.free--
      const mayDelete = deletes.allowanceOf(before)
      const { packet } = ledger.apply(before, { t: 'lease', session: grant.session, deletes: mayDelete }, now)
      const { id, generation, kind, after, through } = packet
      const { objects, bytes } = packet.work
      const upload = uploads.leased(packet)
      const leases = leased.get(holder) ?? []
      leased.set(holder, leases)
      leases.push({
        ...{ id, generation, kind, after, through, attempt: generation },
        ...{ work: { objects, bytes }, deletes: mayDelete },
        ...(upload && { upload }),
      })
    }
    for (const [holder, packets] of leased) this.#tell(holder, packets)
    return isUpToDate
  }

  #tell(holder: Session, packets: LeasedPacket[]): void {
    const most = packets.some(({ upload }) => upload) ? maxUploadsPerMessage : maxLeasesPerMessage
    for (let i = 0; i < packets.length; i += most) {
      this.#around.send(holder, { t: 'lease', packets: packets.slice(i, i + most) })
    }
  }

  #letProceed(): void {
    const { queue, holders, send } = this.#around
    if (!proceeds(queue.work, holders.working)) return
    for (const [packet, survey] of holders.surveys) {
      const session = survey.held ? holders.holderOf(packet) : undefined
      if (!session?.connected) continue
      send(session, { t: 'proceed', packet })
      survey.held = false
    }
  }
}
