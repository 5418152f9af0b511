import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'
import type { Looking } from '../search.ts'

/** What is looked at closer, and how to look at something else; `undefined` takes a choice back. The way back goes over it. */
export function useLooking(): readonly [
  Looking,
  (change: { [name in keyof Looking]: Looking[name] | undefined }) => void,
] {
  const looking = useSearch({ from: '/w/$workspace/migrations/$migration' })
  const navigate = useNavigate()
  const look = useCallback(
    (change: { [name in keyof Looking]: Looking[name] | undefined }) =>
      void navigate({
        to: '.',
        search: (before: object) => ({ ...before, ...change }),
        resetScroll: false,
      } as never),
    [navigate],
  )
  return [looking, look]
}
