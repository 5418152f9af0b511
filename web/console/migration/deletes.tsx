/** A pass that would delete more than its policy allows, and waits for an answer: the numbers, and the two answers. */
import { useState } from 'react'
import { answerDeletes } from '../../../shared/api/life.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Notice } from '../parts/notice.tsx'
import { deletesTexts } from '../texts/deletes.ts'

const says = deletesTexts.asks

export function Deletes(props: {
  workspace: string
  migration: string
  pass: number
  /** So many would be deleted, of so many at the destination. */
  objects: number
  of: number
}) {
  const { workspace, migration, pass, objects, of } = props
  const may = useMay(workspace, 'migrations:run')
  const [asked, ask] = useState<'allow' | 'leave' | null>(null)
  const close = () => ask(null)
  const params = { workspace, migration, pass }
  const stale = [workspace, 'migrations', migration]
  const allow = useChange({
    run: () => call(answerDeletes, { params, body: { do: 'allow', objects } }),
    stale,
    says: () => says.allowed(objects),
  })
  const leave = useChange({
    run: () => call(answerDeletes, { params, body: { do: 'leave' } }),
    stale,
    says: () => says.left,
  })
  const forbidden = may ? undefined : says.mayNot
  return (
    <Notice
      kind="bad"
      actions={
        <>
          <button type="button" disabled={!may} title={forbidden} onClick={() => ask('leave')}>
            {says.leave}
          </button>
          <button
            type="button"
            className="danger"
            disabled={!may}
            title={forbidden}
            onClick={() => ask('allow')}
          >
            {says.allow(objects)}
          </button>
        </>
      }
    >
      <p>
        <strong>{says.title(objects, of)}</strong>
      </p>
      <p className="quiet">{says.says}</p>
      <Confirm
        open={asked === 'allow'}
        close={close}
        title={says.allowTitle(objects)}
        deed={says.allowDeed(objects)}
        danger
        typed={says.typed(objects)}
        run={() => allow.mutateAsync()}
      >
        <p>{says.allowSays}</p>
      </Confirm>
      <Confirm
        open={asked === 'leave'}
        close={close}
        title={says.leaveTitle(objects)}
        deed={says.leaveDeed}
        run={() => leave.mutateAsync()}
      >
        <p>{says.leaveSays}</p>
      </Confirm>
    </Notice>
  )
}
