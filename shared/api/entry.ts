/** How somebody becomes a person here: the first owner by a set-up link, the others by an invitation. Nobody else does, but by OIDC. */
import * as z from 'zod'
import { idSchema } from '../id.ts'
import { emailSchema, passwordSchema, personNameSchema } from './me.ts'
import { route } from './route.ts'
import { roleSchema } from './scopes.ts'

/** The secret part of a link: in its fragment, so that it is in no log. */
const secretSchema = z.string().min(16).max(200)

export const readEntry = route({
  method: 'GET',
  path: '/api/entry',
  needs: 'anybody',
  summary: 'Tells how one gets in: whether the first owner is still missing, and the single sign-on’s name.',
  answer: z.object({
    setup: z.boolean(),
    /** What its button says; null where there is none. */
    oidc: z.string().nullable(),
  }),
})

const enteredSchema = z.object({ id: z.string() })

/** Its session (a cookie) opens nothing but the enrolment of a passkey or of a second factor. */
export const setUp = route({
  method: 'POST',
  path: '/api/setup',
  needs: 'anybody',
  summary: 'Makes the first owner, by the set-up link; once.',
  body: z.strictObject({
    token: secretSchema,
    name: personNameSchema,
    email: emailSchema,
    /** Left out by those who will sign in by passkey. */
    password: passwordSchema.nullable().default(null),
  }),
  answer: enteredSchema,
  status: 201,
  secret: true,
})

export const lookAtInvitation = route({
  method: 'POST',
  path: '/api/invitations/:invitation/look',
  needs: 'anybody',
  summary: 'Tells whoever has its link what an invitation is to.',
  body: z.strictObject({ secret: secretSchema }),
  answer: z.object({
    workspace: z.object({ id: idSchema, name: z.string() }),
    email: z.string(),
    role: roleSchema,
    inviter: z.string(),
    /** Whether there is a person of that address already, who signs in. */
    known: z.boolean(),
  }),
})

export const enterByInvitation = route({
  method: 'POST',
  path: '/api/invitations/:invitation/enter',
  needs: 'anybody',
  summary: 'Makes the person that an invitation is for; the session opens nothing but enrolment.',
  body: z.strictObject({
    secret: secretSchema,
    name: personNameSchema,
    password: passwordSchema.nullable().default(null),
  }),
  answer: enteredSchema,
  status: 201,
  secret: true,
})

export const acceptInvitation = route({
  method: 'POST',
  path: '/api/invitations/:invitation/accept',
  needs: 'person',
  summary: 'Makes the person whom an invitation is for a member.',
  body: z.strictObject({ secret: secretSchema }),
  answer: z.object({ workspace: idSchema, role: roleSchema }),
})
