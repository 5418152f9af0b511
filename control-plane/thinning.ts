/**
 * A migration that follows begins passes for weeks, and its object has room for some ten gigabytes. Of passes that a later one has superseded the
 * packets and failures are forgotten, the oldest first, once there are more than some two million; the passes themselves stay, with all figures, and
 * so does whatever is certified. Some rows at a time, whenever a pass begins.
 */
import type { MigrationTables } from './migration-tables.ts'

/** Packets that are kept whatever they are of: 700 MB or so. */
const keptPackets = 2_000_000
/** Rows that go in one transaction: some 50 ms. */
const atOnce = 20_000
/** The last passes are looked at by those that follow, and by people. */
const keptPasses = 10

/** In a transaction. */
export function thin(tables: MigrationTables, most = keptPackets, kept = keptPasses): void {
  const { passes, packets, failures, certificates } = tables
  const last = passes.last()?.number ?? 0
  let { pass, packet } = tables.thinned()
  let left = atOnce
  while (left > 0 && pass <= last - kept && packets.next() - packet > most) {
    const row = passes.get(pass)
    const end = passes.endOfPackets(pass)
    const isKept = !row || certificates.statement(pass) !== null || passes.wholeAfter(pass) === null
    const gone = isKept ? 0 : packets.forget(Math.max(packet, row.firstPacket), end, left)
    left -= gone
    if (left > 0) {
      // All of its packets are gone.
      if (!isKept) {
        failures.forget(tables.failureIds(row))
        passes.dropStrip(pass)
      }
      pass += 1
      packet = Math.max(packet, end)
    }
  }
  tables.setThinned({ pass, packet })
}
