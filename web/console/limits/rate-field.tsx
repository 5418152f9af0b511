/** A bandwidth, with both readings below it: nobody has to guess whether it is bits or bytes. */
import { leastBandwidth } from '../../../shared/limit.ts'
import { bits, count, rate } from '../format.ts'
import { Field } from '../parts/field.tsx'
import { limitTexts } from '../texts/limits.ts'
import { bytesOf, type Rate, rateUnits } from './rate.ts'

const texts = limitTexts.form

export function RateField(props: {
  label: string
  value: Rate
  change(value: Rate): void
  /** What it means where nothing is given. */
  empty: string
}) {
  const { value, change } = props
  const bytes = bytesOf(value)
  const isGood = bytes === null || bytes >= leastBandwidth
  return (
    <Field
      label={props.label}
      hint={
        bytes === null
          ? props.empty
          : isGood
            ? texts.reads(bits(bytes), rate(bytes), count(bytes))
            : undefined
      }
      error={isGood ? null : texts.tooLittle}
    >
      {(tied) => (
        <div className="joined">
          <input
            {...tied}
            inputMode="decimal"
            autoComplete="off"
            value={value.text}
            onChange={(event) => change({ ...value, text: event.target.value })}
          />
          <select
            aria-label={texts.unit}
            value={value.unit}
            onChange={(event) => {
              const unit = rateUnits.find((one) => one === event.target.value)
              if (unit) change({ ...value, unit })
            }}
          >
            {rateUnits.map((unit) => (
              <option key={unit}>{unit}</option>
            ))}
          </select>
        </div>
      )}
    </Field>
  )
}
