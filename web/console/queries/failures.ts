import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { listCauses, listFailures } from '../../../shared/api/failures.ts'
import { call } from '../../api.ts'
import type { Filter } from '../failures/search.ts'
import { failuresOf } from './migrations.ts'

/** The pass whose failures are meant. */
export interface OfPass {
  readonly workspace: string
  readonly migration: string
  readonly pass: number
}

export type { Filter }

/** Rows of a page. */
export const pageRows = 200

const key = ({ workspace, migration, pass }: OfPass, ...rest: unknown[]) => [
  ...failuresOf(workspace, migration),
  pass,
  ...rest,
]
const asked = ({ cause, ...filter }: Filter) => ({
  ...filter,
  ...(cause !== undefined && { cause: String(cause) }),
})

export const causes = (of: OfPass) =>
  queryOptions({
    queryKey: key(of, 'causes'),
    queryFn: ({ signal }) => call(listCauses, { params: { ...of } }, { signal }),
  })

/** How many there are. */
export const matching = (of: OfPass, filter: Filter) =>
  queryOptions({
    queryKey: key(of, 'matching', filter),
    queryFn: async ({ signal }) => {
      const query = { ...asked(filter), limit: 1 }
      const { matching, isMore } = await call(listFailures, { params: { ...of }, query }, { signal })
      return { matching: matching ?? 0, isMore }
    },
    placeholderData: keepPreviousData,
  })

/** A page of them. What nobody looks at any more is forgotten: of a million rows a page holds some hundreds. */
export const failures = (of: OfPass, filter: Filter, cursor: string | null) =>
  queryOptions({
    queryKey: key(of, 'rows', filter, cursor),
    queryFn: ({ signal }) => {
      const query = { ...asked(filter), limit: pageRows, ...(cursor !== null && { cursor }) }
      return call(listFailures, { params: { ...of }, query }, { signal })
    },
    gcTime: 5_000,
  })
