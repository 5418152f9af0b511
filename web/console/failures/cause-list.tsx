/** What failed, by its cause: how much, since when, what to do about it, and the doing. */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Cause } from '../../../shared/api/failures.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { when } from '../format.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Key, Said } from '../parts/key.tsx'
import { nameOf, failureTexts as texts } from '../texts/failures.ts'
import { lifeTexts } from '../texts/life.ts'
import { Deeds, type Doable } from './deeds.tsx'

const { conflicts } = lifeTexts

/** So many are shown with all that is known of them; of more, each opens. */
const openOnes = 4

export function CauseList(props: {
  on: Doable
  causes: readonly Cause[]
  /** The objects of one of them are shown below: it alone is. */
  chosen: number | undefined
}) {
  const { on, causes, chosen } = props
  const shown = chosen === undefined ? causes : causes.filter(({ id }) => Number(id) === chosen)
  return (
    <ul className="causes" aria-label={texts.causes}>
      {shown.map((cause) => (
        <li key={cause.id}>
          <CauseCard
            on={on}
            cause={cause}
            begins={shown.length <= openOnes}
            isChosen={chosen !== undefined}
          />
        </li>
      ))}
    </ul>
  )
}

function CauseCard(props: { on: Doable; cause: Cause; begins: boolean; isChosen: boolean }) {
  const { on, cause } = props
  const { id, code, objects, open, retried, waived } = cause
  const [isOpen, setOpen] = useState(props.begins)
  const first = when(cause.firstAt)
  const last = when(cause.lastAt)
  return (
    <article className="card cause" aria-label={nameOf(code)}>
      <div className="head">
        <h3>{nameOf(code)}</h3>
        <span>
          <strong>{texts.objects(objects)}</strong>, <Bytes of={cause.bytes} />
        </span>
        <span className="quiet">{texts.shares(open, retried, waived)}</span>
      </div>
      {cause.rest && <p className="quiet">{texts.restOf}</p>}
      <p>
        <Said text={cause.message} />
      </p>
      {!props.begins && !props.isChosen && (
        <button type="button" className="bare" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {texts.details}
        </button>
      )}
      {(isOpen || props.isChosen) && (
        <>
          {code === 'conflict' ? (
            <Conflict />
          ) : (
            <p>
              <strong>{texts.remedy}</strong> {cause.remedy}
            </p>
          )}
          <p className="quiet">{texts.seen(first, last)}</p>
          {!props.isChosen && (
            <p className="examples">
              <span className="quiet">{texts.samples}</span>{' '}
              {cause.samples.map((sample) => (
                <Key key={sample.keyEscaped ?? sample.key} of={sample} />
              ))}
            </p>
          )}
        </>
      )}
      <div className="row">
        <Deeds
          on={on}
          selection={{ cause: id }}
          tally={{ open, waived, isMore: false }}
          remedy={cause.remedy}
        />
        {props.isChosen ? (
          <Link
            className="button"
            from="/w/$workspace/migrations/$migration/"
            to="."
            search={(now) => ({ ...now, cause: undefined })}
            resetScroll={false}
          >
            {texts.everyCause}
          </Link>
        ) : (
          <Link
            className="button"
            from="/w/$workspace/migrations/$migration/"
            to="."
            search={(now) => ({ ...now, cause: Number(id) })}
            resetScroll={false}
          >
            {texts.show}
          </Link>
        )}
      </div>
    </article>
  )
}

/** What a conflict is, and the ways out of it. */
const Conflict = () => (
  <>
    <p>{conflicts.means}</p>
    <p>
      <strong>{texts.remedy}</strong>
    </p>
    <ul>
      {conflicts.todo.map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  </>
)

/** Packets whose attempts are spent, by what was said last: causes of their own kind. */
export function ParkedList({ pass }: { pass: PassStatus }) {
  const parked = pass.errors.filter((one) => one.parked > 0)
  if (parked.length === 0) return null
  return (
    <ul className="causes" aria-label={texts.parked(pass.packets.parked)}>
      {parked.map(({ error, parked }) => (
        <li key={`${error.code} ${error.op}`}>
          <article className="card cause" aria-label={nameOf(error.code)}>
            <div className="head">
              <h3>{nameOf(error.code)}</h3>
              <strong>{texts.parked(parked)}</strong>
            </div>
            <p>
              <Said text={error.message} />
            </p>
            {error.hint && (
              <p>
                <strong>{texts.remedy}</strong> <Said text={error.hint} />
              </p>
            )}
            <p className="quiet">{texts.parkedSays}</p>
          </article>
        </li>
      ))}
    </ul>
  )
}
