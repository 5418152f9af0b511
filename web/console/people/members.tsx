/** Who is in the workspace, and as what. Nobody gives a role that can more than they can. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { leaveWorkspace, type Me } from '../../../shared/api/me.ts'
import { changeMember, type MemberView, removeMember } from '../../../shared/api/members.ts'
import { type Role, roles, scopesOf } from '../../../shared/api/scopes.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Shown } from '../parts/shown.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/people.ts'
import { peopleTexts } from '../texts/people.ts'

const texts = peopleTexts.members

/** Those that the caller may give. */
export const rolesFor = (me: Me | undefined, workspace: string): readonly Role[] => {
  const own = me?.workspaces.find(({ id }) => id === workspace)?.scopes ?? []
  return roles.filter((role) => scopesOf[role].every((scope) => own.includes(scope)))
}

type Ask = { what: 'remove' | 'leave'; of: MemberView } | { what: 'change'; of: MemberView; role: Role }

export function Members({ workspace, me }: { workspace: string; me: Me | undefined }) {
  const asked = useQuery(queries.members(workspace))
  const may = useMay(workspace, 'members:write')
  const given = rolesFor(me, workspace)
  const [asks, ask] = useState<Ask | null>(null)
  const stale = [workspace, 'members']
  const change = useChange({
    run: ({ of, role }: { of: MemberView; role: Role }) =>
      call(changeMember, { params: { workspace, member: of.id }, body: { role } }, { ifMatch: of.revision }),
    stale,
    says: ({ name, role }) => texts.changed(name, role),
  })
  const remove = useChange({
    run: ({ id }: MemberView) => call(removeMember, { params: { workspace, member: id } }),
    stale,
    says: (_, { name }) => texts.gone(name),
  })
  const leave = useChange({
    run: (_: MemberView) => call(leaveWorkspace, { params: { workspace } }),
    stale: ['me'],
    done: () => location.assign('/'),
  })
  const question =
    asks?.what === 'change'
      ? {
          title: texts.change.title(asks.of.name, asks.role),
          says: peopleTexts.roles[asks.role],
          deed: texts.change.deed(asks.role),
          run: () => change.mutateAsync(asks),
        }
      : asks?.what === 'leave'
        ? {
            ...texts.askLeave,
            run: () => leave.mutateAsync(asks.of),
          }
        : {
            ...texts.ask,
            title: texts.ask.title(asks?.of.name ?? ''),
            run: () => remove.mutateAsync(asks!.of),
          }
  return (
    <section className="stack" aria-label={texts.title}>
      <h2>{texts.title}</h2>
      <Shown of={asked} what={texts.what}>
        {({ members }) =>
          members.length === 0 ? (
            <p className="quiet">{texts.empty}</p>
          ) : (
            <Table
              caption={texts.title}
              columns={[
                {
                  name: texts.columns.name,
                  cell: ({ id, name }) => (
                    <span>
                      <strong>{name}</strong> {id === me?.id && <span className="quiet">({texts.you})</span>}
                    </span>
                  ),
                },
                { name: texts.columns.email, kind: 'key', cell: ({ email }) => email },
                {
                  name: texts.columns.role,
                  cell: (member) =>
                    may && given.includes(member.role) ? (
                      <select
                        aria-label={texts.roleOf(member.name)}
                        value={member.role}
                        onChange={(event) => {
                          const role = given.find((one) => one === event.target.value)
                          if (role) ask({ what: 'change', of: member, role })
                        }}
                      >
                        {given.map((role) => (
                          <option key={role}>{role}</option>
                        ))}
                      </select>
                    ) : (
                      <span title={peopleTexts.roles[member.role]}>{member.role}</span>
                    ),
                },
                { name: texts.columns.since, cell: ({ createdAt }) => <Time at={createdAt} /> },
                {
                  name: texts.columns.deeds,
                  cell: (member) =>
                    member.id === me?.id ? (
                      <button type="button" onClick={() => ask({ what: 'leave', of: member })}>
                        {texts.leave}
                      </button>
                    ) : (
                      <button
                        type="button"
                        disabled={!may || !given.includes(member.role)}
                        onClick={() => ask({ what: 'remove', of: member })}
                      >
                        {texts.remove}
                      </button>
                    ),
                },
              ]}
              rows={members}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
      <dl className="meanings">
        {roles.map((role) => (
          <div key={role}>
            <dt>{role}</dt>
            <dd>{peopleTexts.roles[role]}</dd>
          </div>
        ))}
      </dl>
      <Confirm
        open={asks !== null}
        close={() => ask(null)}
        title={question.title}
        deed={question.deed}
        danger={asks?.what !== 'change'}
        run={question.run}
      >
        {question.says}
      </Confirm>
    </section>
  )
}
