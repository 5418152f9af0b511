/** Asks before something is done to a migration's life: what follows from it, and what is promised by it. */
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import {
  abandonCutOver,
  cancelLife,
  closeLife,
  cutOver,
  doStep,
  pauseLife,
  rollBack,
  startLife,
  switchOver,
} from '../../../shared/api/life.ts'
import type { MigrationView } from '../../../shared/api/migrations.ts'
import type { Direction, LifeView } from '../../../shared/life.ts'
import { formatLocation } from '../../../shared/location.ts'
import { passOptions } from '../../../shared/policy.ts'
import { wayBack } from '../../../shared/way-back.ts'
import { call } from '../../api.ts'
import { announce } from '../announce.tsx'
import { plain } from '../hostile.ts'
import { Confirm } from '../parts/dialog.tsx'
import { AreaField, CheckField } from '../parts/field.tsx'
import { InFlight } from '../parts/in-flight.tsx'
import { Notice } from '../parts/notice.tsx'
import { lifeTexts, span } from '../texts/life.ts'
import { isBeforeCutOver, type Question } from './deeds.ts'
import { VerifyNow } from './verify-now.tsx'

const says = lifeTexts.ask

export interface Asked {
  workspace: string
  migration: MigrationView
  life: LifeView
}

interface Words {
  title: string
  deed: string
  done: string
  children: ReactNode
}

/** `question`: what is open; null: nothing is. */
export function AskLife(props: Asked & { question: Question | null; close(): void }) {
  const { question } = props
  return question && <Open key={question.of} {...props} question={question} />
}

function Open(props: Asked & { question: Question; close(): void }) {
  const { workspace, migration, life, question, close } = props
  const client = useQueryClient()
  const navigate = useNavigate()
  const [inFlight, choose] = useState<'finish' | 'stop'>('finish')
  const [promised, promise] = useState(false)
  const [reason, give] = useState('')
  const params = { workspace, migration: migration.id }
  const [source, destination] = [place(migration.source), place(migration.destination)]
  const toChecklist = () =>
    navigate({ to: '/w/$workspace/migrations/$migration/life', params, resetScroll: false })
  const { direction } = life
  // What is left, and what is switched to.
  const [from, to] = direction === 'forward' ? [source, destination] : [destination, source]
  const ask = (
    words: Words,
    run: () => Promise<unknown>,
    more: Partial<Parameters<typeof Confirm>[0]> = {},
  ) => (
    <Confirm
      open
      close={close}
      title={words.title}
      deed={words.deed}
      {...more}
      run={async () => {
        try {
          await run()
          announce(words.done)
        } finally {
          await client.invalidateQueries({ queryKey: [workspace, 'migrations', migration.id] })
        }
      }}
    >
      {words.children}
    </Confirm>
  )
  switch (question.of) {
    case 'start':
      return ask(
        {
          ...says.start,
          children: <Start migration={migration} source={source} destination={destination} />,
        },
        () => call(startLife, { params }),
      )
    case 'pause':
      return ask(
        { ...says.pause, children: <p>{says.pause.says}</p> },
        () => call(pauseLife, { params, body: { inFlight } }),
        { fields: <InFlight value={inFlight} change={choose} /> },
      )
    case 'cancel':
      return ask(
        { ...says.cancel, children: <p>{says.cancel.says}</p> },
        () => call(cancelLife, { params }),
        { danger: true },
      )
    case 'verify':
      return <VerifyNow {...{ workspace, migration, close }} />
    case 'cut-over': {
      const { steps, more, noWayBack: _, noWayBackHow: __, ...words } = says['cut-over']
      const list = (
        <>
          <Steps says={words.says} of={steps(span(life.follow.lag), source)} more={more} />
          <NoWayBack migration={migration} />
        </>
      )
      return ask({ ...words, children: list }, () => call(cutOver, { params }).then(toChecklist))
    }
    case 'roll-back': {
      if (isBeforeCutOver(life)) {
        const words = { ...says.stop, children: <p>{says.stop.says}</p> }
        return ask(words, () => call(rollBack, { params }), { danger: true })
      }
      const { steps, more, ...words } = says['roll-back']
      const list = <Steps says={words.says} of={steps(destination, source)} more={more} />
      return ask({ ...words, children: list }, () => call(rollBack, { params }).then(toChecklist))
    }
    case 'abandon':
      return ask({ ...says.abandon, children: <p>{says.abandon.says(from)}</p> }, () =>
        call(abandonCutOver, { params }),
      )
    case 'switch': {
      const { title, deed, done } = says.switch
      const words = { title: title(direction), deed: deed(direction), done: done(direction) }
      const children = <Switch to={to} direction={direction} />
      return ask({ ...words, children }, () => call(switchOver, { params }), { typed: migration.id })
    }
    case 'close':
      return ask({ ...says.close, children: <p>{says.close.says}</p> }, () => call(closeLife, { params }), {
        danger: true,
        typed: migration.id,
      })
    case 'freeze': {
      const { promise: label, promises, more, ...words } = says.freeze
      return ask(
        {
          ...words,
          title: words.title(from),
          children: <Steps says={words.says} of={promises} more={more} />,
        },
        () => call(doStep, { params: { ...params, step: 'freeze' }, body: { do: 'declare' } }),
        {
          ready: promised,
          fields: <CheckField label={label(from)} checked={promised} change={promise} />,
        },
      )
    }
    case 'waive': {
      const { step } = question
      const words = { ...says.waive, done: says.waive.done }
      return ask(
        { ...words, children: <p>{step === 'uploads' ? words.says.uploads : words.says.other}</p> },
        () => call(doStep, { params: { ...params, step }, body: { do: 'waive', reason: reason.trim() } }),
        {
          ready: reason.trim() !== '',
          fields: (
            <AreaField label={says.waive.reason} value={reason} change={give} maxLength={500} required />
          ),
        },
      )
    }
    case 'resume':
      // Nothing is lost by it: it is not asked for.
      return null
    default:
      return question satisfies never
  }
}

/** Whole, as far as a question stands it. */
const place = (location: MigrationView['source']) => plain(formatLocation(location), 200)

function Start(props: { migration: MigrationView; source: string; destination: string }) {
  const { migration, source, destination } = props
  const options = passOptions(migration.policy)
  const { never, atOnce, after } = says.start.deletes
  return (
    <>
      <p>{says.start.says(source, destination)}</p>
      <p>{says.start.more}</p>
      <p>{!options.delete ? never : options.deleteAfter === 0 ? atOnce : after(span(options.deleteAfter))}</p>
    </>
  )
}

/** Better said before the cut-over than after it. */
function NoWayBack({ migration }: { migration: MigrationView }) {
  const way = wayBack(migration, migration.policy)
  if (!('why' in way)) return null
  return (
    <Notice>
      <p>
        <strong>{says['cut-over'].noWayBack}</strong> {way.why} {says['cut-over'].noWayBackHow}
      </p>
    </Notice>
  )
}

const Steps = (props: { says: string; of: readonly string[]; more: string }) => (
  <>
    <p>{props.says}</p>
    <ol>
      {props.of.map((step) => (
        <li key={step}>{step}</li>
      ))}
    </ol>
    <p>{props.more}</p>
  </>
)

const Switch = ({ to, direction }: { to: string; direction: Direction }) => (
  <>
    <p>{says.switch.says(to)}</p>
    <ul>
      {says.switch.follows[direction].map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  </>
)
