/** Which days of the week: a button for each. */
import { type Day, days } from '../../../shared/limit.ts'
import { limitTexts } from '../texts/limits.ts'

export function DaysField(props: { label: string; value: readonly Day[]; change(on: readonly Day[]): void }) {
  const { value, change } = props
  return (
    <fieldset className="row wraps">
      <legend className="hidden">{props.label}</legend>
      {days.map((day) => (
        <button
          key={day}
          type="button"
          aria-pressed={value.includes(day)}
          onClick={() => change(value.includes(day) ? value.filter((one) => one !== day) : [...value, day])}
        >
          {limitTexts.dayNames[day]}
        </button>
      ))}
    </fieldset>
  )
}
