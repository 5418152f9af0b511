/**
 * The runner of one pass where worker threads may help: packets go to whoever has fewest, surveys stay in the main thread, which
 * alone knows how far they are ahead.
 */
import type { LeasedPacket } from '../../shared/protocol.ts'
import type { Welcome } from '../session/migration.ts'
import type { FarRunner } from './far-runner.ts'
import type { Runner } from './runner.ts'

/**
 * Directories are walked once and remembered, mapped keys are sorted outside memory, and an object that is being restored takes no place: each
 * of them by a whole agent.
 */
export const maySpread = ({ source, destination, mapping, manifest, pass }: Welcome): boolean =>
  source.kind === 's3' &&
  destination.kind === 's3' &&
  !mapping &&
  !manifest &&
  pass.options.archived !== 'restore'

/** `far`: those in worker threads, as of now. `stopped` comes after all of them have. */
export function sharedRunner(
  near: Runner,
  far: () => readonly FarRunner[],
  stopped: () => Promise<void>,
): Runner {
  function take(packet: LeasedPacket): void {
    const { id } = packet
    for (const runner of far()) {
      runner.abort(
        runner.list(null).filter((held) => held.packet === id),
        'it is leased anew',
      )
    }
    const helper = packet.kind === 'survey' ? null : leastBusy()
    if (helper === null) {
      near.take([packet])
      return
    }
    near.abort(
      near.held().filter((held) => held.packet === id),
      'it is leased anew',
    )
    helper.take(packet)
  }

  /** Null for the main thread itself. */
  function leastBusy(): FarRunner | null {
    if (!near.isOpen) return null
    let found: FarRunner | null = null
    // The main thread has more to do than packets, so of two with as many it is the other one.
    let packets = near.free() > 0 ? near.working().length : Number.POSITIVE_INFINITY
    for (const runner of far()) {
      const its = runner.list('working').length
      if (runner.free === 0 || its > packets) continue
      found = runner
      packets = its
    }
    return found
  }

  return {
    take: (packets) => packets.forEach(take),
    abort(held, why) {
      near.abort(held, why)
      for (const runner of far()) runner.abort(held, why)
    },
    proceed: near.proceed,
    split: near.split,
    yield(packet) {
      near.yield(packet)
      for (const runner of far()) runner.yield(packet)
    },
    held: () => [...near.held(), ...far().flatMap((runner) => runner.list(null))],
    working: () => [...near.working(), ...far().flatMap((runner) => runner.list('working'))],
    inFlight() {
      const sum = near.inFlight()
      for (const { inFlight } of far()) {
        sum.objects += inFlight.objects
        sum.bytes += inFlight.bytes
      }
      return sum
    },
    still: () => [...near.still(), ...far().flatMap((runner) => runner.still())],
    moved() {
      const sum = near.moved()
      for (const { moved } of far()) {
        sum.objects += moved.objects
        sum.bytes += moved.bytes
      }
      return sum
    },
    get isOpen() {
      return near.isOpen
    },
    get places() {
      return far().reduce((sum, runner) => sum + runner.places, near.places)
    },
    weigh(weight) {
      near.weigh(weight)
      for (const runner of far()) runner.weigh(weight)
    },
    free() {
      const own = near.free()
      // A drain has begun, or the pass is not open yet.
      if (!near.isOpen) return own
      return far().reduce((sum, runner) => sum + runner.free, own)
    },
    async drain() {
      await Promise.all([near.drain(), ...far().map((runner) => runner.drain())])
    },
    async stop() {
      await Promise.all([near.stop(), ...far().map((runner) => runner.stop())])
      await stopped()
    },
  }
}
