/** Changes how a migration follows, and what a cut-over asks of it. */
import { useState } from 'react'
import { editMigration, type MigrationView } from '../../../shared/api/migrations.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { draftOf, followOf } from '../follow/draft.ts'
import { FollowFields } from '../follow/fields.tsx'
import { objectsOf } from '../last-pass.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Stale } from '../parts/stale.tsx'
import { followTexts as says } from '../texts/follow.ts'
import { texts } from '../texts.ts'

export function FollowEdit(props: { workspace: string; migration: MigrationView; close(): void }) {
  const { workspace, migration, close } = props
  const [draft, setDraft] = useState(() => draftOf(migration.follow))
  const follow = followOf(draft)
  const change = useChange({
    run: () =>
      call(
        editMigration,
        { params: { workspace, migration: migration.id }, body: { follow: follow! } },
        { ifMatch: migration.revision },
      ),
    stale: [workspace, 'migrations'],
    says: () => says.saved,
  })
  return (
    <Dialog open close={close} title={says.title} says={<p>{says.says}</p>} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (follow && !change.isPending) change.mutate(undefined, { onSuccess: close })
        }}
      >
        <FollowFields
          workspace={workspace}
          migration={migration.id}
          value={draft}
          change={(part) => setDraft({ ...draft, ...part })}
          isDirectory={migration.source.kind === 'file'}
          objects={objectsOf(migration)}
        />
        <Stale of={change.error} stale={[workspace, 'migrations']} close={close} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {texts.dialog.cancel}
          </button>
          <button type="submit" className="primary" disabled={!follow || change.isPending}>
            {change.isPending ? texts.dialog.busy : says.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
