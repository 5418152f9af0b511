/**
 * A link to a file that the control plane makes while it is read. A session goes along with it by itself; a token cannot, so then the file is
 * fetched whole and handed over: for what one person reads, not for reports of millions.
 */
import { Download } from 'lucide-react'
import { type MouseEvent, type ReactNode, useState } from 'react'
import { addressOf, type Input, type Route } from '../../../shared/api/route.ts'
import { fetchFile } from '../../api.ts'
import { machineToken } from '../../machine-token.ts'
import { announce } from '../announce.tsx'

export function SaveFile<R extends Route>(props: {
  contract: R
  input: Input<R>
  name: string
  title?: string
  children: ReactNode
}) {
  const { contract, input, name } = props
  const [busy, setBusy] = useState(false)
  const follow = async (event: MouseEvent) => {
    if (machineToken() === null) return
    event.preventDefault()
    if (busy) return
    setBusy(true)
    try {
      const url = URL.createObjectURL(await fetchFile(contract, input))
      const link = Object.assign(document.createElement('a'), { href: url, download: name })
      link.click()
      URL.revokeObjectURL(url)
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <a
      className="button"
      href={addressOf(contract, input as never)}
      download={name}
      title={props.title}
      aria-busy={busy}
      onClick={(event) => void follow(event)}
    >
      <Download size={16} aria-hidden="true" />
      {props.children}
    </a>
  )
}
