/** A secret that is shown this once: with a button that copies it, and until whoever reads it says that they have it. */
import { onceTexts as texts } from '../texts/once.ts'
import { Code } from './code.tsx'
import { Dialog } from './dialog.tsx'

export function Once(props: {
  title: string
  /** Null: not open. */
  secret: string | null
  /** What it is, and where it goes. */
  says: string
  label: string
  close(): void
}) {
  return (
    <Dialog open={props.secret !== null} close={props.close} title={props.title} says={<p>{props.says}</p>}>
      <Code label={props.label} text={props.secret ?? ''} copies />
      <p className="quiet">{texts.once}</p>
      <div className="deeds">
        <button type="button" className="primary" onClick={props.close}>
          {texts.done}
        </button>
      </div>
    </Dialog>
  )
}
