/** Asks how far a verification between two passes is to look, and begins it. */
import { useState } from 'react'
import { verifyLife } from '../../../shared/api/life.ts'
import type { MigrationView } from '../../../shared/api/migrations.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { objectsOf } from '../last-pass.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Refusal } from '../parts/notice.tsx'
import { DepthField, SampleField } from '../parts/verification.tsx'
import { lifeTexts } from '../texts/life.ts'
import { verificationTexts } from '../texts/verification.ts'
import { texts } from '../texts.ts'

const says = lifeTexts.ask.verify

export function VerifyNow(props: { workspace: string; migration: MigrationView; close(): void }) {
  const { workspace, migration, close } = props
  const [depth, chooseDepth] = useState(migration.follow.depth)
  const [sample, chooseSample] = useState(migration.follow.sample)
  const verify = useChange({
    run: () =>
      call(verifyLife, {
        params: { workspace, migration: migration.id },
        body: { depth, sample: depth === 'full' ? null : sample },
      }),
    stale: [workspace, 'migrations', migration.id],
    says: () => says.done,
  })
  return (
    <Dialog open close={close} title={says.title} says={<p>{says.says}</p>}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          verify.mutate(undefined, { onSuccess: close })
        }}
      >
        <DepthField label={verificationTexts.depth} value={depth} change={chooseDepth} />
        {depth !== 'full' && (
          <SampleField value={sample} change={chooseSample} objects={objectsOf(migration)} />
        )}
        <Refusal of={verify.error} />
        <div className="deeds">
          <button type="button" onClick={close}>
            {texts.dialog.cancel}
          </button>
          <button type="submit" className="primary" disabled={verify.isPending}>
            {verify.isPending ? texts.dialog.busy : says.deed}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
