import { formatLocation, type Location } from '../../../shared/location.ts'

export function Route({ source, destination }: { source: Location; destination: Location }) {
  return (
    <span className="mono">
      {formatLocation(source)} → {formatLocation(destination)}
    </span>
  )
}
