import { queryOptions } from '@tanstack/react-query'
import { readMe } from '../../../shared/api/me.ts'
import { call } from '../../api.ts'

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => call(readMe, { params: {} }, { signal }),
  staleTime: 60_000,
})
