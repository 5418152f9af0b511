/** Which failures are shown. What is chosen is in the address, so that it can be sent to somebody. */
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { type Cause, failureStates } from '../../../shared/api/failures.ts'
import { count } from '../format.ts'
import { plain } from '../hostile.ts'
import { SelectField, TextField } from '../parts/field.tsx'
import type { Filter } from '../queries/failures.ts'
import { nameOf, failureTexts as texts } from '../texts/failures.ts'

/** Milliseconds without another letter. */
const typedMs = 300

export function FilterForm({ filter, causes }: { filter: Filter; causes: readonly Cause[] }) {
  const navigate = useNavigate({ from: '/w/$workspace/migrations/$migration/' })
  const set = (change: { [name in keyof Filter]: Filter[name] | undefined }) =>
    void navigate({ to: '.', search: (now) => ({ ...now, ...change }), replace: true, resetScroll: false })
  const { cause, state } = filter
  const isFiltered = Object.values(filter).some((value) => value !== undefined)
  return (
    <search className="fields" aria-label={texts.filter.name}>
      <SelectField
        label={texts.filter.cause}
        value={cause === undefined ? '' : String(cause)}
        change={(id) => set({ cause: id === '' ? undefined : Number(id) })}
        options={[
          ['', texts.filter.any],
          ...causes.map((cause) => [cause.id, titleOf(cause, causes)] as const),
        ]}
      />
      <SelectField
        label={texts.filter.state}
        value={state ?? ''}
        change={(next) => set({ state: next === '' ? undefined : next })}
        options={[['', texts.filter.any], ...failureStates.map((one) => [one, texts.states[one]] as const)]}
      />
      <Typed
        label={texts.filter.prefix}
        value={filter.prefix ?? ''}
        most={1024}
        set={(prefix) => set({ prefix: prefix || undefined })}
      />
      <Typed
        label={texts.filter.text}
        value={filter.text ?? ''}
        most={200}
        set={(text) => set({ text: text || undefined })}
      />
      {isFiltered && (
        <button
          type="button"
          onClick={() => set({ cause: undefined, state: undefined, prefix: undefined, text: undefined })}
        >
          {texts.filter.clear}
        </button>
      )}
    </search>
  )
}

/** What tells it from others of its code. */
function titleOf({ code, objects, message }: Cause, all: readonly Cause[]): string {
  const title = `${nameOf(code)} (${count(objects)})`
  const isAlone = all.filter((one) => one.code === code).length === 1
  return isAlone ? title : `${title}: ${plain(message, 60)}`
}

/** Goes into the address once nobody types any more. */
function Typed(props: { label: string; value: string; most: number; set(value: string): void }) {
  const { label, value, most, set } = props
  const [typed, type] = useState(value)
  useEffect(() => type(value), [value])
  // biome-ignore lint/correctness/useExhaustiveDependencies: what sets it is another function each time.
  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => set(typed), typedMs)
    return () => clearTimeout(timer)
  }, [typed])
  return <TextField label={label} type="search" value={typed} change={type} maxLength={most} />
}
