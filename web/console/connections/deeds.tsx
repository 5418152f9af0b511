/** What one can do to a connection: change it, seal its secret, delete it. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ConnectionView, deleteConnection } from '../../../shared/api/connections.ts'
import { call } from '../../api.ts'
import { announce } from '../announce.tsx'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { ConnectionDialog, sealingPage } from '../parts/connection-form.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { Menu } from '../parts/menu.tsx'
import { uses } from '../queries/connections.ts'
import { sites } from '../queries/sites.ts'
import { connectionTexts } from '../texts/connection-form.ts'
import { connectionPageTexts as texts } from '../texts/connections.ts'

export function ConnectionDeeds(props: { workspace: string; connection: ConnectionView; gone?(): void }) {
  const { workspace, connection } = props
  const { id, credential, secretVersion } = connection
  const may = useMay(workspace, 'connections:write')
  /** As it was when somebody began to change it: what is heard of it meanwhile is not what they saw. */
  const [edited, edit] = useState<ConnectionView | null>(null)
  const [deletes, setDeletes] = useState(false)
  const known = useQuery({ ...sites(workspace), enabled: may })
  const used = useQuery({ ...uses(workspace), enabled: deletes })
  const remove = useChange({
    run: () =>
      call(deleteConnection, { params: { workspace, connection: id } }, { ifMatch: connection.revision }),
    stale: [workspace, 'connections'],
    says: () => texts.delete.done(id),
    done: () => props.gone?.(),
  })
  if (!may) return null
  const by = used.data?.by.get(id) ?? []
  return (
    <>
      <Menu
        name={texts.more(id)}
        deeds={[
          { name: texts.edit, run: () => edit(connection) },
          ...(credential.kind === 'sealed'
            ? [
                {
                  name: secretVersion === 0 ? texts.seal : texts.sealAgain,
                  run: () => location.assign(sealingPage(workspace, id)),
                },
              ]
            : []),
          { name: texts.delete.deed, danger: true, run: () => setDeletes(true) },
        ]}
      />
      {edited && (
        <ConnectionDialog
          open
          title={connectionTexts.editTitle(id)}
          form={{
            workspace,
            sites: known.data?.sites.map(({ id }) => id) ?? [],
            of: edited,
            cancel: () => edit(null),
            done(_, seal) {
              edit(null)
              announce(texts.saved(id))
              // Who knew that it is not sealed yet is not sent there for changing something else.
              if (seal && credential.kind !== 'sealed') location.assign(sealingPage(workspace, id))
            },
          }}
        />
      )}
      <Confirm
        open={deletes}
        close={() => setDeletes(false)}
        title={texts.delete.title(id)}
        deed={texts.delete.deed}
        danger
        typed={id}
        run={() => remove.mutateAsync()}
      >
        <p>{texts.delete.says}</p>
        {by.length > 0 && <p>{texts.delete.used(by)}</p>}
      </Confirm>
    </>
  )
}
