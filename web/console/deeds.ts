/** What can be done on the page that is shown, for the palette and, by single letters, for the keyboard. Pages fill it; it is empty again when they go. */
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
