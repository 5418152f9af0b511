/** Who did what, when, from where; what it was before, and after. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type AuditEntry, exportAudit } from '../../../shared/api/audit.ts'
import { Details } from '../audit/details.tsx'
import { asked as askedOf, type Looked, lookedIn } from '../audit/filter.ts'
import { Empty } from '../parts/empty.tsx'
import { SelectField, TextField } from '../parts/field.tsx'
import { Said } from '../parts/key.tsx'
import { More } from '../parts/more.tsx'
import { Page } from '../parts/page.tsx'
import { SaveFile } from '../parts/save-file.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/audit.ts'
import { auditTexts as texts } from '../texts/audit.ts'
import { texts as common } from '../texts.ts'

export function Audit() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const looked = lookedIn(useSearch({ strict: false }))
  const navigate = useNavigate()
  const look = (next: Looked) =>
    void navigate({
      to: '/w/$workspace/audit',
      params: { workspace },
      search: lookedIn({ ...next }) as never,
      replace: true,
    })
  const filter = askedOf(looked)
  const asked = useInfiniteQuery(queries.audit(workspace, filter))
  const isFiltered = Object.keys(looked).length > 0
  const only = ({ actor }: AuditEntry) => (
    <button
      type="button"
      className="bare"
      title={texts.only(actor.name)}
      onClick={() => look({ ...looked, actor: actor.id })}
    >
      {actor.name}
    </button>
  )
  return (
    <Page
      title={common.nav.audit}
      actions={
        <SaveFile
          contract={exportAudit}
          input={{ params: { workspace }, query: filter }}
          name={`audit-${workspace}.ndjson`}
          title={texts.downloadHint}
        >
          {texts.download}
        </SaveFile>
      }
    >
      <Filters looked={looked} look={look} />
      <Shown of={asked} what={texts.what}>
        {({ pages }) => {
          const entries = pages.flatMap((page) => page.entries)
          if (entries.length === 0) {
            return isFiltered ? <p className="quiet">{texts.none}</p> : <Empty says={texts.empty} />
          }
          return (
            <>
              <Table
                caption={common.nav.audit}
                columns={[
                  { name: texts.columns.when, cell: ({ at }) => <Time at={at} /> },
                  {
                    name: texts.columns.who,
                    cell: (entry) => (
                      <div>
                        {only(entry)}
                        <div className="quiet">
                          {entry.actor.kind}
                          {entry.address ? texts.from(entry.address) : ''}
                        </div>
                      </div>
                    ),
                  },
                  { name: texts.columns.what, cell: ({ action }) => <code>{action}</code> },
                  {
                    name: texts.columns.of,
                    kind: 'key',
                    cell: ({ subject }) => (
                      <span className="mono">
                        <Said text={subject} />
                      </span>
                    ),
                  },
                  { name: texts.columns.details, cell: (entry) => <Details of={entry} /> },
                ]}
                rows={entries}
                id={({ id }) => String(id)}
              />
              <More of={asked} />
            </>
          )
        }}
      </Shown>
    </Page>
  )
}

function Filters({ looked, look }: { looked: Looked; look(next: Looked): void }) {
  const { action = '', subject = '', since = '', until = '', actor } = looked
  const nouns: readonly string[] = texts.nouns
  const options = [...nouns, ...(action === '' || nouns.includes(action) ? [] : [action])]
  return (
    <section className="stack" aria-label={texts.filters}>
      <div className="fields">
        <SelectField
          label={texts.about}
          value={action}
          change={(action) => look({ ...looked, action })}
          options={[['', texts.everything], ...options.map((noun) => [noun, noun] as const)]}
        />
        <TextField
          label={texts.subject}
          type="search"
          value={subject}
          change={(subject) => look({ ...looked, subject })}
          placeholder={texts.subjectHint}
        />
        <TextField
          label={texts.since}
          type="date"
          value={since}
          change={(since) => look({ ...looked, since })}
        />
        <TextField
          label={texts.until}
          type="date"
          value={until}
          change={(until) => look({ ...looked, until })}
        />
      </div>
      {Object.keys(looked).length > 0 && (
        <div className="row wraps">
          {actor && <span className="chip">{texts.by(actor)}</span>}
          <button type="button" onClick={() => look({})}>
            {texts.clear}
          </button>
        </div>
      )}
    </section>
  )
}
