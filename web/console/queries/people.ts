import { queryOptions } from '@tanstack/react-query'
import * as z from 'zod'
import { readEntry } from '../../../shared/api/entry.ts'
import { listSessions } from '../../../shared/api/me.ts'
import { listInvitations, listMembers } from '../../../shared/api/members.ts'
import { listTokens } from '../../../shared/api/tokens.ts'
import { all, call } from '../../api.ts'
import { ask } from '../../entry/ask.ts'

const query = { limit: 1_000 }

export const members = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'members'],
    queryFn: async () => {
      const pages = await all(listMembers, { params: { workspace }, query })
      return { members: pages.flatMap((page) => page.members) }
    },
  })

export const invitations = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'invitations'],
    queryFn: async () => {
      const pages = await all(listInvitations, { params: { workspace }, query })
      return { invitations: pages.flatMap((page) => page.invitations) }
    },
  })

export const tokens = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'tokens'],
    queryFn: async () => {
      const pages = await all(listTokens, { params: { workspace }, query })
      return { tokens: pages.flatMap((page) => page.tokens) }
    },
  })

/** Whether the first owner is still missing. */
export const entry = queryOptions({
  queryKey: ['entry'],
  queryFn: ({ signal }) => call(readEntry, { params: {} }, { signal }),
})

export const sessions = queryOptions({
  queryKey: ['me', 'sessions'],
  queryFn: ({ signal }) => call(listSessions, { params: {} }, { signal }),
})

const passkeysSchema = z.array(
  z.object({ id: z.string(), name: z.string().nullish(), createdAt: z.coerce.date().nullish() }),
)
export const passkeys = queryOptions({
  queryKey: ['me', 'passkeys'],
  queryFn: () => ask('GET', '/passkey/list-user-passkeys', passkeysSchema),
})
