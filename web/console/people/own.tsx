/** One's own ways in: sessions and passkeys. Only for people. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { revokeSession, type SessionView } from '../../../shared/api/me.ts'
import { call } from '../../api.ts'
import { anything, ask } from '../../entry/ask.ts'
import { canPasskeys, makePasskey } from '../../entry/passkey.ts'
import { useChange } from '../change.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/people.ts'
import { peopleTexts } from '../texts/people.ts'

const texts = peopleTexts.own

export const Own = () => (
  <section className="stack" aria-label={texts.title}>
    <h2>{texts.title}</h2>
    <Passkeys />
    <Sessions />
  </section>
)

function Passkeys() {
  const asked = useQuery(queries.passkeys)
  const [doomed, doom] = useState<string | null>(null)
  const stale = ['me', 'passkeys']
  const add = useChange({ run: () => makePasskey(), stale, says: () => texts.added })
  const remove = useChange({
    run: (id: string) => ask('POST', '/passkey/delete-passkey', anything, { id }),
    stale,
    says: () => texts.removed,
  })
  return (
    <>
      <div className="head">
        <h3>{texts.passkeys}</h3>
        <div className="actions">
          <button type="button" disabled={!canPasskeys() || add.isPending} onClick={() => add.mutate()}>
            {texts.addPasskey}
          </button>
        </div>
      </div>
      {!canPasskeys() && <p className="quiet">{texts.cannot}</p>}
      <Refusal of={add.error} />
      <Shown of={asked} what={texts.passkeys}>
        {(passkeys) =>
          passkeys.length === 0 ? (
            <p className="quiet">{texts.noPasskeys}</p>
          ) : (
            <Table
              caption={texts.passkeys}
              columns={[
                { name: texts.keyColumns.name, cell: ({ name }) => texts.passkey(name ?? null) },
                {
                  name: texts.keyColumns.made,
                  cell: ({ createdAt }) => (createdAt ? <Time at={createdAt.getTime()} /> : '–'),
                },
                {
                  name: texts.keyColumns.deeds,
                  cell: ({ id }) => (
                    <button type="button" onClick={() => doom(id)}>
                      {texts.removePasskey}
                    </button>
                  ),
                },
              ]}
              rows={passkeys}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
      <Confirm
        open={doomed !== null}
        close={() => doom(null)}
        title={texts.ask.title}
        deed={texts.ask.deed}
        danger
        run={() => remove.mutateAsync(doomed!)}
      >
        {texts.ask.says}
      </Confirm>
    </>
  )
}

function Sessions() {
  const asked = useQuery(queries.sessions)
  const end = useChange({
    run: ({ id }: SessionView) => call(revokeSession, { params: { session: id } }),
    stale: ['me', 'sessions'],
    says: () => texts.ended,
  })
  return (
    <>
      <h3>{texts.sessions}</h3>
      <Refusal of={end.error} />
      <Shown of={asked} what={texts.sessions}>
        {({ sessions }) => (
          <Table
            caption={texts.sessions}
            columns={[
              {
                name: texts.columns.by,
                cell: ({ method, current }) => (
                  <span>
                    {peopleTexts.methods[method]}{' '}
                    {current && <span className="quiet">({texts.current})</span>}
                  </span>
                ),
              },
              {
                name: texts.columns.from,
                kind: 'key',
                cell: ({ agent, address }) => (
                  <div>
                    {agent ?? texts.unknown}
                    {address && <div className="quiet">{address}</div>}
                  </div>
                ),
              },
              { name: texts.columns.since, cell: ({ createdAt }) => <Time at={createdAt} /> },
              { name: texts.columns.until, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
              {
                name: texts.columns.deeds,
                cell: (session) => (
                  <button type="button" disabled={session.current} onClick={() => end.mutate(session)}>
                    {texts.end}
                  </button>
                ),
              },
            ]}
            rows={sessions}
            id={({ id }) => id}
          />
        )}
      </Shown>
    </>
  )
}
