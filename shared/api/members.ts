/** Who is a member of a workspace, with which role; and who is invited. Nobody gives a role, or takes one, that can more than they can. */
import * as z from 'zod'
import { emailSchema } from './me.ts'
import { cursorSchema, pageQuery, revisionSchema, route } from './route.ts'
import { roleSchema } from './scopes.ts'

export const memberSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: roleSchema,
  revision: revisionSchema,
  createdAt: z.number(),
})
export type MemberView = z.infer<typeof memberSchema>

export const listMembers = route({
  method: 'GET',
  path: '/api/workspaces/:workspace/members',
  needs: 'members:read',
  summary: 'Lists the members, longest there first.',
  query: pageQuery,
  answer: z.object({ members: z.array(memberSchema), cursor: cursorSchema }),
})

export const changeMember = route({
  method: 'PATCH',
  path: '/api/workspaces/:workspace/members/:member',
  needs: 'members:write',
  summary: 'Gives a member another role. The last owner stays one.',
  body: z.strictObject({ role: roleSchema }),
  answer: memberSchema,
})

export const removeMember = route({
  method: 'DELETE',
  path: '/api/workspaces/:workspace/members/:member',
  needs: 'members:write',
  summary: 'Ends a membership at once, and the tokens that the member made. The last owner stays.',
})

export const invitationSchema = z.object({
  id: z.string(),
  email: z.string(),
  role: roleSchema,
  inviter: z.string(),
  createdAt: z.number(),
  expiresAt: z.number(),
})
export type InvitationView = z.infer<typeof invitationSchema>

export const listInvitations = route({
  method: 'GET',
  path: '/api/workspaces/:workspace/invitations',
  needs: 'members:read',
  summary: 'Lists the invitations that nobody has accepted yet, newest first.',
  query: pageQuery,
  answer: z.object({ invitations: z.array(invitationSchema), cursor: cursorSchema }),
})

export const createInvitation = route({
  method: 'POST',
  path: '/api/workspaces/:workspace/invitations',
  needs: 'members:write',
  summary: 'Invites somebody. The link is shown this once; pass it on.',
  body: z.strictObject({
    email: emailSchema,
    role: roleSchema,
    /** How long the link is good for. */
    days: z.number().int().min(1).max(30).default(7),
  }),
  answer: z.object({ invitation: invitationSchema, link: z.string() }),
  status: 201,
  secret: true,
})

export const withdrawInvitation = route({
  method: 'DELETE',
  path: '/api/workspaces/:workspace/invitations/:invitation',
  needs: 'members:write',
  summary: 'Makes an invitation’s link good for nothing.',
})
