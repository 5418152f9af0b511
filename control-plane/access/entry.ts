/**
 * How somebody becomes a person: by a set-up link or an invitation, which our routes have held to what is stored before they call this. The
 * session that begins here opens nothing but the enrolment of a passkey or a second factor. Not reachable from outside.
 */
import { createAuthEndpoint } from 'better-auth/api'
import { setSessionCookie } from 'better-auth/cookies'
import * as z from 'zod'

export const entry = () => ({
  id: 'entry',
  endpoints: {
    enter: createAuthEndpoint(
      '/enter',
      {
        method: 'POST',
        body: z.object({ name: z.string(), email: z.string(), password: z.string().nullable() }),
        metadata: { SERVER_ONLY: true },
      },
      async (context) => {
        const { name, email, password } = context.body
        const { internalAdapter, password: passwords } = context.context
        const user = await internalAdapter.createUser(
          { name, email, emailVerified: false },
          { method: 'link' },
        )
        if (password !== null) {
          await internalAdapter.linkAccount({
            userId: user.id,
            providerId: 'credential',
            accountId: user.id,
            password: await passwords.hash(password),
          })
        }
        const session = await internalAdapter.createSession(user.id)
        await setSessionCookie(context, { session, user })
        return context.json({ id: user.id })
      },
    ),
  },
})
