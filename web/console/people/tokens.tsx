/** API tokens, for programs. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Me } from '../../../shared/api/me.ts'
import type { Scope } from '../../../shared/api/scopes.ts'
import { createToken, revokeToken, type TokenView } from '../../../shared/api/tokens.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { Confirm, Dialog } from '../parts/dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { CheckField, SelectField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Once } from '../parts/once.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/people.ts'
import { peopleTexts } from '../texts/people.ts'
import { texts as common } from '../texts.ts'

const texts = peopleTexts.tokens

export function Tokens({ workspace, me }: { workspace: string; me: Me | undefined }) {
  const asked = useQuery(queries.tokens(workspace))
  const own = me?.workspaces.find(({ id }) => id === workspace)?.scopes ?? []
  const [isOpen, open] = useState(false)
  const [doomed, doom] = useState<TokenView | null>(null)
  const [made, setMade] = useState<{ name: string; secret: string } | null>(null)
  const revoke = useChange({
    run: ({ id }: TokenView) => call(revokeToken, { params: { workspace, token: id } }),
    stale: [workspace, 'tokens'],
    says: (_, { name }) => texts.revoked(name),
  })
  return (
    <section className="stack" aria-label={texts.title}>
      <div className="head">
        <h2>{texts.title}</h2>
        {own.includes('tokens:write') && (
          <div className="actions">
            <button type="button" onClick={() => open(true)}>
              {texts.make}
            </button>
          </div>
        )}
      </div>
      <Shown of={asked} what={texts.what}>
        {({ tokens }) =>
          tokens.length === 0 ? (
            <Empty says={texts.empty} command={texts.command} />
          ) : (
            <Table
              caption={texts.title}
              columns={[
                {
                  name: texts.columns.name,
                  cell: ({ name, start, maker }) => (
                    <div>
                      <strong>{name}</strong>
                      <div className="quiet">
                        {texts.begins(start)} {texts.by(maker)}
                      </div>
                    </div>
                  ),
                },
                {
                  name: texts.columns.may,
                  cell: ({ scopes }) => (
                    <span className="chips">
                      {scopes.map((scope) => (
                        <span className="chip" key={scope} title={scope}>
                          {peopleTexts.scopes[scope]}
                        </span>
                      ))}
                    </span>
                  ),
                },
                {
                  name: texts.columns.expires,
                  cell: ({ expiresAt }) => (expiresAt === null ? texts.never : <Time at={expiresAt} />),
                },
                {
                  name: texts.columns.used,
                  cell: ({ usedAt }) => (usedAt === null ? texts.never : <Time at={usedAt} />),
                },
                {
                  name: texts.columns.deeds,
                  cell: (token) => (
                    <button type="button" onClick={() => doom(token)}>
                      {texts.revoke}
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
      {isOpen && (
        <Form
          workspace={workspace}
          own={own}
          close={() => open(false)}
          made={(name, secret) => setMade({ name, secret })}
        />
      )}
      <Confirm
        open={doomed !== null}
        close={() => doom(null)}
        title={texts.ask.title(doomed?.name ?? '')}
        deed={texts.ask.deed}
        danger
        run={() => revoke.mutateAsync(doomed!)}
      >
        {texts.ask.says}
      </Confirm>
      <Once
        title={texts.secret.title(made?.name ?? '')}
        says={texts.secret.says}
        label={texts.secret.label}
        secret={made?.secret ?? null}
        close={() => setMade(null)}
      />
    </section>
  )
}

function Form(props: {
  workspace: string
  own: readonly Scope[]
  close(): void
  made(name: string, secret: string): void
}) {
  const { workspace, own, close } = props
  const [name, setName] = useState('')
  const [days, setDays] = useState<string>('90')
  const [scopes, setScopes] = useState<readonly Scope[]>(['migrations:read'])
  const save = useChange({
    run: () =>
      call(createToken, {
        params: { workspace },
        body: { name, scopes: [...scopes], days: days === '' ? null : Number(days) },
      }),
    stale: [workspace, 'tokens'],
    done({ token, secret }) {
      close()
      props.made(token.name, secret)
    },
  })
  return (
    <Dialog open close={close} title={texts.make} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <div className="fields">
          <TextField
            label={texts.name}
            hint={texts.nameHint}
            value={name}
            change={setName}
            maxLength={32}
            autoComplete="off"
            required
          />
          <SelectField label={texts.days} value={days} change={setDays} options={texts.dayChoices} />
        </div>
        <fieldset className="field choice">
          <legend>{texts.may}</legend>
          <div className="fields">
            {peopleTexts.scopeGroups.map(([group, ...begins]) => {
              const among = own.filter((scope) => begins.some((begin) => scope.startsWith(begin)))
              return among.length === 0 ? null : (
                <fieldset className="field choice" key={group}>
                  <legend>{group}</legend>
                  {among.map((scope) => (
                    <CheckField
                      key={scope}
                      label={peopleTexts.scopes[scope]}
                      checked={scopes.includes(scope)}
                      change={(on) =>
                        setScopes(on ? [...scopes, scope] : scopes.filter((one) => one !== scope))
                      }
                    />
                  ))}
                </fieldset>
              )
            })}
          </div>
        </fieldset>
        <Refusal of={save.error} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {common.dialog.cancel}
          </button>
          <button type="submit" className="primary" disabled={save.isPending || scopes.length === 0}>
            {save.isPending ? common.dialog.busy : texts.deed}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
