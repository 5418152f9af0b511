/** Who is invited and has not come yet; the link is shown once. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Me } from '../../../shared/api/me.ts'
import { createInvitation, type InvitationView, withdrawInvitation } from '../../../shared/api/members.ts'
import type { Role } from '../../../shared/api/scopes.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useCalled } from '../deeds.ts'
import { useMay } from '../may.ts'
import { Dialog } from '../parts/dialog.tsx'
import { ChoiceField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Once } from '../parts/once.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/people.ts'
import { peopleTexts } from '../texts/people.ts'
import { texts as common } from '../texts.ts'
import { rolesFor } from './members.tsx'

const texts = peopleTexts.invitations

export function Invitations({ workspace, me }: { workspace: string; me: Me | undefined }) {
  const asked = useQuery(queries.invitations(workspace))
  const may = useMay(workspace, 'members:write')
  const [isOpen, open] = useState(false)
  useCalled('/people', () => may && open(true))
  const [made, setMade] = useState<{ email: string; link: string } | null>(null)
  const withdraw = useChange({
    run: ({ id }: InvitationView) => call(withdrawInvitation, { params: { workspace, invitation: id } }),
    stale: [workspace, 'invitations'],
    says: (_, { email }) => texts.withdrawn(email),
  })
  return (
    <section className="stack" aria-label={texts.title}>
      <div className="head">
        <h2>{texts.title}</h2>
        {may && (
          <div className="actions">
            <button type="button" onClick={() => open(true)}>
              {texts.make}
            </button>
          </div>
        )}
      </div>
      <Refusal of={withdraw.error} />
      <Shown of={asked} what={texts.what}>
        {({ invitations }) =>
          invitations.length === 0 ? (
            <p className="quiet">{texts.empty}</p>
          ) : (
            <Table
              caption={texts.title}
              columns={[
                { name: texts.columns.email, kind: 'key', cell: ({ email }) => <strong>{email}</strong> },
                { name: texts.columns.role, cell: ({ role }) => role },
                { name: texts.columns.by, cell: ({ inviter }) => inviter },
                { name: texts.columns.expires, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
                {
                  name: texts.columns.deeds,
                  cell: (invitation) => (
                    <button type="button" disabled={!may} onClick={() => withdraw.mutate(invitation)}>
                      {texts.withdraw}
                    </button>
                  ),
                },
              ]}
              rows={invitations}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
      {isOpen && (
        <Form
          workspace={workspace}
          roles={rolesFor(me, workspace)}
          close={() => open(false)}
          made={(email, link) => setMade({ email, link })}
        />
      )}
      <Once
        title={texts.link.title(made?.email ?? '')}
        says={texts.link.says}
        label={texts.link.label}
        secret={made?.link ?? null}
        close={() => setMade(null)}
      />
    </section>
  )
}

function Form(props: {
  workspace: string
  roles: readonly Role[]
  close(): void
  made(email: string, link: string): void
}) {
  const { workspace, roles, close } = props
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const [days, setDays] = useState('7')
  const save = useChange({
    run: () => call(createInvitation, { params: { workspace }, body: { email, role, days: Number(days) } }),
    stale: [workspace, 'invitations'],
    done({ invitation, link }) {
      close()
      props.made(invitation.email, link)
    },
  })
  return (
    <Dialog open close={close} title={texts.make}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        <TextField
          label={texts.email}
          hint={texts.emailHint}
          type="email"
          value={email}
          change={setEmail}
          autoComplete="off"
          required
        />
        <ChoiceField<Role>
          label={texts.role}
          value={role}
          change={setRole}
          choices={roles.map((one) => [one, one, peopleTexts.roles[one]])}
        />
        <TextField label={texts.days} type="number" min={1} max={30} value={days} change={setDays} required />
        <Refusal of={save.error} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {common.dialog.cancel}
          </button>
          <button type="submit" className="primary" disabled={save.isPending}>
            {save.isPending ? common.dialog.busy : texts.deed}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
