/** Join tokens that can still be used: to be taken back, where one is lost. */
import { useQuery } from '@tanstack/react-query'
import { deleteJoinToken } from '../../../shared/api/sites.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { Refusal } from '../parts/notice.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/sites.ts'
import { siteTexts } from '../texts/sites.ts'

const texts = siteTexts.site

export function JoinTokens({ workspace, site }: { workspace: string; site: string }) {
  const asked = useQuery(queries.joinTokens(workspace, site))
  const back = useChange({
    run: (token: string) => call(deleteJoinToken, { params: { workspace, site, token } }),
    stale: [workspace, 'sites', site, 'tokens'],
    says: () => texts.takenBack,
  })
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">{texts.tokens}</h2>
      <Refusal of={back.error} />
      <Shown of={asked} what={texts.tokens}>
        {({ tokens }) =>
          tokens.length === 0 ? (
            <p className="quiet">{texts.tokensNone}</p>
          ) : (
            <Table
              caption={texts.tokens}
              columns={[
                { name: texts.token, kind: 'key', cell: ({ id }) => <span className="mono">{id}</span> },
                { name: texts.uses, cell: ({ used, uses }) => texts.usesOf(used, uses) },
                { name: texts.until, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
                { name: texts.by, cell: ({ createdBy }) => createdBy },
                {
                  name: siteTexts.column.act,
                  cell: ({ id }) => (
                    <button type="button" disabled={back.isPending} onClick={() => back.mutate(id)}>
                      {texts.takeBack}
                    </button>
                  ),
                },
              ]}
              rows={tokens}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
    </section>
  )
}
