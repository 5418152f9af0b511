/** A moment, in the viewer's zone; to the second, with the zone, for whoever points at it. */
import { exactly, when } from '../format.ts'

/** `at`: ms since the epoch. `zone`: where the title is told by the clocks of another one, too. `says`: in other words than usual. */
export function Time({ at, zone, says }: { at: number; zone?: string; says?: string }) {
  const title = zone === undefined ? exactly(at) : `${exactly(at)}\n${exactly(at, zone)}`
  return (
    <time dateTime={new Date(at).toISOString()} title={title}>
      {says ?? when(at)}
    </time>
  )
}
