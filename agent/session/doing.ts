/** What the agent does now, for people to see: of each migration how many packets it works on, and what it moved since it was told last. */
import { type DoingTold, mostDoing } from '../../shared/protocol.ts'
import type { MigrationSession } from './migration.ts'

type Sessions = ReadonlyMap<string, Pick<MigrationSession, 'doing'>>

/** `now`: milliseconds of a clock that only rises. Each call is what is told next; null: nothing, as it was told before. */
export function openDoing(sessions: Sessions, now: () => number = () => performance.now()) {
  let before = new Map<string, { objects: number; bytes: number }>()
  let lastAt = now()
  let wasIdle = false
  return (): DoingTold | null => {
    const at = now()
    const ms = Math.max(1, Math.round(at - lastAt))
    lastAt = at
    const totals = new Map([...sessions].map(([id, session]) => [id, session.doing()]))
    const migrations = [...totals]
      .map(([id, { packets, objects, bytes }]) => {
        const was = before.get(id) ?? { objects: 0, bytes: 0 }
        const since = (total: number, then: number) => Math.max(0, total - then)
        return { id, packets, objects: since(objects, was.objects), bytes: since(bytes, was.bytes) }
      })
      .filter(({ packets, objects, bytes }) => packets + objects + bytes > 0)
      .slice(0, mostDoing)
    before = totals
    const isIdle = migrations.length === 0
    const told = isIdle && wasIdle ? null : { t: 'doing' as const, ms, migrations }
    wasIdle = isIdle
    return told
  }
}
