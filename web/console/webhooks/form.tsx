/** A webhook, made or changed. */
import { useState } from 'react'
import { type EventType, eventTypes } from '../../../shared/api/webhook-events.ts'
import { createWebhook, editWebhook, type WebhookView } from '../../../shared/api/webhooks.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { Dialog } from '../parts/dialog.tsx'
import { CheckField, ChoiceField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import { webhookTexts } from '../texts/webhooks.ts'
import { texts as common } from '../texts.ts'

const texts = webhookTexts.form

export function WebhookForm(props: {
  workspace: string
  /** Null: a new one. */
  of: WebhookView | null
  close(): void
  /** With its signing secret. */
  made(id: string, secret: string): void
}) {
  const { workspace, of, close } = props
  const [id, setId] = useState(of?.id ?? '')
  const [url, setUrl] = useState('')
  const [format, setFormat] = useState(of?.format ?? 'dray')
  const [events, setEvents] = useState<readonly EventType[]>(of?.events ?? [])
  const [isAll, setAll] = useState(of === null || of.events.length === 0)
  const chosen = isAll ? [] : [...events]
  const save = useChange({
    run: async () => {
      if (of === null) {
        const made = await call(createWebhook, {
          params: { workspace },
          body: { id, url, format, events: chosen },
        })
        return made.secret
      }
      const body = { ...(url !== '' && { url }), format, events: chosen }
      await call(editWebhook, { params: { workspace, webhook: of.id }, body }, { ifMatch: of.revision })
      return null
    },
    stale: [workspace, 'webhooks'],
    says: () => webhookTexts.saved(id),
    done(secret) {
      close()
      if (secret !== null) props.made(id, secret)
    },
  })
  return (
    <Dialog open close={close} title={of ? texts.edit(of.id) : texts.make}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate()
        }}
      >
        {of === null && (
          <TextField
            label={texts.name}
            hint={texts.nameHint}
            value={id}
            change={setId}
            autoComplete="off"
            required
          />
        )}
        <TextField
          label={texts.url}
          hint={of ? `${of.address}. ${texts.urlStays}` : texts.urlHint}
          type="url"
          value={url}
          change={setUrl}
          autoComplete="off"
          spellCheck={false}
          required={of === null}
        />
        <ChoiceField<WebhookView['format']>
          label={texts.format}
          value={format}
          change={setFormat}
          choices={texts.formats}
        />
        <fieldset className="field choice">
          <legend>{texts.events}</legend>
          <CheckField label={texts.everything} checked={isAll} change={setAll} />
          {!isAll &&
            eventTypes.map((type) => (
              <CheckField
                key={type}
                label={<code>{type}</code>}
                hint={texts.event[type]}
                checked={events.includes(type)}
                change={(on) => setEvents(on ? [...events, type] : events.filter((one) => one !== type))}
              />
            ))}
        </fieldset>
        <Refusal of={save.error} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {common.dialog.cancel}
          </button>
          <button
            type="submit"
            className="primary"
            disabled={save.isPending || (!isAll && events.length === 0)}
          >
            {save.isPending ? common.dialog.busy : texts.save}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
