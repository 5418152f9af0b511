/** A table that becomes cards on a phone. */
import type { ReactNode } from 'react'

export interface Column<T> {
  readonly name: string
  readonly kind?: 'number' | 'key'
  cell(row: T): ReactNode
}

export function Table<T>(props: {
  caption: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  id(row: T): string
}) {
  const { columns, rows } = props
  return (
    <section className="table cards" aria-label={props.caption}>
      <table>
        <thead>
          <tr>
            {columns.map(({ name, kind }) => (
              <th key={name} scope="col" className={kind === 'number' ? 'number' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={props.id(row)}>
              {columns.map(({ name, kind, cell }) => (
                <td key={name} data-label={name} className={kind}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
