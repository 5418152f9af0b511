/** How fast it goes, who does it, and what happened. */
import { useMemo, useSyncExternalStore } from 'react'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Live } from '../live.ts'
import { Lanes } from '../parts/lanes.tsx'
import { Throughput } from '../parts/throughput.tsx'
import { migrationTexts } from '../texts/migration.ts'
import { Events } from './events.tsx'
import { useLooking } from './looking.ts'

export function Activity({ pass, live }: { pass: PassStatus; live: Live }) {
  const [looking, look] = useLooking()
  const { agent, since, until } = looking
  const times = useMemo(
    () => (since === undefined || until === undefined ? null : ([since, until] as const)),
    [since, until],
  )
  const { points = [], lanes = [], traces = [], events = [] } = live.known ?? {}
  return (
    <section className="activity" aria-label={migrationTexts.tabs.activity}>
      <Throughput
        points={points}
        times={times}
        look={(times) => look({ since: times?.[0], until: times?.[1] })}
      />
      <Lanes
        {...{ traces, times, agent }}
        lanes={pass.state === 'running' ? lanes : none}
        choose={(agent) => look({ agent })}
      />
      <Events events={events} looking={looking} />
    </section>
  )
}

const none = [] as const

/** Room for two columns beside the places. */
const wide = matchMedia('(min-width: 100rem)')
const listen = (changed: () => void) => {
  wide.addEventListener('change', changed)
  return () => wide.removeEventListener('change', changed)
}

export const useIsWide = (): boolean => useSyncExternalStore(listen, () => wide.matches)
