/** What was done to one thing, the newest first; all of it is in the audit log. Nothing for whom that log is not. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMay } from '../may.ts'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import { history } from '../queries/history.ts'
import { siteTexts } from '../texts/sites.ts'

const texts = siteTexts.agent

export function History({ workspace, subject }: { workspace: string; subject: string }) {
  const may = useMay(workspace, 'audit:read')
  const asked = useQuery({ ...history(workspace, subject), enabled: may })
  if (!may) return null
  return (
    <section aria-labelledby="history">
      <h2 id="history">{texts.history}</h2>
      <Shown of={asked} what={texts.history}>
        {({ entries }) =>
          entries.length === 0 ? (
            <p className="quiet">{texts.noHistory}</p>
          ) : (
            <Table
              caption={texts.history}
              columns={[
                { name: texts.when, cell: ({ at }) => <Time at={at} /> },
                { name: texts.what, cell: ({ action }) => action },
                { name: texts.who, cell: ({ actor }) => actor.name },
              ]}
              rows={entries}
              id={({ id }) => String(id)}
            />
          )
        }
      </Shown>
      <p className="small">
        <Link to="/w/$workspace/audit" params={{ workspace }} search={{ subject } as never}>
          {texts.all}
        </Link>
      </p>
    </section>
  )
}
