/** The strip of a migration's pass, and of a part of it where somebody looks closer. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Live } from '../live.ts'
import * as queries from '../queries/migrations.ts'
import { texts } from '../texts.ts'
import { Shown } from './shown.tsx'
import { type Span, Strip } from './strip.tsx'

export function KeySpace(props: { workspace: string; migration: string; pass: PassStatus; live: Live }) {
  const { workspace, migration, pass, live } = props
  const navigate = useNavigate()
  const [span, zoom] = useState<Span | null>(null)
  const strip = live.known?.strip
  const open = (after: string | null) =>
    void navigate({
      to: '/w/$workspace/migrations/$migration/packets',
      params: { workspace, migration },
      search: after === null ? {} : { after },
    })
  if (!strip) {
    return <p className="quiet">{live.link === 'live' ? texts.live.counting : texts.live.link[live.link]}</p>
  }
  return (
    <>
      <Strip
        name={texts.live.strip.name}
        strip={strip}
        lanes={live.known?.lanes ?? []}
        open={open}
        zoom={zoom}
      />
      {span && (
        <Closer
          workspace={workspace}
          migration={migration}
          number={pass.number}
          span={span}
          open={open}
          close={() => zoom(null)}
        />
      )}
    </>
  )
}

function Closer(props: {
  workspace: string
  migration: string
  number: number
  span: Span
  open(after: string | null): void
  close(): void
}) {
  const { span, open, close } = props
  const asked = useQuery(queries.strip(props.workspace, props.migration, props.number, span))
  return (
    <Shown of={asked} what="the key space">
      {({ strip }) => (
        <div>
          <Strip
            name={texts.live.strip.zoomed}
            strip={strip}
            open={(after) => open(after ?? span.after)}
            zoom={(next) => next === null && close()}
          />
          <button type="button" onClick={close}>
            {texts.live.strip.close}
          </button>
        </div>
      )}
    </Shown>
  )
}
