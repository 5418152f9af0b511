/** What lies over the page until it is answered: a form, or a question. Escape and the ground beside it close it. */
import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Dialog as Base } from '@base-ui/react/dialog'
import { type ReactNode, useState } from 'react'
import { texts } from '../texts.ts'
import { Refusal } from './notice.tsx'

export function Dialog(props: {
  open: boolean
  close(): void
  title: string
  says?: ReactNode
  children: ReactNode
  /** For more than a few fields. */
  wide?: boolean
}) {
  return (
    <Base.Root open={props.open} onOpenChange={(open) => open || props.close()}>
      <Base.Portal>
        <Base.Backdrop className="backdrop" />
        <Base.Popup className={props.wide ? 'dialog wide' : 'dialog'}>
          <Base.Title>{props.title}</Base.Title>
          {props.says && (
            <Base.Description className="quiet" render={<div />}>
              {props.says}
            </Base.Description>
          )}
          {props.children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/**
 * Asks before something is done that cannot be taken back, or is done to many: what will happen, to how many. `typed`: what must be typed
 * first, for what destroys. Closes when it is done; what was refused is said in it.
 */
export function Confirm(props: {
  open: boolean
  close(): void
  title: string
  children: ReactNode
  /** What the button says: the deed, with its count ("Retry 2,031"). */
  deed: string
  danger?: boolean
  typed?: string
  /** What must be given with it. */
  fields?: ReactNode
  /** False while what must be given is not. */
  ready?: boolean
  run(): Promise<unknown>
}) {
  const [typed, type] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const close = () => {
    type('')
    setError(null)
    props.close()
  }
  const run = async () => {
    setBusy(true)
    setError(null)
    try {
      await props.run()
      close()
    } catch (thrown) {
      setError(thrown instanceof Error ? thrown : new Error(String(thrown)))
    } finally {
      setBusy(false)
    }
  }
  return (
    <AlertDialog.Root open={props.open} onOpenChange={(open) => open || busy || close()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title>{props.title}</AlertDialog.Title>
          <AlertDialog.Description render={<div />}>{props.children}</AlertDialog.Description>
          <form
            onSubmit={(event) => {
              event.preventDefault()
              void run()
            }}
          >
            {props.fields}
            {props.typed !== undefined && (
              <label>
                {texts.dialog.type(props.typed)}
                <input autoComplete="off" value={typed} onChange={(event) => type(event.target.value)} />
              </label>
            )}
            <Refusal of={error} />
            <div className="deeds">
              <AlertDialog.Close disabled={busy}>{texts.dialog.cancel}</AlertDialog.Close>
              <button
                type="submit"
                className={props.danger ? 'danger' : 'primary'}
                disabled={
                  busy || props.ready === false || (props.typed !== undefined && typed !== props.typed)
                }
              >
                {busy ? texts.dialog.busy : props.deed}
              </button>
            </div>
          </form>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
