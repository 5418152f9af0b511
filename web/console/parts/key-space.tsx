/** The strip of a migration's pass, of the part of it where somebody looks closer, and the packet that is looked at. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Live } from '../live.ts'
import { useLooking } from '../migration/looking.ts'
import { PacketDetails } from '../migration/packet-details.tsx'
import * as queries from '../queries/migrations.ts'
import type { Span } from '../search.ts'
import { texts } from '../texts.ts'
import { Shown } from './shown.tsx'
import { Strip } from './strip.tsx'
import { figuresIn, nameOf } from './strip-model.ts'

const says = texts.live.strip
/** Ms between two questions about a part that changes. */
const pauseMs = 1_500

export function KeySpace(props: { workspace: string; migration: string; pass: PassStatus; live: Live }) {
  const { workspace, migration, pass, live } = props
  const [{ zoom = [], packet, agent }, look] = useLooking()
  const strip = live.known?.strip
  const inner = zoom.at(-1)
  const span: Span | null = inner ? { after: inner[0], through: inner[1] } : null
  const open = (after: string | null) => look({ packet: after ?? '' })
  const closer = ({ after, through }: Span) => {
    const isSame = inner && inner[0] === after && inner[1] === through
    if (!isSame) look({ zoom: [...zoom, [after, through]], packet: undefined })
  }
  const to = (depth: number) =>
    look({ zoom: depth === 0 ? undefined : zoom.slice(0, depth), packet: undefined })
  const up = () => (packet !== undefined ? look({ packet: undefined }) : to(Math.max(0, zoom.length - 1)))
  const isClose = strip && (span || packet !== undefined)
  useAskedAgain(props, isClose ? figuresIn(strip, span ?? { after: null, through: null }) : '')
  if (!strip) {
    return <p className="quiet">{live.link === 'live' ? texts.live.counting : texts.live.link[live.link]}</p>
  }
  return (
    <>
      <Strip
        name={says.name}
        strip={strip}
        lanes={live.known?.lanes ?? []}
        agent={agent}
        open={open}
        zoom={closer}
        up={up}
      />
      {span && (
        <div className="closer">
          <nav aria-label={says.crumbs} className="crumbs">
            <button type="button" className="plain" onClick={() => to(0)}>
              {says.name}
            </button>
            {zoom.map(([after, through], i) => (
              <button
                type="button"
                className="plain"
                key={`${after} ${through}`}
                aria-current={i === zoom.length - 1 ? 'true' : undefined}
                onClick={() => to(i + 1)}
              >
                {nameOf(after, says.beginning)} – {nameOf(through, says.end)}
              </button>
            ))}
          </nav>
          <Closer {...{ workspace, migration, span, open, up }} number={pass.number} zoom={closer} />
        </div>
      )}
      {packet !== undefined && (
        <PacketDetails
          {...{ workspace, migration }}
          number={pass.number}
          after={packet}
          close={() => look({ packet: undefined })}
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
  zoom(span: Span): void
  up(): void
}) {
  const { span, open, zoom, up } = props
  const asked = useQuery(queries.strip(props.workspace, props.migration, props.number, span))
  return (
    <Shown of={asked} what={texts.what.keySpace}>
      {({ strip }) => <Strip name={says.zoomed} strip={strip} span={span} open={open} zoom={zoom} up={up} />}
    </Shown>
  )
}

/** What is shown of a part is asked for again when the socket has told of a change in it. */
function useAskedAgain(
  { workspace, migration, pass }: { workspace: string; migration: string; pass: PassStatus },
  figures: string,
): void {
  const client = useQueryClient()
  const askedAt = useRef(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the figures change.
  useEffect(() => {
    const ask = () => {
      askedAt.current = Date.now()
      const key = [workspace, 'migrations', migration, 'passes', pass.number]
      void client.invalidateQueries({ queryKey: [...key, 'strip'] })
      void client.invalidateQueries({ queryKey: [...key, 'packet'] })
    }
    const timer = setTimeout(ask, Math.max(0, askedAt.current + pauseMs - Date.now()))
    return () => clearTimeout(timer)
  }, [client, workspace, migration, pass.number, figures])
}
