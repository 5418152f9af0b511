/** What a webhook was sent, what came of it, and when it is tried again. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { type DeliveryView, redeliver } from '../../../shared/api/webhooks.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Said } from '../parts/key.tsx'
import { More } from '../parts/more.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/webhooks.ts'
import { webhookTexts } from '../texts/webhooks.ts'

const texts = webhookTexts.deliveries
const shapes = { waiting: 'running', delivered: 'complete', 'given-up': 'failed' } as const

export function Deliveries(props: { workspace: string; webhook: string; close(): void }) {
  const { workspace, webhook } = props
  const asked = useInfiniteQuery(queries.deliveries(workspace, webhook))
  const may = useMay(workspace, 'webhooks:write')
  const again = useChange({
    run: ({ id }: DeliveryView) => call(redeliver, { params: { workspace, webhook, delivery: id } }),
    stale: [workspace, 'webhooks', webhook],
    says: () => texts.queued,
  })
  return (
    <section aria-label={texts.title(webhook)} className="stack">
      <div className="head">
        <h2>{texts.title(webhook)}</h2>
        <div className="actions">
          <button type="button" onClick={props.close}>
            {texts.close}
          </button>
        </div>
      </div>
      <Refusal of={again.error} />
      <Shown of={asked} what={texts.title(webhook)}>
        {({ pages }) => {
          const deliveries = pages.flatMap((page) => page.deliveries)
          return deliveries.length === 0 ? (
            <p className="quiet">{texts.empty}</p>
          ) : (
            <>
              <Table
                caption={texts.title(webhook)}
                columns={[
                  {
                    name: texts.columns.event,
                    cell: ({ type, createdAt }) => (
                      <div>
                        <code>{type}</code>
                        <div className="quiet">
                          <Time at={createdAt} />
                        </div>
                      </div>
                    ),
                  },
                  {
                    name: texts.columns.state,
                    cell: ({ state, due }) => (
                      <div>
                        <State is={shapes[state]} says={texts.state[state]} />
                        {due !== null && (
                          <div className="quiet">
                            {texts.next} <Time at={due} />
                          </div>
                        )}
                      </div>
                    ),
                  },
                  { name: texts.columns.answer, kind: 'key', cell: (one) => <Answer of={one} /> },
                  {
                    name: texts.columns.tried,
                    cell: ({ triedAt, attempts }) =>
                      triedAt === null ? (
                        '–'
                      ) : (
                        <div>
                          <Time at={triedAt} />
                          <div className="quiet">{texts.attempts(attempts)}</div>
                        </div>
                      ),
                  },
                  {
                    name: texts.columns.deeds,
                    cell: (one) => (
                      <button
                        type="button"
                        disabled={!may || one.state === 'waiting' || again.isPending}
                        onClick={() => again.mutate(one)}
                      >
                        {texts.again}
                      </button>
                    ),
                  },
                ]}
                rows={deliveries}
                id={({ id }) => String(id)}
              />
              <More of={asked} />
            </>
          )
        }}
      </Shown>
    </section>
  )
}

function Answer({ of: { attempts, status, duration, answer } }: { of: DeliveryView }) {
  if (attempts === 0) return '–'
  return (
    <div>
      <strong>{status ?? texts.noAnswer}</strong> {duration !== null && texts.took(duration)}
      {answer && (
        <div className="quiet">
          <Said text={answer} most={120} />
        </div>
      )}
    </div>
  )
}
