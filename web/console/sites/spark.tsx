/** A line of how fast an agent was in the last minutes; the figure beside it says how fast it is. */
import { useRecent } from './recent.ts'

const width = 96
const height = 24

export function Spark({ workspace, agent }: { workspace: string; agent: string }) {
  const points = useRecent(workspace, agent)
  const most = Math.max(...points)
  if (points.length < 3 || most <= 0) return null
  const step = width / (points.length - 1)
  const line = points.map(
    (y, i) => `${(i * step).toFixed(1)},${(height - 1 - (y / most) * (height - 2)).toFixed(1)}`,
  )
  return (
    <svg
      className="spark"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden="true"
    >
      <polyline points={line.join(' ')} fill="none" stroke="currentColor" strokeWidth="1.5" />
    </svg>
  )
}
