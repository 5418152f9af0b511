/** Counting what is at a place and what a filter takes of it: a slice (5 s at most) after the other, with a running sum. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { type Scan, scan } from '../../../shared/api/browse.ts'
import type { NewMigration } from '../../../shared/api/migrations.ts'
import type { Filter } from '../../../shared/policy.ts'
import { together } from '../../../shared/scan.ts'
import { call } from '../../api.ts'

export interface Scanning {
  /** `paused`: there is more to look at. `done`: all of it was looked at. */
  readonly state: 'idle' | 'running' | 'paused' | 'done'
  /** Of what was looked at so far; null before the first slice. */
  readonly sum: Scan | null
  /** The sum is still that of what was asked before. */
  readonly isOld: boolean
  /** Why the last slice did not come. */
  readonly error: Error | null
}
const idle: Scanning = { state: 'idle', sum: null, isOld: false, error: null }

export interface Scanner extends Scanning {
  /** To the end. */
  go(): void
  /** From the beginning. */
  again(): void
  stop(): void
}

/**
 * Begins anew with another location or filter: by itself with one slice where `first`, else when it is told to. Null: nothing to look at yet.
 */
export function useScan(
  workspace: string,
  what: { location: NewMigration['source']; filter: Filter } | null,
  { first }: { first: boolean },
): Scanner {
  const [scanning, set] = useState<Scanning>(idle)
  const running = useRef<AbortController | null>(null)
  const at = useRef<Scan | null>(null)
  const key = JSON.stringify(what)

  const run = useCallback(
    async (slices: number) => {
      const { location, filter } = JSON.parse(key) as NonNullable<typeof what>
      running.current?.abort()
      const stopped = new AbortController()
      running.current = stopped
      // What is shown stays until there is something else to show.
      set((before) => ({
        state: 'running',
        sum: at.current ?? before.sum,
        isOld: at.current === null && before.sum !== null,
        error: null,
      }))
      try {
        for (let i = 0; i < slices; i++) {
          const cursor = at.current?.cursor
          const body = { location, filter, ...(cursor && { cursor }) }
          const part = await call(scan, { params: { workspace }, body }, { signal: stopped.signal })
          if (stopped.signal.aborted) return
          at.current = at.current ? together(at.current, part) : part
          const isLast = part.cursor === null || i + 1 === slices
          const state = part.cursor === null ? 'done' : isLast ? 'paused' : 'running'
          set({ ...idle, state, sum: at.current })
          if (part.cursor === null) return
        }
      } catch (error) {
        if (stopped.signal.aborted) return
        set({ ...idle, state: at.current ? 'paused' : 'idle', sum: at.current, error: error as Error })
      }
    },
    [workspace, key],
  )

  useEffect(() => {
    at.current = null
    if (first && key !== 'null') void run(1)
    else set(idle)
    return () => running.current?.abort()
  }, [key, first, run])

  return {
    ...scanning,
    go: () => void run(Number.POSITIVE_INFINITY),
    again() {
      at.current = null
      void run(Number.POSITIVE_INFINITY)
    },
    stop() {
      running.current?.abort()
      set({ ...idle, state: at.current ? 'paused' : 'idle', sum: at.current })
    },
  }
}

/** `value` once it has stayed the same for so many milliseconds. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, settle] = useState(value)
  const key = JSON.stringify(value)
  // biome-ignore lint/correctness/useExhaustiveDependencies: equal values are one.
  useEffect(() => {
    const timer = setTimeout(() => settle(value), ms)
    return () => clearTimeout(timer)
  }, [key, ms])
  return settled
}
