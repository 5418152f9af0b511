/**
 * Large objects in a running pass: each has an upload, which is planned here before any agent creates it, so that it survives all
 * of them. What becomes of the packets is core/packet.ts's to say; here they are brought together.
 *
 *   expand     the plan is stored; the object's packet is leased again, with it
 *   opened     its id is stored; the parts become packets
 *   parts      the last of them: the object's packet is leased once more, to be completed
 *   collapse   the upload is forgotten, and so are its parts
 *   outcome    the upload is forgotten, unless its object failed: then the next pass goes on with it
 */
import { type PlannedUpload, partRanges, samePinned } from '../shared/large-object.ts'
import type { AgentMessage, LeasedUpload, LeftUpload } from '../shared/protocol.ts'
import type { Effect, Packet, Refusal } from './core/packet.ts'
import type { Ledger } from './ledger.ts'
import type { MigrationTables } from './migration-tables.ts'
import type { UploadRow } from './upload-table.ts'

/** Told at once; the rest at the next hello. */
const mostLeft = 100

type Expand = AgentMessage & { t: 'expand' }
type Opened = AgentMessage & { t: 'opened' }

export class Uploads {
  readonly #tables: MigrationTables
  readonly #ledger: Ledger

  constructor(tables: MigrationTables, ledger: Ledger) {
    this.#tables = tables
    this.#ledger = ledger
  }

  expand(packet: Packet, session: number, { generation, key, planned }: Expand, now: number): Refusal | null {
    const { uploads } = this.#tables
    const left =
      uploads.of(key).find((row) => row.packet < this.#ledger.pass.firstPacket && this.#isOurs(row)) ?? null
    const useful = left !== null && left.upload !== null && isOf(left, planned) ? left : null
    const ranges = useful && rangesOf(useful.planned)
    const id = useful?.id ?? uploads.next()
    const next = this.#ledger.nextPacket
    const bytes = planned.source.size
    const event = { t: 'expand', session, generation, key, bytes, upload: id, opened: ranges } as const
    const stepped = this.#ledger.apply(packet, event, now)
    if (stepped.refused || stepped.packet === packet) return stepped.refused
    if (useful && ranges) {
      // The children come after what was cut off the packet.
      const firstChild = next + stepped.effects.length - ranges.length
      const adopted = { ...useful.planned, hashing: planned.hashing, asSource: planned.asSource }
      uploads.put({ ...useful, packet: packet.id, planned: adopted, firstChild, children: ranges.length })
      return null
    }
    const stale = left === null ? [] : [...left.stale, ...(left.upload === null ? [] : [left.upload])]
    if (left) uploads.delete(left.id)
    // Of one that was planned and perhaps created, too, nobody knows the id.
    const begun = left !== null && left.upload === null ? left.begun : now
    uploads.put({
      id,
      packet: packet.id,
      key,
      upload: null,
      planned,
      begun,
      stale: stale.slice(-100),
      firstChild: null,
      children: 0,
    })
    return null
  }

  opened(packet: Packet, session: number, { generation, upload }: Opened, now: number): Refusal | null {
    const { uploads } = this.#tables
    const row = packet.upload === null ? null : uploads.get(packet.upload)
    // The answer was lost.
    if (row?.upload === upload && packet.generation === generation) return null
    const ranges = row === null ? [] : rangesOf(row.planned)
    const firstChild = this.#ledger.nextPacket
    const stepped = this.#ledger.apply(packet, { t: 'opened', session, generation, ranges }, now)
    if (stepped.refused || stepped.packet === packet || row === null) return stepped.refused
    uploads.put({ ...row, upload, stale: [], firstChild, children: ranges.length })
    return null
  }

  /** What earlier passes left, for agents to look whether it is of any use. */
  left(): LeftUpload[] {
    const rows = this.#tables.uploads.before(this.#ledger.pass.firstPacket, mostLeft)
    return rows
      .filter((row) => this.#isOurs(row))
      .map(({ id, key, planned: { source }, begun, upload }) => ({ id, key, source, begun, upload }))
  }

  /** Whether it is at the side that this pass writes to: those of the other direction are at the other side. */
  #isOurs({ packet }: UploadRow): boolean {
    const { passes } = this.#tables
    const direction = passes.ofPacket(packet)?.options.direction ?? 'forward'
    return direction === this.#ledger.pass.options.direction
  }

  /** One of those is no more. Where this pass has taken it up meanwhile, its packets find out by themselves. */
  cleared(id: number): void {
    const row = this.#tables.uploads.get(id)
    if (row && row.packet < this.#ledger.pass.firstPacket) this.#tables.uploads.delete(id)
  }

  /** What a lease of `packet` tells of its upload. */
  leased(packet: Packet): LeasedUpload | null {
    const row = packet.upload === null ? null : this.#tables.uploads.get(packet.upload)
    if (row === null) return null
    const { key, planned, begun, upload, stale } = row
    const isWhole = packet.parts === null && upload !== null
    return {
      key,
      planned,
      begun,
      upload,
      parts: packet.parts,
      md5s: isWhole && planned.hashing ? this.#tables.uploads.md5s(row) : null,
      adopted: begun < this.#ledger.pass.startedAt,
      stale: [...stale],
    }
  }

  /** What the step of one packet means to the others of its upload. */
  follow(effects: readonly Effect[], now: number): void {
    for (const effect of effects) {
      if (effect.is !== 'gather' && effect.is !== 'dissolve' && effect.is !== 'forget') continue
      const row = this.#tables.uploads.get(effect.upload)
      if (row === null) continue
      const { missing, bytes } = this.#tables.uploads.gathered(row)
      if (effect.is === 'gather') {
        if (missing === 0) this.#apply(row.packet, 'gathered', now)
        continue
      }
      this.#ledger.lose(bytes)
      this.#tables.uploads.delete(row.id)
      if (effect.is === 'forget') continue
      for (let i = 0; i < row.children; i++) this.#apply(row.firstChild! + i, 'dissolve', now)
      this.#apply(row.packet, 'dissolve', now)
    }
  }

  #apply(id: number, t: 'gathered' | 'dissolve', now: number): void {
    const packet = this.#ledger.packet(id)
    if (packet) this.#ledger.apply(packet, { t }, now)
  }
}

const rangesOf = ({ boundaries, packetBytes }: PlannedUpload) => partRanges(boundaries, packetBytes)

/** Whether its parts are parts of what is planned now. Where they begin is what was chosen first. */
const isOf = ({ planned: was }: UploadRow, now: Expand['planned']) =>
  samePinned(was.source, now.source) && was.metadata === now.metadata
