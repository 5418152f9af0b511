/** What can be done about a migration whose life Dray leads: of what the control plane says can be asked now. */
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { resumeLife } from '../../../shared/api/life.ts'
import type { MigrationView } from '../../../shared/api/migrations.ts'
import type { LifeCommand, LifeView } from '../../../shared/life.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import type { Offer } from '../migration/offer.ts'
import { Refusal } from '../parts/notice.tsx'
import { lifeTexts as says } from '../texts/life.ts'
import { AskLife } from './ask.tsx'
import { besideOf, nameOf, nextOf, type Question } from './deeds.ts'
import { asking, isAtRest, kindOf, stateOf } from './view.ts'

/** Null: nothing is led. */
export function useLifeOffer(props: {
  workspace: string
  migration: MigrationView
  life: LifeView | undefined
}): Offer | null {
  const { workspace, migration, life } = props
  const may = useMay(workspace, 'migrations:run')
  const [question, ask] = useState<Question | null>(null)
  const resume = useChange({
    run: () => call(resumeLife, { params: { workspace, migration: migration.id } }),
    stale: [workspace, 'migrations', migration.id],
    says: () => says.ask.resumed,
  })
  if (!life) return null
  const run = (question: Question) => (question.of === 'resume' ? resume.mutate() : ask(question))
  const next = nextOf(life)
  const beside = besideOf(life).filter((command) => command !== next?.of)
  const name = (question: Question) =>
    question.of === 'freeze' || question.of === 'waive' ? says.deeds.freeze : nameOf(question.of, life)
  const rest = life.commands.filter((command) => command !== next?.of && !beside.includes(command))
  const keys: Partial<Record<Question['of'], string>> = { pause: 'p', resume: 'p' }
  const open = (of: LifeCommand) => ({ name: nameOf(of, life), run: () => run({ of }) })
  return {
    state: { is: kindOf(life), says: stateOf(life) },
    buttons: (
      <>
        {next ? (
          <button
            type="button"
            className={isAtRest(life) ? undefined : 'primary'}
            disabled={!may || resume.isPending}
            title={may ? undefined : says.mayNot}
            onClick={() => run(next)}
          >
            {name(next)}
          </button>
        ) : (
          asking(life) && <ToChecklist workspace={workspace} migration={migration.id} />
        )}
        {beside.map((command) => (
          <button
            key={command}
            type="button"
            disabled={!may}
            title={may ? undefined : says.mayNot}
            onClick={() => run({ of: command })}
          >
            {nameOf(command, life)}
          </button>
        ))}
      </>
    ),
    menu: rest.map((command) => ({
      ...open(command),
      disabled: !may,
      danger: command === 'cancel' || command === 'close',
    })),
    deeds: may
      ? [
          ...(next ? [{ name: name(next), key: keys[next.of] ?? 's', run: () => run(next) }] : []),
          ...[...beside, ...rest].map((command) => ({
            ...open(command),
            ...(keys[command] !== undefined && { key: keys[command] }),
          })),
        ]
      : [],
    asks: (
      <>
        <Refusal of={resume.error} />
        <AskLife {...{ workspace, migration, life, question }} close={() => ask(null)} />
      </>
    ),
  }
}

const ToChecklist = (params: { workspace: string; migration: string }) => (
  <Link
    className="button primary"
    to="/w/$workspace/migrations/$migration/life"
    params={params}
    resetScroll={false}
  >
    {says.deeds.look}
  </Link>
)
