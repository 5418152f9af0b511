/**
 * A link to a file that the control plane makes while it is read, however large: the browser stores it as it comes. A session goes along with a
 * link by itself; a token does not, so a ticket is asked for when the link is followed.
 */
import { Download as Icon } from 'lucide-react'
import type { MouseEvent, ReactNode } from 'react'
import { openDownload, ticketParameter } from '../../../shared/api/downloads.ts'
import { addressOf, type Route } from '../../../shared/api/route.ts'
import { call } from '../../api.ts'
import { machineToken } from '../../machine-token.ts'
import { announce } from '../announce.tsx'
import { downloadTexts as texts } from '../texts/download.ts'

export function Download(props: {
  contract: Route
  params: { workspace: string; migration: string; pass: number; format?: string }
  query?: Record<string, string | undefined>
  children: ReactNode
}) {
  const { contract, params, query } = props
  const address = addressOf(contract, { params, ...(query && { query }) } as never)
  const follow = async (event: MouseEvent) => {
    if (machineToken() === null) return
    event.preventDefault()
    try {
      const { ticket } = await call(openDownload, { params })
      const url = new URL(address, location.href)
      url.searchParams.set(ticketParameter, ticket)
      const link = document.createElement('a')
      link.href = url.href
      link.download = ''
      link.click()
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <a className="button" href={address} download title={texts.size} onClick={(event) => void follow(event)}>
      <Icon size={16} aria-hidden="true" />
      {props.children}
    </a>
  )
}
