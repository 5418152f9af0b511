/** The draft of a new migration, kept in this tab until it is made: a reload, or a way round by the sealing page, loses nothing of it. */
import { useRef, useState } from 'react'
import { type Draft, draftSchema } from './draft.ts'

/** `from`: the migration that it is like. */
const nameOf = (workspace: string, from: string | null) =>
  `dray-new-migration:${workspace}${from === null ? '' : `:${from}`}`

/** Null where there is none, or one of another version of this page. */
export function keptDraft(workspace: string, from: string | null): Draft | null {
  try {
    return draftSchema.parse(JSON.parse(sessionStorage.getItem(nameOf(workspace, from)) ?? 'null'))
  } catch {
    return null
  }
}

/** It is kept before anything else happens: whoever leaves the page right after a change finds it again. */
export function useDraft(workspace: string, from: string | null, initial: Draft) {
  const [draft, setDraft] = useState(initial)
  const latest = useRef(draft)
  return {
    draft,
    change(part: Partial<Draft>) {
      latest.current = { ...latest.current, ...part }
      sessionStorage.setItem(nameOf(workspace, from), JSON.stringify(latest.current))
      setDraft(latest.current)
    },
  }
}

export const forget = (workspace: string, from: string | null): void =>
  sessionStorage.removeItem(nameOf(workspace, from))
