/** Hours to which a schedule keeps, and days on which it rests. */

import { DaysField } from '../parts/days-field.tsx'
import { AreaField, CheckField, TextField } from '../parts/field.tsx'
import { scheduleTexts } from '../texts/schedules.ts'
import { blackoutsFault, type Draft, hoursFault } from './draft.ts'

const texts = scheduleTexts.form

export function Hours({ draft, change }: { draft: Draft; change(part: Partial<Draft>): void }) {
  const { keeps, from, to, days, blackouts } = draft
  const fault = hoursFault(draft)
  return (
    <>
      <CheckField
        label={texts.keeps}
        hint={texts.keepsHint}
        checked={keeps}
        change={(keeps) => change({ keeps })}
      />
      {keeps && (
        <div className="card window">
          <DaysField label={texts.days} value={days} change={(days) => change({ days })} />
          <div className="fields">
            <TextField
              label={texts.from}
              value={from}
              change={(from) => change({ from })}
              pattern="\d\d:\d\d"
            />
            <TextField
              label={texts.to}
              hint={texts.toHint}
              value={to}
              change={(to) => change({ to })}
              pattern="\d\d:\d\d"
            />
          </div>
          {fault && (
            <p className="wrong" role="status">
              {fault}
            </p>
          )}
        </div>
      )}
      <AreaField
        label={texts.blackouts}
        hint={texts.blackoutsHint}
        error={blackoutsFault(draft)}
        value={blackouts}
        change={(blackouts) => change({ blackouts })}
        spellCheck={false}
        rows={2}
      />
    </>
  )
}
