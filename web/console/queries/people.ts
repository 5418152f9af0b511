import { queryOptions } from '@tanstack/react-query'
import { listMembers } from '../../../shared/api/members.ts'
import { listTokens } from '../../../shared/api/tokens.ts'
import { call } from '../../api.ts'

export const members = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'members'],
    queryFn: ({ signal }) => call(listMembers, { params: { workspace } }, { signal }),
  })

export const tokens = (workspace: string) =>
  queryOptions({
    queryKey: [workspace, 'tokens'],
    queryFn: ({ signal }) => call(listTokens, { params: { workspace } }, { signal }),
  })
