/** Asks what the next pass is to do, in plain words with what follows, and starts it. */
import { useState } from 'react'
import { type MigrationView, startPass } from '../../../shared/api/migrations.ts'
import type { Depth, GivenOptions } from '../../../shared/policy.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { objectsOf } from '../last-pass.ts'
import { passTexts } from '../texts/passes.ts'
import { texts as common } from '../texts.ts'
import { Dialog } from './dialog.tsx'
import { CheckField, ChoiceField } from './field.tsx'
import { Refusal } from './notice.tsx'
import { DepthField, SampleField } from './verification.tsx'

type Kind = 'copy' | 'verify' | 'dryRun'

const texts = passTexts.dialog

export function StartPass(props: {
  workspace: string
  migration: MigrationView
  open: boolean
  close(): void
  /** What is chosen at first. */
  kind?: Kind
  started?(pass: number): void
}) {
  return (
    <Dialog open={props.open} close={props.close} title={texts.title}>
      <Form {...props} />
    </Dialog>
  )
}

function Form(props: Parameters<typeof StartPass>[0]) {
  const { workspace, migration, close } = props
  const [kind, chooseKind] = useState<Kind>(props.kind ?? 'copy')
  const [depth, chooseDepth] = useState<Depth>('checksum')
  const [oneWay, setOneWay] = useState(false)
  const [sample, chooseSample] = useState<number | null>(null)
  const [deletes, setDeletes] = useState(migration.policy.delete ?? false)
  const body: GivenOptions =
    kind === 'verify'
      ? { kind, depth, oneWay, sample: depth === 'full' ? null : sample }
      : { kind: 'copy', dryRun: kind === 'dryRun', delete: deletes }
  const start = useChange({
    run: () => call(startPass, { params: { workspace, migration: migration.id }, body }),
    stale: [workspace, 'migrations'],
    says: ({ pass, resumed }) => (resumed ? texts.resumed(pass.number) : texts.started(pass.number)),
  })
  const run = async () => {
    const { pass } = await start.mutateAsync()
    close()
    props.started?.(pass.number)
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        // What was refused is said below.
        run().catch(() => {})
      }}
    >
      <ChoiceField<Kind>
        label={texts.kind}
        value={kind}
        change={chooseKind}
        choices={[
          ['copy', texts.copy, texts.copySays],
          ['verify', texts.verify, texts.verifySays],
          ['dryRun', texts.dryRun, texts.dryRunSays],
        ]}
      />
      {kind === 'verify' ? (
        <>
          <DepthField label={texts.depth} value={depth} change={chooseDepth} />
          {depth !== 'full' && (
            <SampleField value={sample} change={chooseSample} objects={objectsOf(migration)} />
          )}
          <CheckField label={texts.oneWay} checked={oneWay} change={setOneWay} />
        </>
      ) : (
        <CheckField
          label={texts.delete}
          hint={kind === 'dryRun' ? texts.deleteDry : texts.deleteSays}
          checked={deletes}
          change={setDeletes}
        />
      )}
      <p className="quiet">{texts.rest}</p>
      <Refusal of={start.error} />
      <div className="deeds">
        <button type="button" onClick={close}>
          {common.dialog.cancel}
        </button>
        <button
          type="submit"
          className={kind === 'copy' && deletes ? 'danger' : 'primary'}
          disabled={start.isPending}
        >
          {start.isPending ? common.dialog.busy : texts.deed}
        </button>
      </div>
    </form>
  )
}
