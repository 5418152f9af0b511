/** What can be done on the page that is shown, for the palette and, by single letters, for the keyboard. Pages fill it; it is empty again when they go. */
import { useLocation, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'

export interface PageDeed {
  /** As on its button. */
  readonly name: string
  /** A single letter that does it; none of `g j k ? /`. */
  readonly key?: string
  run(): void
}

const filled = new Map<symbol, readonly PageDeed[]>()

/** Of what is rendered, while it is; what may not be done now is left out by the caller. */
export function useDeeds(deeds: readonly PageDeed[]): void {
  useEffect(() => {
    const id = Symbol()
    filled.set(id, deeds)
    return () => void filled.delete(id)
  })
}

export const deedsNow = (): readonly PageDeed[] => [...filled.values()].flat()

/** What the address of a page says, so that it begins with its main deed. */
export const called = '#new'

/**
 * Opens what makes a new one where the address calls for it, and takes that out of the address: it is not done again. `path`: of the page,
 * below the workspace: the page before it is still there while it is fetched.
 */
export function useCalled(path: string, open: () => void): void {
  const { hash, pathname } = useLocation()
  const navigate = useNavigate()
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each call.
  useEffect(() => {
    if (`#${hash}` !== called || !pathname.endsWith(path)) return
    open()
    void navigate({ to: '.', search: true, hash: '', replace: true } as never)
  }, [hash])
}
