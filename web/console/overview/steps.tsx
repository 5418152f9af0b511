/** What somebody does first, each with its page and its command. */
import { Link } from '@tanstack/react-router'
import { Code } from '../parts/code.tsx'
import { overviewTexts } from '../texts/overview.ts'

const says = overviewTexts.steps
const order = ['agent', 'connection', 'migration'] as const
const pages = {
  agent: '/w/$workspace/sites',
  connection: '/w/$workspace/connections',
  migration: '/w/$workspace/new-migration',
} as const

export function Steps({
  workspace,
  done,
}: {
  workspace: string
  done: Readonly<Record<(typeof order)[number], boolean>>
}) {
  return (
    <section className="card" aria-label={says.name}>
      <h2>{says.name}</h2>
      <ol className="steps">
        {order.map((step) => (
          <li key={step}>
            <h3>
              <Link to={pages[step]} params={{ workspace }}>
                {says[step].title}
              </Link>{' '}
              {done[step] && <span className="state complete">{says.done}</span>}
            </h3>
            {!done[step] && (
              <>
                <p className="quiet">{says[step].says}</p>
                <Code label={says[step].title} text={says[step].command} />
              </>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}
