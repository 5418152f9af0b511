/** A part of the page, by its number; what is rarely needed can be folded away. */
import type { ReactNode } from 'react'
import { newMigrationTexts } from '../texts/new-migration.ts'

export const pageSteps = [
  ...(['name', 'source', 'destination', 'filters', 'keys', 'policy'] as const),
  ...(['follow', 'preflight', 'estimate', 'finish'] as const),
]

export function Step(props: {
  of: (typeof pageSteps)[number]
  /** What it says while it is folded; null: it is open. Absent: it never is folded. */
  folded?: string | null
  children: ReactNode
}) {
  const { of, folded } = props
  const id = `step-${of}`
  const title = (
    <h2 id={`${id}-title`}>
      <span className="number">{pageSteps.indexOf(of) + 1}</span> {newMigrationTexts.steps[of]}
    </h2>
  )
  return (
    <section className="card step" id={id} tabIndex={-1} aria-labelledby={`${id}-title`}>
      {folded === undefined ? (
        <>
          {title}
          {props.children}
        </>
      ) : (
        <details open={folded === null || undefined}>
          <summary>
            {title}
            <span className="quiet">{folded ?? ''}</span>
          </summary>
          {props.children}
        </details>
      )}
    </section>
  )
}
