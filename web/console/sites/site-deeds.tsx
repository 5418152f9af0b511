/** What one can do to a site. */
import { useState } from 'react'
import { deleteSite, type SiteView } from '../../../shared/api/sites.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Menu } from '../parts/menu.tsx'
import { siteTexts as texts } from '../texts/sites.ts'
import { SiteForm } from './site-form.tsx'

export function SiteDeeds(props: { workspace: string; site: SiteView; join(): void; gone?(): void }) {
  const { workspace, site } = props
  const may = useMay(workspace, 'sites:write')
  const [asks, ask] = useState<'edit' | 'delete' | null>(null)
  const remove = useChange({
    run: () => call(deleteSite, { params: { workspace, site: site.id } }, { ifMatch: site.revision }),
    stale: [workspace, 'sites'],
    says: () => texts.site.deleted(site.id),
    done: () => props.gone?.(),
  })
  if (!may) return null
  const close = () => ask(null)
  return (
    <div className="actions">
      <button type="button" onClick={props.join}>
        {texts.join}
      </button>
      <Menu
        name={texts.site.more(site.id)}
        deeds={[
          { name: texts.site.edit, run: () => ask('edit') },
          { name: texts.site.delete, danger: true, run: () => ask('delete') },
        ]}
      />
      <SiteForm workspace={workspace} site={site} open={asks === 'edit'} close={close} />
      <Confirm
        open={asks === 'delete'}
        close={close}
        title={texts.site.deleteTitle(site.id)}
        deed={texts.site.delete}
        danger
        typed={site.id}
        run={() => remove.mutateAsync()}
      >
        <p>{texts.site.deleteSays}</p>
      </Confirm>
    </div>
  )
}
