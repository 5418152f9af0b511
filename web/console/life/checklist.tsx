/** The checklist of a cut-over or a roll-back: each step with how it stands, since when, by whom, by which pass, and what it asks for. */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { doStep } from '../../../shared/api/life.ts'
import type { MigrationView } from '../../../shared/api/migrations.ts'
import type { Check, CutOverStep, LifeView } from '../../../shared/life.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Said } from '../parts/key.tsx'
import { Refusal } from '../parts/notice.tsx'
import { State } from '../parts/state.tsx'
import { Time } from '../parts/time.tsx'
import { lifeTexts } from '../texts/life.ts'
import { AskLife } from './ask.tsx'
import { nameOf, type Question } from './deeds.ts'

const says = lifeTexts.checklist
const shapes: Readonly<Record<Check['state'], string>> = {
  waiting: 'away',
  doing: 'running',
  asks: 'asks',
  done: 'complete',
  waived: 'cancelled',
  failed: 'failed',
}

export function Checklist(props: { workspace: string; migration: MigrationView; life: LifeView }) {
  const { workspace, migration, life } = props
  const may = useMay(workspace, 'migrations:run')
  const [question, ask] = useState<Question | null>(null)
  const params = { workspace, migration: migration.id }
  const retry = useChange({
    run: (step: CutOverStep) => call(doStep, { params: { ...params, step }, body: { do: 'retry' } }),
    stale: [workspace, 'migrations', migration.id],
    says: () => lifeTexts.ask.retried,
  })
  const { checks, direction } = life
  const holds = checks.filter(({ state }) => state === 'done' || state === 'waived').length
  if (checks.length === 0) {
    return life.commands.includes('cut-over') ? <p className="quiet">{says.none}</p> : null
  }
  return (
    <section className="card checklist" aria-label={says[direction]}>
      <div className="head">
        <h2>{says[direction]}</h2>
        <span className="quiet" role="status">
          {says.says(holds, checks.length)}
        </span>
        {life.commands.includes('abandon') && (
          <div className="actions">
            <button type="button" disabled={!may} onClick={() => ask({ of: 'abandon' })}>
              {lifeTexts.deeds.abandon}
            </button>
          </div>
        )}
      </div>
      <Refusal of={retry.error} />
      <ol>
        {checks.map((check) => (
          <li key={check.step} className={check.state} aria-current={isAtHand(check) ? 'step' : undefined}>
            <h3>{says.steps[check.step](direction)}</h3>
            <div>
              <State is={shapes[check.state]} says={says.states[check.state]} />{' '}
              <Facts check={check} {...params} />
              {check.state !== 'waiting' && (
                <p>
                  <Said text={check.message} />
                </p>
              )}
              <Answers
                {...{ check, life, params, may, ask }}
                busy={retry.isPending}
                retry={() => retry.mutate(check.step)}
              />
            </div>
          </li>
        ))}
      </ol>
      <AskLife {...{ workspace, migration, life, question }} close={() => ask(null)} />
    </section>
  )
}

const isAtHand = ({ state }: Check) => state === 'asks' || state === 'doing' || state === 'failed'

function Facts({ check, ...params }: { check: Check; workspace: string; migration: string }) {
  const { at, by, pass } = check
  if (at === null && pass === null) return null
  return (
    <span className="quiet small">
      {at !== null && (
        <>
          {says.since} <Time at={at} />
        </>
      )}
      {by !== null && (
        <>
          {' '}
          {says.by} <Said text={by} most={80} />
        </>
      )}
      {pass !== null && (
        <>
          {' '}
          <Link
            to="/w/$workspace/migrations/$migration/passes"
            params={params}
            hash={`pass-${pass}`}
            resetScroll={false}
          >
            {says.pass(pass)}
          </Link>
        </>
      )}
    </span>
  )
}

/** What the step asks for; nothing where it goes on by itself. */
function Answers(props: {
  check: Check
  life: LifeView
  params: { workspace: string; migration: string }
  may: boolean
  busy: boolean
  ask(question: Question): void
  retry(): void
}) {
  const { check, life, params, may, busy, ask, retry } = props
  const { step, state } = check
  if (state !== 'asks' && state !== 'failed') return null
  const title = may ? undefined : lifeTexts.mayNot
  if (step === 'freeze' || step === 'switch') {
    const of = step
    if (state !== 'asks') return null
    return (
      <button type="button" className="primary" disabled={!may} title={title} onClick={() => ask({ of })}>
        {of === 'freeze' ? lifeTexts.deeds.freeze : nameOf('switch', life)}
      </button>
    )
  }
  return (
    <div className="row wraps">
      {step === 'failures' && (
        <Link
          className="button primary"
          to="/w/$workspace/migrations/$migration"
          params={params}
          resetScroll={false}
        >
          {lifeTexts.deeds.failures}
        </Link>
      )}
      <button type="button" disabled={!may || busy} title={title} onClick={retry}>
        {says.retry}
      </button>
      {step === 'uploads' && (
        <button type="button" disabled={!may} title={title} onClick={() => ask({ of: 'waive', step })}>
          {says.waive}
        </button>
      )}
    </div>
  )
}
