/** The agents at work, a lane each. */
import type { Lane } from '../../../shared/api/watch.ts'
import { bytes, count } from '../format.ts'
import { texts } from '../texts.ts'
import { Table } from './table.tsx'

const rate = (n: number | null, say: (n: number) => string) => (n === null ? '–' : `${say(n)}/s`)

export function Lanes({ lanes }: { lanes: readonly Lane[] }) {
  if (lanes.length === 0) return null
  return (
    <Table
      caption={texts.live.lanes}
      columns={[
        { name: 'Agent', cell: ({ agent }) => agent },
        { name: 'Site', cell: ({ site }) => site || '–' },
        { name: 'Packets held', kind: 'number', cell: ({ leased }) => count(leased) },
        {
          name: 'Objects',
          kind: 'number',
          cell: ({ objects }) => rate(objects, (n) => count(Math.round(n))),
        },
        { name: 'Bytes', kind: 'number', cell: (lane) => rate(lane.bytes, bytes) },
      ]}
      rows={lanes}
      id={({ agent }) => agent}
    />
  )
}
