/** A new migration: what was begun in this tab is gone on with; else it begins empty, or like another one. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Rate } from '../../../shared/estimate.ts'
import { type Draft, draftLike, emptyDraft } from '../new-migration/draft.ts'
import { forget, keptDraft } from '../new-migration/kept.ts'
import { Wizard } from '../new-migration/wizard.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { Style } from '../parts/style.tsx'
import * as queries from '../queries/migrations.ts'
import { newMigrationTexts as texts } from '../texts/new-migration.ts'
import { texts as common } from '../texts.ts'

export function NewMigration() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { from = null } = useSearch({ from: '/w/$workspace/new-migration' })
  const [round, setRound] = useState(0)
  const again = () => {
    forget(workspace, from)
    setRound(round + 1)
  }
  return (
    <Page
      title={texts.title}
      back={
        <Link to="/w/$workspace/migrations" params={{ workspace }}>
          {texts.back}
        </Link>
      }
    >
      <Style of="wizard" />
      <Begin key={`${workspace} ${from} ${round}`} {...{ workspace, from, again }} />
    </Page>
  )
}

function Begin({ workspace, from, again }: { workspace: string; from: string | null; again(): void }) {
  const [kept] = useState(() => keptDraft(workspace, from))
  const like = useQuery({ ...queries.migration(workspace, from ?? ''), enabled: from !== null })
  const begin = (initial: Draft) => (
    <Wizard {...{ workspace, from, initial, again }} measured={rateOf(like.data?.pass)} />
  )
  if (kept) return begin(kept)
  if (from === null) return begin(emptyDraft)
  return (
    <Shown of={like} what={common.what.migrations}>
      {(migration) => begin(draftLike(migration))}
    </Shown>
  )
}

/** How fast a pass that is over was, where that tells something. */
function rateOf(pass: PassStatus | null | undefined): Rate | null {
  if (!pass?.endedAt) return null
  const seconds = (pass.endedAt - pass.startedAt) / 1_000
  const { objects, bytes } = pass.counts
  if (seconds < 60 || objects.copied === 0) return null
  return { bytes: bytes.copied / seconds, objects: objects.copied / seconds }
}
