/** A schedule, made or changed: what it starts, when that is due, and when it may run, before it is set. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { newScheduleSchema, putSchedule, type ScheduleView } from '../../../shared/api/schedules.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { Dialog } from '../parts/dialog.tsx'
import { CheckField, ChoiceField, SelectField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import * as queries from '../queries/schedules.ts'
import { scheduleTexts } from '../texts/schedules.ts'
import { texts as common } from '../texts.ts'
import { bodyOf, type Draft, draftOf, type Kind } from './draft.ts'
import { Hours } from './hours.tsx'
import { When } from './when.tsx'

const texts = scheduleTexts.form

export function ScheduleForm(props: {
  workspace: string
  /** Null: a new one. */
  of: ScheduleView | null
  taken: readonly string[]
  /** It is set. */
  done(schedule: ScheduleView): void
  close(): void
}) {
  const { workspace, of, close } = props
  const names = useQuery(queries.migrationNames(workspace)).data ?? []
  const [id, setId] = useState(of?.id ?? '')
  const [draft, setDraft] = useState(() => draftOf(of))
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part })
  const isTaken = of === null && props.taken.includes(id)
  const parsed = newScheduleSchema.safeParse(bodyOf(draft))
  const save = useChange({
    run: () =>
      call(
        putSchedule,
        { params: { workspace, schedule: id }, body: parsed.data! },
        { ifMatch: of?.revision ?? 0 },
      ),
    stale: [workspace, 'schedules'],
    says: () => scheduleTexts.saved(id),
    done: props.done,
  })
  const isWhole = id !== '' && !isTaken && parsed.success
  const options = [...new Set([...(of ? [of.migration] : []), ...names])].map((name) => [name, name] as const)
  return (
    <Dialog open close={close} title={of ? texts.edit(of.id) : texts.make} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isWhole) save.mutate(undefined, { onSuccess: close })
        }}
      >
        <div className="fields">
          {of === null && (
            <TextField
              label={texts.name}
              hint={texts.nameHint}
              error={isTaken ? texts.taken : null}
              value={id}
              change={setId}
              autoComplete="off"
              required
            />
          )}
          <SelectField
            label={texts.migration}
            value={draft.migration}
            change={(migration) => change({ migration })}
            options={[['', texts.choose], ...options]}
          />
        </div>
        <ChoiceField<Kind>
          label={texts.does}
          value={draft.kind}
          change={(kind) => change({ kind })}
          choices={texts.kinds}
        />
        <When draft={draft} change={change} />
        <Hours draft={draft} change={change} />
        <CheckField
          label={texts.enabled}
          hint={texts.enabledHint}
          checked={draft.enabled}
          change={(enabled) => change({ enabled })}
        />
        <p className="quiet small">{texts.overlap}</p>
        <Refusal of={save.error} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {common.dialog.cancel}
          </button>
          <button type="submit" className="primary" disabled={!isWhole || save.isPending}>
            {save.isPending ? common.dialog.busy : texts.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
