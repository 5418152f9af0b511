/** Fields of forms: a label, what it means, and what is wrong with it, tied together for who cannot see them. */
import { type ComponentProps, type ReactNode, useId } from 'react'

interface Around {
  label: string
  /** What it is for, or what it may be. */
  hint?: ReactNode
  /** What is wrong with it; null or absent: nothing. */
  error?: string | null | undefined
}

/** `children` gets what ties it to the words around it. */
export function Field(
  props: Around & {
    children: (tied: {
      id: string
      'aria-describedby': string | undefined
      'aria-invalid': boolean
    }) => ReactNode
  },
) {
  const id = useId()
  const { label, hint, error } = props
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {props.children({ id, 'aria-describedby': described || undefined, 'aria-invalid': Boolean(error) })}
      {hint && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {error && (
        <div className="wrong" id={`${id}-error`} role="alert">
          {error}
        </div>
      )}
    </div>
  )
}

type Text = Around & { value: string; change(value: string): void } & Omit<
    ComponentProps<'input'>,
    'value' | 'onChange' | 'children'
  >
export function TextField({ label, hint, error, value, change, ...input }: Text) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(tied) => (
        <input {...input} {...tied} value={value} onChange={(event) => change(event.target.value)} />
      )}
    </Field>
  )
}

/** Many lines of text. */
export function AreaField({
  label,
  hint,
  error,
  value,
  change,
  ...area
}: Around & { value: string; change(value: string): void } & Omit<
    ComponentProps<'textarea'>,
    'value' | 'onChange' | 'children'
  >) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(tied) => (
        <textarea {...area} {...tied} value={value} onChange={(event) => change(event.target.value)} />
      )}
    </Field>
  )
}

export function SelectField<T extends string>(
  props: Around & {
    value: T
    change(value: T): void
    options: readonly (readonly [value: T, name: string])[]
    disabled?: boolean
  },
) {
  const { label, hint, error, value, change, options, disabled } = props
  return (
    <Field label={label} hint={hint} error={error}>
      {(tied) => (
        <select
          {...tied}
          disabled={disabled}
          value={value}
          onChange={(event) => change(event.target.value as T)}
        >
          {options.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

export function CheckField(props: {
  label: ReactNode
  hint?: ReactNode
  checked: boolean
  change(checked: boolean): void
  disabled?: boolean
}) {
  const id = useId()
  return (
    <div className="field check">
      <label>
        <input
          type="checkbox"
          checked={props.checked}
          disabled={props.disabled}
          aria-describedby={props.hint ? `${id}-hint` : undefined}
          onChange={(event) => props.change(event.target.checked)}
        />
        {props.label}
      </label>
      {props.hint && (
        <div className="hint" id={`${id}-hint`}>
          {props.hint}
        </div>
      )}
    </div>
  )
}

/** One of a few, each with what follows from it. */
export function ChoiceField<T extends string>(props: {
  label: string
  value: T
  change(value: T): void
  choices: readonly (readonly [value: T, name: string, consequence?: ReactNode])[]
}) {
  const id = useId()
  return (
    <fieldset className="field choice">
      <legend>{props.label}</legend>
      {props.choices.map(([value, name, consequence]) => (
        <label key={value}>
          <input
            type="radio"
            name={id}
            checked={value === props.value}
            onChange={() => props.change(value)}
          />
          <span>
            {name}
            {consequence && <small>{consequence}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}
