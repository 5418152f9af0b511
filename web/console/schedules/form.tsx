/** A schedule, made or changed: what the cron expression means in words, and when it is due next, before it is set. */
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useId, useState } from 'react'
import { newScheduleSchema, putSchedule, type ScheduleView } from '../../../shared/api/schedules.ts'
import { nextTimes } from '../../../shared/cron.ts'
import { isZone } from '../../../shared/limit.ts'
import type { GivenOptions } from '../../../shared/policy.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { viewerZone, wallTime } from '../format.ts'
import { Dialog } from '../parts/dialog.tsx'
import { CheckField, ChoiceField, SelectField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/schedules.ts'
import { scheduleTexts } from '../texts/schedules.ts'
import { texts as common } from '../texts.ts'
import { cronWords } from './cron-words.ts'

const texts = scheduleTexts.form

type Kind = 'copy' | 'verify' | 'dryRun'
const kindOf = ({ kind, dryRun }: GivenOptions): Kind =>
  kind === 'verify' ? 'verify' : dryRun ? 'dryRun' : 'copy'
/** What else the schedule says of its passes stays. */
function withKind({ kind: _, dryRun: __, ...rest }: GivenOptions, kind: Kind): GivenOptions {
  return kind === 'copy' ? rest : kind === 'verify' ? { ...rest, kind } : { ...rest, dryRun: true }
}

export function ScheduleForm(props: {
  workspace: string
  /** Null: a new one. */
  of: ScheduleView | null
  taken: readonly string[]
  close(): void
}) {
  const { workspace, of, close } = props
  const names = useQuery(queries.migrationNames(workspace)).data ?? []
  const [id, setId] = useState(of?.id ?? '')
  const [migration, setMigration] = useState(of?.migration ?? '')
  const [kind, setKind] = useState<Kind>(kindOf(of?.options ?? {}))
  const [cron, setCron] = useState(of?.cron ?? '0 3 * * *')
  const [zone, setZone] = useState(of?.zone ?? viewerZone())
  const [enabled, setEnabled] = useState(of?.enabled ?? true)
  const zones = useId()
  const isTaken = of === null && props.taken.includes(id)
  const body = { migration, cron, zone, enabled, options: withKind(of?.options ?? {}, kind) }
  const save = useChange({
    run: () =>
      call(putSchedule, { params: { workspace, schedule: id }, body }, { ifMatch: of?.revision ?? 0 }),
    stale: [workspace, 'schedules'],
    says: () => scheduleTexts.saved(id),
  })
  const isWhole = id !== '' && !isTaken && newScheduleSchema.safeParse(body).success
  const options = [...new Set([...(of ? [of.migration] : []), ...names])].map((name) => [name, name] as const)
  return (
    <Dialog open close={close} title={of ? texts.edit(of.id) : texts.make} wide>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate(undefined, { onSuccess: close })
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
            value={migration}
            change={setMigration}
            options={[['', texts.choose], ...options]}
          />
        </div>
        <ChoiceField<Kind> label={texts.does} value={kind} change={setKind} choices={texts.kinds} />
        <div className="fields">
          <TextField
            label={texts.cron}
            hint={texts.cronHint}
            value={cron}
            change={setCron}
            autoComplete="off"
            spellCheck={false}
            required
          />
          <TextField
            label={texts.zone}
            hint={texts.zoneHint}
            error={isZone(zone) ? null : texts.noZone}
            value={zone}
            change={setZone}
            list={zones}
            autoComplete="off"
            required
          />
          <datalist id={zones}>
            {Intl.supportedValuesOf('timeZone').map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
        <fieldset className="row wraps">
          <legend className="hidden">{texts.presets}</legend>
          {texts.preset.map(([value, name]) => (
            <button key={value} type="button" aria-pressed={value === cron} onClick={() => setCron(value)}>
              {name}
            </button>
          ))}
        </fieldset>
        <Due cron={cron} zone={zone} />
        <CheckField label={texts.enabled} hint={texts.enabledHint} checked={enabled} change={setEnabled} />
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

function Due(props: { cron: string; zone: string }) {
  const cron = useDeferredValue(props.cron)
  const zone = useDeferredValue(props.zone)
  const next = dueOf(cron, zone)
  if (typeof next === 'string') {
    return (
      <p className="wrong" role="status">
        {next}
      </p>
    )
  }
  return (
    <section className="card due" aria-label={texts.next} aria-live="polite">
      <strong>{cronWords(cron) ?? cron}</strong>
      <ol>
        {next.map((at) => (
          <li key={at}>
            <Time at={at} zone={zone} says={wallTime(at, viewerZone())} />
            {zone !== viewerZone() && (
              <span className="quiet"> {scheduleTexts.there(wallTime(at, zone), zone)}</span>
            )}
          </li>
        ))}
      </ol>
    </section>
  )
}

/** What is the matter with it, where it is no expression. */
function dueOf(cron: string, zone: string): number[] | string {
  if (!isZone(zone)) return texts.noZone
  try {
    const next = nextTimes(cron, zone, Date.now(), 5)
    return next.length === 0 ? texts.noNext : next
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
