/** Changes the priority and the policy of a migration: what most people change of it; the rest stays. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { editMigration, type MigrationView } from '../../../shared/api/migrations.ts'
import { archivedPolicies, compares, type Priority, passOptions, priorities } from '../../../shared/policy.ts'
import { call, Refused } from '../../api.ts'
import { useChange } from '../change.ts'
import { Dialog } from '../parts/dialog.tsx'
import { CheckField, ChoiceField, SelectField } from '../parts/field.tsx'
import { Notice, Refusal } from '../parts/notice.tsx'
import { migrationTexts } from '../texts/migration.ts'
import { texts } from '../texts.ts'

const says = migrationTexts.edit

export function Edit(props: { workspace: string; migration: MigrationView; close(): void }) {
  const { workspace, migration, close } = props
  const client = useQueryClient()
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
  const isStale = change.error instanceof Refused && change.error.status === 412
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
        <CheckField
          label={says.remove}
          hint={says.removeHint}
          checked={whole.delete}
          change={(checked) => setPolicy({ ...policy, delete: checked })}
        />
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
        {isStale ? (
          <Notice
            kind="bad"
            actions={
              <button
                type="button"
                onClick={() => {
                  void client.invalidateQueries({ queryKey: [workspace, 'migrations'] })
                  close()
                }}
              >
                {texts.dialog.close}
              </button>
            }
          >
            <p>{says.meanwhile}</p>
          </Notice>
        ) : (
          <Refusal of={change.error} />
        )}
        <div className="deeds">
          <button type="button" onClick={close}>
            {texts.dialog.cancel}
          </button>
          <button type="submit" className="primary" disabled={change.isPending || isStale}>
            {change.isPending ? texts.dialog.busy : says.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
