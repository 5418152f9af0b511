/** Changes what people said of a site; and forgets its root key, where that is lost. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { editSite, type SiteView } from '../../../shared/api/sites.ts'
import { call, Refused } from '../../api.ts'
import { useChange } from '../change.ts'
import { Dialog } from '../parts/dialog.tsx'
import { AreaField, CheckField, TextField } from '../parts/field.tsx'
import { Notice, Refusal } from '../parts/notice.tsx'
import { siteTexts } from '../texts/sites.ts'
import { labelsOf, textOf } from './labels.ts'

const texts = siteTexts.site

export function SiteForm(props: { workspace: string; site: SiteView; open: boolean; close(): void }) {
  const { workspace, site, open, close } = props
  return (
    <Dialog open={open} close={close} title={texts.title(site.id)}>
      <Form workspace={workspace} site={site} close={close} />
    </Dialog>
  )
}

function Form({ workspace, site, close }: { workspace: string; site: SiteView; close(): void }) {
  /** As it was when the form was opened: what is polled meanwhile is not what was looked at. */
  const [was, setWas] = useState(site)
  const [region, setRegion] = useState(site.region)
  const [labels, setLabels] = useState(textOf(site.labels))
  const [forget, setForget] = useState(false)
  const client = useQueryClient()
  const parsed = labelsOf(labels)
  const save = useChange({
    run: async () => {
      if ('wrong' in parsed) return
      const body = { region, labels: parsed.labels, ...(forget && { rootKey: null }) }
      await call(editSite, { params: { workspace, site: site.id }, body }, { ifMatch: was.revision })
    },
    stale: [workspace, 'sites'],
    says: () => texts.saved(site.id),
    done: close,
  })
  const isChanged = save.error instanceof Refused && save.error.status === 412
  const take = async () => {
    await client.refetchQueries({ queryKey: [workspace, 'sites'] })
    setWas(site)
    setRegion(site.region)
    setLabels(textOf(site.labels))
    save.reset()
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <TextField
        label={texts.region}
        hint={texts.regionHint}
        maxLength={100}
        value={region}
        change={setRegion}
      />
      <AreaField
        label={texts.labels}
        hint={texts.labelsHint}
        error={'wrong' in parsed ? texts.badLabel(parsed.wrong) : null}
        value={labels}
        change={setLabels}
      />
      {site.rootKey !== null && (
        <CheckField label={texts.forget} hint={texts.forgetHint} checked={forget} change={setForget} />
      )}
      {isChanged ? (
        <Notice
          kind="bad"
          actions={
            <button type="button" onClick={() => void take()}>
              {texts.take}
            </button>
          }
        >
          <p>{texts.changed}</p>
        </Notice>
      ) : (
        <Refusal of={save.error} />
      )}
      <div className="deeds">
        <button type="button" onClick={close}>
          {siteTexts.cancel}
        </button>
        <button type="submit" className="primary" disabled={save.isPending || 'wrong' in parsed}>
          {texts.save}
        </button>
      </div>
    </form>
  )
}
