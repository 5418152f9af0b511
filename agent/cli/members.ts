/** `dray member …` and `dray workspace …`. */
import {
  changeMember,
  createInvitation,
  type InvitationView,
  listInvitations,
  listMembers,
  type MemberView,
  removeMember,
  withdrawInvitation,
} from '../../shared/api/members.ts'
import type { Role } from '../../shared/api/scopes.ts'
import { createWorkspace, listWorkspaces, renameWorkspace } from '../../shared/api/workspaces.ts'
import { DrayError } from '../../shared/error.ts'
import { visible } from '../../shared/key.ts'
import { exitCodes, type Io } from './io.ts'
import { type AskOptions, withSomePlane } from './plane.ts'
import type { PlaneClient } from './plane-client.ts'
import { table } from './table.ts'

export async function listThem(options: AskOptions, io: Io): Promise<number> {
  const [members, invitations] = await withSomePlane(options, io, async (plane) => [
    await membersOf(plane),
    await invitationsOf(plane),
  ])
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ members, invitations })}\n`)
    return exitCodes.equal
  }
  const rows = [
    ...members.map(({ name, email, role, createdAt }) => [name, email, role, `since ${day(createdAt)}`]),
    ...invitations.map(({ email, role, expiresAt }) => ['', email, role, `invited until ${day(expiresAt)}`]),
  ]
  io.stdout.write(visible(table(['NAME', 'E-MAIL', 'ROLE', ''], rows)))
  return exitCodes.equal
}

export async function invite(
  email: string,
  options: AskOptions & { role: Role; days: number },
  io: Io,
): Promise<number> {
  const { role, days } = options
  const made = await withSomePlane(options, io, (plane) =>
    plane.call(createInvitation, { body: { email, role, days } }),
  )
  if (options.json) io.stdout.write(`${JSON.stringify(made)}\n`)
  else {
    io.stdout.write(
      visible(
        `Invited ${made.invitation.email} as ${role}. Send them this link; it is not shown again, and good until ${day(made.invitation.expiresAt)}:\n  ${made.link}\n`,
      ),
    )
  }
  return exitCodes.equal
}

export async function setRole(who: string, role: Role, options: AskOptions, io: Io): Promise<number> {
  const member = await withSomePlane(options, io, async (plane) => {
    const { id, revision } = await find(plane, who)
    return plane.call(changeMember, { params: { member: id }, body: { role } }, { ifMatch: revision })
  })
  io.stdout.write(
    options.json
      ? `${JSON.stringify(member)}\n`
      : visible(`${member.name} <${member.email}> is ${role} now.\n`),
  )
  return exitCodes.equal
}

/** A member, or an open invitation. */
export async function remove(who: string, options: AskOptions, io: Io): Promise<number> {
  await withSomePlane(options, io, async (plane) => {
    const invitation = (await invitationsOf(plane)).find(({ id, email }) => id === who || same(email, who))
    if (invitation) return plane.call(withdrawInvitation, { params: { invitation: invitation.id } })
    const { id } = await find(plane, who)
    return plane.call(removeMember, { params: { member: id } })
  })
  io.stdout.write(options.json ? `${JSON.stringify({ removed: who })}\n` : visible(`Removed ${who}.\n`))
  return exitCodes.equal
}

async function find(plane: PlaneClient, who: string): Promise<MemberView> {
  const found = (await membersOf(plane)).find(({ id, email }) => id === who || same(email, who))
  if (found) return found
  throw new DrayError('not-found', 'look', `${who} is no member of ${plane.workspace}`, {
    hint: 'See dray member list for those that there are.',
  })
}

const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()

async function membersOf(plane: PlaneClient): Promise<MemberView[]> {
  const found: MemberView[] = []
  for await (const page of plane.pages(listMembers, {})) found.push(...page.members)
  return found
}

async function invitationsOf(plane: PlaneClient): Promise<InvitationView[]> {
  const found: InvitationView[] = []
  for await (const page of plane.pages(listInvitations, {})) found.push(...page.invitations)
  return found
}

export async function listOwn(options: AskOptions, io: Io): Promise<number> {
  const { workspaces } = await withSomePlane(options, io, (plane) => plane.call(listWorkspaces, {}))
  if (options.json) io.stdout.write(`${JSON.stringify({ workspaces })}\n`)
  else if (workspaces.length === 0) io.stdout.write('You are a member of no workspace.\n')
  else {
    const rows = workspaces.map(({ id, name, role }) => [id, name, role ?? 'token'])
    io.stdout.write(visible(table(['ID', 'NAME', 'ROLE'], rows)))
  }
  return exitCodes.equal
}

export async function make(id: string, options: AskOptions & { name?: string }, io: Io): Promise<number> {
  const body = { id, name: options.name ?? id }
  const made = await withSomePlane(options, io, (plane) => plane.call(createWorkspace, { body }))
  io.stdout.write(
    options.json
      ? `${JSON.stringify(made)}\n`
      : visible(`Made the workspace ${id}; ask it with --workspace ${id}.\n`),
  )
  return exitCodes.equal
}

export async function rename(name: string, options: AskOptions, io: Io): Promise<number> {
  const after = await withSomePlane(options, io, (plane) => plane.call(renameWorkspace, { body: { name } }))
  io.stdout.write(
    options.json ? `${JSON.stringify(after)}\n` : visible(`${after.id} is called ${after.name} now.\n`),
  )
  return exitCodes.equal
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
