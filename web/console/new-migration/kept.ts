/** The draft of a new migration, kept in this tab until it is made: a reload, or a way round by the sealing page, loses nothing of it. */
import { useEffect, useState } from 'react'
import { type Draft, draftSchema } from './draft.ts'

const nameOf = (workspace: string, from: string | null) =>
  `dray-new-migration:${workspace}${from === null ? '' : `:${from}`}`

/** `from`: the migration that it is like. */
export function keptDraft(workspace: string, from: string | null): Draft | null {
  try {
    return draftSchema.parse(JSON.parse(sessionStorage.getItem(nameOf(workspace, from)) ?? 'null'))
  } catch {
    return null
  }
}

export function useDraft(workspace: string, from: string | null, initial: Draft) {
  const [draft, setDraft] = useState(() => keptDraft(workspace, from) ?? initial)
  useEffect(() => {
    sessionStorage.setItem(nameOf(workspace, from), JSON.stringify(draft))
  }, [draft, workspace, from])
  return {
    draft,
    change: (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part })),
    clear: () => setDraft(initial),
  }
}

export const forget = (workspace: string, from: string | null): void =>
  sessionStorage.removeItem(nameOf(workspace, from))
