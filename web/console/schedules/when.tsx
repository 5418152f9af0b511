/** When something is due, again and again or once, and which moments come of it. */
import { useDeferredValue, useId } from 'react'
import { nextTimes } from '../../../shared/cron.ts'
import { isZone } from '../../../shared/limit.ts'
import { viewerZone, wallTime } from '../format.ts'
import { ChoiceField, TextField } from '../parts/field.tsx'
import { Time } from '../parts/time.tsx'
import { scheduleTexts } from '../texts/schedules.ts'
import { cronWords } from './cron-words.ts'
import { type Draft, momentOf } from './draft.ts'

const texts = scheduleTexts.form

interface Part {
  draft: Draft
  change(part: Partial<Draft>): void
}

export function When({ draft, change }: Part) {
  const { repeats, cron, at, zone } = draft
  const rests = draft.keeps || draft.blackouts.trim() !== ''
  return (
    <>
      <ChoiceField<'cron' | 'at'>
        label={texts.often}
        value={repeats ? 'cron' : 'at'}
        change={(is) => change({ repeats: is === 'cron' })}
        choices={[
          ['cron', texts.repeats],
          ['at', texts.once],
        ]}
      />
      <div className="fields">
        {repeats ? (
          <TextField
            label={texts.cron}
            hint={texts.cronHint}
            value={cron}
            change={(cron) => change({ cron })}
            autoComplete="off"
            spellCheck={false}
            required
          />
        ) : (
          <TextField
            label={texts.at}
            hint={texts.atHint(viewerZone())}
            type="datetime-local"
            value={at}
            change={(at) => change({ at })}
            required
          />
        )}
        <Zone draft={draft} change={change} />
      </div>
      {repeats && (
        <fieldset className="row wraps">
          <legend className="hidden">{texts.presets}</legend>
          {texts.preset.map(([value, name]) => (
            <button
              key={value}
              type="button"
              aria-pressed={value === cron}
              onClick={() => change({ cron: value })}
            >
              {name}
            </button>
          ))}
        </fieldset>
      )}
      {repeats ? <Due cron={cron} zone={zone} rests={rests} /> : <Once at={momentOf(at)} zone={zone} />}
    </>
  )
}

function Zone({ draft: { zone }, change }: Part) {
  const zones = useId()
  return (
    <>
      <TextField
        label={texts.zone}
        hint={texts.zoneHint}
        error={isZone(zone) ? null : texts.noZone}
        value={zone}
        change={(zone) => change({ zone })}
        list={zones}
        autoComplete="off"
        required
      />
      <datalist id={zones}>
        {Intl.supportedValuesOf('timeZone').map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  )
}

function Once({ at, zone }: { at: number | null; zone: string }) {
  if (at === null || !isZone(zone)) return null
  return (
    <section className="card due" aria-label={texts.due} aria-live="polite">
      <Moment at={at} zone={zone} />
      {at < Date.now() && <p className="wrong">{texts.past}</p>}
    </section>
  )
}

const Moment = ({ at, zone }: { at: number; zone: string }) => (
  <>
    <Time at={at} zone={zone} says={wallTime(at, viewerZone())} />
    {zone !== viewerZone() && <span className="quiet"> {scheduleTexts.there(wallTime(at, zone), zone)}</span>}
  </>
)

function Due(props: { cron: string; zone: string; rests: boolean }) {
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
            <Moment at={at} zone={zone} />
          </li>
        ))}
      </ol>
      {props.rests && <p className="quiet small">{texts.butRests}</p>}
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
