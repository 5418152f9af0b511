/** Changes the priority and the policy of a migration: what most people change of it; the rest stays. */
import { useState } from 'react'
import { editMigration, type MigrationView } from '../../../shared/api/migrations.ts'
import { archivedPolicies, compares, type Priority, passOptions, priorities } from '../../../shared/policy.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { ConflictsField, DeletesFields, deletesOf } from '../parts/deletes-fields.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { ChoiceField, SelectField } from '../parts/field.tsx'
import { Stale } from '../parts/stale.tsx'
import { migrationTexts } from '../texts/migration.ts'
import { texts } from '../texts.ts'

const says = migrationTexts.edit

export function Edit(props: { workspace: string; migration: MigrationView; close(): void }) {
  const { workspace, migration, close } = props
  const [priority, setPriority] = useState(migration.priority)
  const [policy, setPolicy] = useState(migration.policy)
  const whole = passOptions(policy)
  const change = useChange({
    run: () =>
      call(
        editMigration,
        { params: { workspace, migration: migration.id }, body: { priority, policy } },
        { ifMatch: migration.revision },
      ),
    stale: [workspace, 'migrations'],
    says: () => says.done,
  })
  return (
    <Dialog open close={close} title={says.title} says={<p>{says.says}</p>} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!change.isPending) change.mutate(undefined, { onSuccess: close })
        }}
      >
        <ChoiceField<Priority>
          label={says.priority}
          value={priority}
          change={setPriority}
          choices={priorities.map((one) => [one, says.priorities[one]] as const)}
        />
        <DeletesFields value={deletesOf(policy)} change={(deletes) => setPolicy({ ...policy, ...deletes })} />
        <ConflictsField value={whole.conflicts} change={(conflicts) => setPolicy({ ...policy, conflicts })} />
        <SelectField
          label={says.compare}
          value={whole.compare}
          change={(compare) => setPolicy({ ...policy, compare })}
          options={compares.map((one) => [one, says.compares[one]] as const)}
        />
        <SelectField
          label={says.archived}
          value={whole.archived}
          change={(archived) => setPolicy({ ...policy, archived })}
          options={archivedPolicies.map((one) => [one, says.archiveds[one]] as const)}
        />
        <p className="quiet">{says.rest}</p>
        <Stale of={change.error} stale={[workspace, 'migrations']} close={close} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {texts.dialog.cancel}
          </button>
          <button type="submit" className="primary" disabled={change.isPending}>
            {change.isPending ? texts.dialog.busy : says.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
