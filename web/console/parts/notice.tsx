/** A word to the reader: what is the matter, since when, and what to do about it. */
import type { ReactNode } from 'react'
import { Refused } from '../../api.ts'

export function Notice(props: { kind?: 'note' | 'warn' | 'bad'; children: ReactNode; actions?: ReactNode }) {
  const { kind = 'warn' } = props
  return (
    <div className={`banner ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      <div>{props.children}</div>
      {props.actions && <div className="row wraps">{props.actions}</div>}
    </div>
  )
}

/** Why something was refused, in the control plane's words; nothing where nothing was. */
export function Refusal({ of: error }: { of: Error | null }) {
  return (
    error && (
      <Notice kind="bad">
        <p>{error.message}</p>
        {error instanceof Refused && error.hint && <p className="quiet">{error.hint}</p>}
      </Notice>
    )
  )
}
