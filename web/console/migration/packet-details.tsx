/** One packet: where it is, who has it, what became of it. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { publicKey, unescapeKey } from '../../../shared/key.ts'
import { count } from '../format.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Key } from '../parts/key.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import * as queries from '../queries/migrations.ts'
import { migrationTexts } from '../texts/migration.ts'
import { texts as common } from '../texts.ts'

const says = migrationTexts.packet
export const stateOf = { ready: 'new', leased: 'running', done: 'complete', parked: 'failed' } as const

export const Bound = ({ of, end }: { of: string | null; end: string }) =>
  of === null ? <span className="quiet">{end}</span> : <Key of={publicKey(unescapeKey(of))} />

export function PacketDetails(props: {
  workspace: string
  migration: string
  number: number
  /** Percent-escaped; empty: the first packet. */
  after: string
  close(): void
}) {
  const { workspace, migration, number, after } = props
  const asked = useQuery(queries.packet(workspace, migration, number, after || null))
  return (
    <Shown of={asked} what={common.what.packet}>
      {(packet) => {
        if (!packet) return <p className="quiet">{says.gone}</p>
        const rows: [string, ReactNode][] = [
          [says.state, <State key="state" is={stateOf[packet.state]} says={says.states[packet.state]} />],
          [says.kind, says.kinds[packet.kind]],
          [says.agent, packet.agent ?? '–'],
          [says.attempts, count(packet.attempts)],
          [says.objects, count(packet.objects)],
          [says.bytes, <Bytes key="bytes" of={packet.bytes} />],
          [says.failed, count(packet.failed)],
          ...(packet.error
            ? [[says.error, <code key="error">{packet.error}</code>] as [string, ReactNode]]
            : []),
          [says.after, <Bound key="after" of={packet.after} end={says.beginning} />],
          [says.through, <Bound key="through" of={packet.through} end={says.end} />],
        ]
        return (
          <section className="packet" aria-label={says.title(packet.id)}>
            <h3>{says.title(packet.id)}</h3>
            <dl>
              {rows.map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
            <div className="row wraps">
              <Link
                className="button"
                to="/w/$workspace/migrations/$migration/packets"
                params={{ workspace, migration }}
                search={(before: object) => ({ ...before, ...(after && { after }) })}
              >
                {says.list}
              </Link>
              <button type="button" onClick={props.close}>
                {says.close}
              </button>
            </div>
          </section>
        )
      }}
    </Shown>
  )
}
