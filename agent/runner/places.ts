/**
 * How many packets of each migration an agent takes: they share its places by weight (core/share.ts). Whose `free` brings no packet
 * has nothing that is ready, and its places are the others' until one comes. One alone has all of them.
 */
import { divide } from '../core/share.ts'
import type { Runner } from './runner.ts'

/** Milliseconds without a packet after which a migration has none: the plane leases what is ready at once. */
const patience = 500

interface Member {
  readonly runner: Runner
  readonly changed: () => void
  weight: number
  wants: boolean
  timer: NodeJS.Timeout | null
}

export interface Places {
  /** The runner that `start` makes, as one among those of this agent. `changed`: its `free()` may be another now. */
  join(start: (changed: () => void) => Runner, weight: number, changed: () => void): Runner
}

export function openPlaces(): Places {
  const members = new Set<Member>()

  const usedBy = ({ runner }: Member) => Math.max(0, runner.places - runner.free())

  function free(member: Member): number {
    const own = member.runner.free()
    if (members.size < 2 || own === 0) return own
    const all = [...members]
    const places = Math.max(...all.map(({ runner }) => runner.places))
    const sharers = all.map((each) => ({ weight: each.weight, wants: each.wants, used: usedBy(each) }))
    const share = divide(places, sharers)[all.indexOf(member)] ?? 0
    const n = Math.max(0, Math.min(own, share - usedBy(member)))
    if (n > 0 && member.wants) member.timer ??= setTimeout(() => rest(member), patience).unref()
    return n
  }

  /** Nothing is ready for it. */
  function rest(member: Member): void {
    member.timer = null
    member.wants = false
    tellOthers(member)
  }

  function tellOthers(member: Member): void {
    for (const other of members) if (other !== member) other.changed()
  }

  function stopWaiting(member: Member): void {
    if (member.timer) clearTimeout(member.timer)
    member.timer = null
  }

  function leave(member: Member): void {
    stopWaiting(member)
    if (members.delete(member)) tellOthers(member)
  }

  return {
    join(start, weight, changed) {
      let member: Member | null = null
      const runner = start(() => {
        changed()
        // Then its share is what it uses, and the rest is theirs.
        if (member?.wants === false) tellOthers(member)
      })
      member = { runner, changed, weight, wants: true, timer: null }
      members.add(member)
      tellOthers(member)
      return {
        ...runner,
        // Getters are not copied as such.
        get isOpen() {
          return runner.isOpen
        },
        get places() {
          return runner.places
        },
        free: () => free(member),
        take(packets) {
          stopWaiting(member)
          const wanted = member.wants
          member.wants = true
          runner.take(packets)
          if (!wanted) tellOthers(member)
        },
        weigh(weight) {
          member.weight = weight
          runner.weigh(weight)
          for (const each of members) each.changed()
        },
        stop() {
          leave(member)
          return runner.stop()
        },
      }
    },
  }
}
