/** Who is told of what happens, and what became of it. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import {
  deleteWebhook,
  editWebhook,
  rotateWebhookSecret,
  testWebhook,
  type WebhookView,
} from '../../../shared/api/webhooks.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useCalled } from '../deeds.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { Menu } from '../parts/menu.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Once } from '../parts/once.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { State } from '../parts/state.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { Time } from '../parts/time.tsx'
import * as queries from '../queries/webhooks.ts'
import { webhookTexts as texts } from '../texts/webhooks.ts'
import { texts as common } from '../texts.ts'
import { Deliveries } from '../webhooks/deliveries.tsx'
import { WebhookForm } from '../webhooks/form.tsx'

export function Webhooks() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { of }: { of?: unknown } = useSearch({ strict: false })
  const navigate = useNavigate()
  /** Whose deliveries are shown is in the address. */
  const show = (webhook: string | null) =>
    void navigate({
      to: '/w/$workspace/webhooks',
      params: { workspace },
      search: (webhook === null ? {} : { of: webhook }) as never,
      replace: true,
    })
  const asked = useQuery(queries.webhooks(workspace))
  const may = useMay(workspace, 'webhooks:write')
  /** `null`: a new one. */
  const [edited, edit] = useState<WebhookView | null | undefined>(undefined)
  useCalled('/webhooks', () => may && edit(null))
  const [asks, ask] = useState<{ what: 'delete' | 'secret'; of: WebhookView } | null>(null)
  const [secret, setSecret] = useState<{ id: string; secret: string } | null>(null)
  const stale = [workspace, 'webhooks']
  const test = useChange({
    run: ({ id }: WebhookView) => call(testWebhook, { params: { workspace, webhook: id } }),
    stale,
    says: ({ status }, { id }) => texts.tested(id, status),
    done: (_, { id }) => show(id),
  })
  const enable = useChange({
    run: ({ id, disabled, revision }: WebhookView) =>
      call(
        editWebhook,
        { params: { workspace, webhook: id }, body: { disabled: !disabled } },
        { ifMatch: revision },
      ),
    stale,
    says: ({ disabled }, { id }) => (disabled ? texts.off(id) : texts.on(id)),
  })
  const remove = useChange({
    run: ({ id, revision }: WebhookView) =>
      call(deleteWebhook, { params: { workspace, webhook: id } }, { ifMatch: revision }),
    stale,
    says: (_, { id }) => texts.deleted(id),
    done: (_, { id }) => id === of && show(null),
  })
  const renew = useChange({
    run: ({ id }: WebhookView) => call(rotateWebhookSecret, { params: { workspace, webhook: id } }),
    stale,
    done: ({ secret }, { id }) => setSecret({ id, secret }),
  })
  const deedsOf = (webhook: WebhookView) => [
    { name: texts.deeds.test, disabled: !may, run: () => test.mutate(webhook) },
    { name: texts.deeds.deliveries, run: () => show(webhook.id) },
    { name: texts.deeds.edit, disabled: !may, run: () => edit(webhook) },
    {
      name: webhook.disabled ? texts.deeds.enable : texts.deeds.disable,
      disabled: !may,
      run: () => enable.mutate(webhook),
    },
    { name: texts.deeds.secret, disabled: !may, run: () => ask({ what: 'secret', of: webhook }) },
    {
      name: texts.deeds.delete,
      disabled: !may,
      danger: true,
      run: () => ask({ what: 'delete', of: webhook }),
    },
  ]
  const question = asks?.what === 'secret' ? texts.renew : texts.remove
  return (
    <Page
      title={common.nav.webhooks}
      actions={
        may && (
          <button type="button" className="primary" onClick={() => edit(null)}>
            {texts.make}
          </button>
        )
      }
    >
      <Refusal of={test.error ?? enable.error} />
      <Shown of={asked} what={texts.what}>
        {({ webhooks }) =>
          webhooks.length === 0 ? (
            <Empty says={texts.empty} command={texts.command} />
          ) : (
            <Table
              caption={common.nav.webhooks}
              columns={[
                ...columns,
                {
                  name: texts.columns.deeds,
                  cell: (webhook) => <Menu name={texts.menu(webhook.id)} deeds={deedsOf(webhook)} />,
                },
              ]}
              rows={webhooks}
              id={({ id }) => id}
            />
          )
        }
      </Shown>
      {typeof of === 'string' && (
        <Deliveries key={of} workspace={workspace} webhook={of} close={() => show(null)} />
      )}
      {edited !== undefined && (
        <WebhookForm
          workspace={workspace}
          of={edited}
          close={() => edit(undefined)}
          made={(id, secret) => setSecret({ id, secret })}
        />
      )}
      <Confirm
        open={asks !== null}
        close={() => ask(null)}
        title={question.title(asks?.of.id ?? '')}
        deed={question.deed}
        danger={asks?.what === 'delete'}
        run={() => (asks!.what === 'secret' ? renew.mutateAsync(asks!.of) : remove.mutateAsync(asks!.of))}
      >
        {question.says}
      </Confirm>
      <Once
        title={texts.secret.title(secret?.id ?? '')}
        says={texts.secret.says}
        label={texts.secret.label}
        secret={secret?.secret ?? null}
        close={() => setSecret(null)}
      />
    </Page>
  )
}

const columns: Column<WebhookView>[] = [
  { name: texts.columns.name, cell: ({ id }) => <strong>{id}</strong> },
  {
    name: texts.columns.address,
    kind: 'key',
    cell: ({ address }) => <span className="mono">{address}</span>,
  },
  {
    name: texts.columns.events,
    cell: ({ events }) =>
      events.length === 0 ? (
        texts.all
      ) : (
        <span className="chips">
          {events.map((event) => (
            <span className="chip" key={event} title={texts.form.event[event]}>
              {event}
            </span>
          ))}
        </span>
      ),
  },
  { name: texts.columns.format, cell: ({ format }) => texts.formats[format] },
  {
    name: texts.columns.state,
    cell: ({ disabled }) =>
      disabled ? <State is="away" says={texts.disabled} /> : <State is="connected" says={texts.enabled} />,
  },
  { name: texts.columns.made, cell: ({ createdAt }) => <Time at={createdAt} /> },
]
