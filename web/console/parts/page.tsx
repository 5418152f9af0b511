/** The head of a page: what it is, how it stands, what one can do; its title is the tab's, too. */
import { type ReactNode, useEffect } from 'react'
import { texts } from '../texts.ts'

export function Page(props: {
  title: string
  /** What the browser's tab says; the title where absent. */
  tab?: string
  /** Above the title: the way back. */
  back?: ReactNode
  /** Beside the title: its state. */
  state?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  const { title, tab = title } = props
  useEffect(() => {
    document.title = `${tab} – ${texts.product}`
  }, [tab])
  return (
    <>
      <div>
        {props.back && <p className="back">{props.back}</p>}
        <div className="head">
          <h1>{title}</h1>
          {props.state}
          {props.actions && <div className="actions">{props.actions}</div>}
        </div>
      </div>
      {props.children}
    </>
  )
}
