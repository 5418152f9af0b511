/** What can be done about failures: try them again, let them be, or take that back. Each asks first, with its count and what follows. */
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { reopenFailures, retryFailures, type Selection, waiveFailures } from '../../../shared/api/failures.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { Confirm } from '../parts/dialog.tsx'
import { AreaField, ChoiceField } from '../parts/field.tsx'
import type { OfPass } from '../queries/failures.ts'
import { failureTexts as texts } from '../texts/failures.ts'
import type { Tally } from './chosen.ts'

export interface Doable {
  readonly of: OfPass
  readonly pass: PassStatus
  /** Why nothing can be tried again now; null where it can. */
  readonly busy: string | null
  readonly may: boolean
}

export function Deeds(props: {
  on: Doable
  selection: Selection
  tally: Tally
  remedy?: string
  /** Packets that a retry of everything does, too. */
  undone?: number
  done?(): void
}) {
  const { on, tally, undone = 0 } = props
  const { open, waived, isMore } = tally
  const [asks, ask] = useState<'retry' | 'waive' | 'reopen' | null>(null)
  const close = () => ask(null)
  const many = (n: number) => texts.of(n, isMore)
  const objects = (n: number) => (isMore ? `${many(n)} objects` : texts.objects(n))
  if (open + undone + waived === 0) return null
  const forbidden = on.may ? undefined : texts.forbidden
  return (
    <div className="row deeds-row">
      {open + undone > 0 && (
        <button
          type="button"
          disabled={!on.may || on.busy !== null}
          title={forbidden ?? on.busy ?? undefined}
          onClick={() => ask('retry')}
        >
          {texts.retry.deed(open > 0 ? many(open) : texts.packets(undone))}
        </button>
      )}
      {open > 0 && (
        <button type="button" disabled={!on.may} title={forbidden} onClick={() => ask('waive')}>
          {texts.waive.deed(many(open))}…
        </button>
      )}
      {waived > 0 && (
        <button type="button" disabled={!on.may} title={forbidden} onClick={() => ask('reopen')}>
          {texts.reopen.deed(many(waived))}
        </button>
      )}
      {asks === 'retry' && (
        <Retry {...props} close={close} what={open > 0 ? objects(open) : texts.packets(undone)} />
      )}
      {asks === 'waive' && <Waive {...props} close={close} what={objects(open)} n={many(open)} />}
      {asks === 'reopen' && <Reopen {...props} close={close} what={objects(waived)} n={many(waived)} />}
    </div>
  )
}

type Asking = Parameters<typeof Deeds>[0] & { close(): void; what: string }

/** All of the migration is asked for again: its passes, its figures, its failures. */
const staleAfter = ({ workspace, migration }: OfPass) => [workspace, 'migrations', migration]

function Retry({ on, selection, tally, remedy, undone = 0, done, close, what }: Asking) {
  const isVerification = on.pass.options.kind === 'verify'
  const [kind, choose] = useState<'copy' | 'verify'>('copy')
  const navigate = useNavigate({ from: '/w/$workspace/migrations/$migration/' })
  const retry = useChange({
    async run() {
      const body = { ...selection, ...(isVerification && { kind }) }
      const begun = await call(retryFailures, { params: { ...on.of }, body })
      // The new pass is the last one now; who looks at these goes on to.
      await navigate({ to: '.', search: (now) => ({ ...now, pass: on.of.pass }), resetScroll: false })
      return begun
    },
    stale: staleAfter(on.of),
    says: ({ objects, pass }) => texts.retry.done(objects, pass.number),
  })
  return (
    <Confirm
      open
      close={close}
      title={texts.retry.title(what)}
      deed={texts.retry.deed(tally.open > 0 ? texts.of(tally.open, tally.isMore) : what)}
      run={() => retry.mutateAsync().then(done)}
      fields={
        isVerification && (
          <ChoiceField<'copy' | 'verify'>
            label={texts.retry.kind}
            value={kind}
            change={choose}
            choices={[
              ['copy', texts.retry.copy, texts.retry.copySays],
              ['verify', texts.retry.verify, texts.retry.verifySays],
            ]}
          />
        )
      }
    >
      <p>{texts.retry.says(on.pass.number)}</p>
      {undone > 0 && <p>{texts.retry.undone(undone)}</p>}
      {tally.open > 0 && <p>{texts.retry.cause}</p>}
      {remedy && (
        <p>
          <strong>{texts.remedy}</strong> {remedy}
        </p>
      )}
    </Confirm>
  )
}

function Waive({ on, selection, done, close, what, n }: Asking & { n: string }) {
  const [reason, setReason] = useState('')
  const waive = useChange({
    run: () => call(waiveFailures, { params: { ...on.of }, body: { ...selection, reason: reason.trim() } }),
    stale: staleAfter(on.of),
    says: ({ objects }) => texts.waive.done(objects),
  })
  return (
    <Confirm
      open
      close={close}
      title={texts.waive.title(what)}
      deed={texts.waive.deed(n)}
      run={() => waive.mutateAsync().then(done)}
      ready={reason.trim() !== ''}
      fields={
        <AreaField label={texts.waive.reason} value={reason} change={setReason} maxLength={500} required />
      }
    >
      <p>{texts.waive.says}</p>
    </Confirm>
  )
}

function Reopen({ on, selection, done, close, what, n }: Asking & { n: string }) {
  const reopen = useChange({
    run: () => call(reopenFailures, { params: { ...on.of }, body: selection }),
    stale: staleAfter(on.of),
    says: ({ objects }) => texts.reopen.done(objects),
  })
  return (
    <Confirm
      open
      close={close}
      title={texts.reopen.title(what)}
      deed={texts.reopen.deed(n)}
      run={() => reopen.mutateAsync().then(done)}
    >
      <p>{texts.reopen.says}</p>
    </Confirm>
  )
}
