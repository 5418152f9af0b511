import { queryOptions } from '@tanstack/react-query'
import { readWorkspace } from '../../../shared/api/workspaces.ts'
import { call } from '../../api.ts'

export const workspace = (id: string) =>
  queryOptions({
    queryKey: [id, 'workspace'],
    queryFn: ({ signal }) => call(readWorkspace, { params: { workspace: id } }, { signal }),
  })
