/** What an agent could do, a row each: an outcome with a shape and a word, what was found, what to do about it. */
import { when } from '../format.ts'
import { Said } from '../parts/key.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { connectionPageTexts } from '../texts/connections.ts'
import { cannot, type Tested } from './tested.ts'

const texts = connectionPageTexts.test
const shapes = { yes: 'complete', no: 'failed', 'not-tried': 'away' } as const

export function Checks({ tested }: { tested: Tested }) {
  const { agent, site, at, bucket, prefix, checks, store, latencyMs, skewMs } = tested
  const no = cannot(tested)
  const title = texts.by(agent, site, when(at))
  return (
    <section aria-label={title} className="tested">
      <p>
        <strong>{no === 0 ? texts.well : texts.some(no)}</strong>{' '}
        <span className="quiet">
          {title} {texts.where(bucket, prefix)}
        </span>
      </p>
      <Table
        caption={title}
        columns={[
          { name: texts.columns.check, cell: ({ check }) => texts.checks[check] },
          {
            name: texts.columns.outcome,
            cell: ({ outcome }) => <State is={shapes[outcome]} says={texts.outcomes[outcome]} />,
          },
          {
            name: texts.columns.found,
            kind: 'key',
            cell: ({ message, hint }) => (
              <div>
                <Said text={message} />
                {hint && (
                  <div className="quiet">
                    <Said text={hint} />
                  </div>
                )}
              </div>
            ),
          },
          { name: texts.columns.took, kind: 'number', cell: ({ ms }) => (ms === null ? '–' : texts.ms(ms)) },
        ]}
        rows={checks}
        id={({ check }) => check}
      />
      <p className="quiet">
        {[
          ...(store === null ? [] : [texts.store(store)]),
          ...(latencyMs === null ? [] : [texts.latency(latencyMs)]),
          ...(skewMs === null ? [] : [texts.skew(Math.round(skewMs / 1000))]),
          ...(no > 0 ? [texts.readOnly] : []),
        ].join(' ')}
      </p>
    </section>
  )
}
