/** Downloading from a browser that is known by a token: a link can carry none, so it carries a ticket. */
import * as z from 'zod'
import { route } from './route.ts'

/** Behind the address of what is downloaded. */
export const ticketParameter = 'ticket'

export const openDownload = route({
  method: 'POST',
  path: '/api/workspaces/:workspace/migrations/:migration/downloads',
  needs: 'migrations:read',
  summary:
    'A ticket to download a report or the failures of a pass with, for where a link cannot send a token: good once, for 30 seconds, as `?ticket=` behind the address.',
  answer: z.object({ ticket: z.string(), expiresAt: z.number() }),
  status: 201,
  secret: true,
})
