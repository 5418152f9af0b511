/** Figures side by side: a name, a value, and what it needs to be understood. */
import type { ReactNode } from 'react'

export type Figure = readonly [name: string, value: ReactNode, note?: ReactNode]

export function Figures({ of }: { of: readonly Figure[] }) {
  return (
    <dl className="figures">
      {of.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {note && <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
