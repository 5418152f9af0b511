/** One failure, whole: what a row cuts short. */
import type { Failure } from '../../../shared/api/failures.ts'
import { when } from '../format.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Key, Said } from '../parts/key.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { nameOf, failureTexts as texts } from '../texts/failures.ts'
import { texts as common } from '../texts.ts'
import { tallyOf } from './chosen.ts'
import { Deeds, type Doable } from './deeds.tsx'
import { stateOf } from './list.tsx'

export function Details(props: { on: Doable; failure: Failure; remedy: string | undefined; close(): void }) {
  const { on, failure, remedy, close } = props
  const { waiver, retriedBy } = failure
  const columns = texts.list.columns
  return (
    <Dialog open close={close} title={nameOf(failure.code)} wide>
      <dl className="details">
        <dt>{columns.key}</dt>
        <dd>
          <Key of={failure} most={600} />
        </dd>
        <dt>{texts.one.message}</dt>
        <dd>
          <Said text={failure.message} most={2_000} />
        </dd>
        {remedy && (
          <>
            <dt>{texts.one.remedy}</dt>
            <dd>{remedy}</dd>
          </>
        )}
        <dt>{columns.bytes}</dt>
        <dd>
          <Bytes of={failure.bytes} />
        </dd>
        <dt>{columns.at}</dt>
        <dd>
          <Time at={failure.at} />
        </dd>
        <dt>{columns.state}</dt>
        <dd>
          <State is={stateOf[failure.state]} says={texts.states[failure.state]} />
          {retriedBy !== null && <span className="quiet"> {texts.list.retriedBy(retriedBy)}</span>}
          {waiver && (
            <p>
              <Said text={texts.one.waivedBy(waiver.by, when(waiver.at))} />: <Said text={waiver.reason} />
            </p>
          )}
        </dd>
      </dl>
      <div className="deeds">
        <Deeds
          on={on}
          selection={{ ids: [failure.id] }}
          tally={tallyOf(new Map([[failure.id, failure.state]]))}
          done={close}
        />
        <button type="button" onClick={close}>
          {common.dialog.close}
        </button>
      </div>
    </Dialog>
  )
}
