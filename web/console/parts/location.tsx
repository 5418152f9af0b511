import { formatLocation, type Location } from '../../../shared/location.ts'
import { plain } from '../hostile.ts'

/** Whole, as far as a page stands it: what somebody named may be long, and turn its text around. */
const most = 400

export function Route({ source, destination }: { source: Location; destination: Location }) {
  return (
    <bdi className="mono breaks" dir="ltr">
      {plain(formatLocation(source), most)} → {plain(formatLocation(destination), most)}
    </bdi>
  )
}
