/** What can be done about a migration whose passes are begun by hand. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cancelPass, type MigrationView, type PassStatus, startPass } from '../../../shared/api/migrations.ts'
import { resumePass } from '../../../shared/api/passes.ts'
import { call } from '../../api.ts'
import { announce } from '../announce.tsx'
import { useChange } from '../change.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { Refusal } from '../parts/notice.tsx'
import { StartPass } from '../parts/start-pass.tsx'
import { type StateOf, migrationTexts as says } from '../texts/migration.ts'
import { texts } from '../texts.ts'
import type { Offer } from './offer.ts'
import { Pause } from './pause.tsx'

type Question = 'verify' | 'dryRun' | 'pause' | 'cancel' | null

export function useByHand(props: {
  workspace: string
  migration: MigrationView
  pass: PassStatus | null
}): Offer {
  const { workspace, migration, pass } = props
  const client = useQueryClient()
  const mayRun = useMay(workspace, 'migrations:run')
  const [question, ask] = useState<Question>(null)
  const close = () => ask(null)
  const params = { workspace, migration: migration.id }
  const stale = [workspace, 'migrations']
  const start = useChange({
    run: () => call(startPass, { params, body: {} }),
    stale,
    says: ({ pass }) => says.started(pass.number),
  })
  const resume = useChange({
    run: () => call(resumePass, { params: { ...params, pass: pass!.number } }),
    stale,
    says: () => says.pause.resumed,
  })
  const state: StateOf = pass?.state ?? 'new'
  const running = state === 'running'
  const wasCopied = pass?.state === 'complete' && pass.options.kind === 'copy' && !pass.options.dryRun
  const next = wasCopied ? 'verify' : pass ? 'next' : 'start'
  const begin = (deed: 'start' | 'next' | 'verify' | 'dryRun') =>
    deed === 'verify' || deed === 'dryRun' ? ask(deed) : start.mutate()
  const starts = (['start', 'next', 'verify', 'dryRun'] as const).filter(
    (deed) => deed !== next && (pass ? deed !== 'start' : deed === 'dryRun'),
  )
  const idle = mayRun && !running && !start.isPending
  return {
    state: { is: state, says: texts.state[state] },
    buttons:
      running && pass?.paused ? (
        <button
          type="button"
          className="primary"
          disabled={!mayRun || resume.isPending}
          onClick={() => resume.mutate()}
        >
          {says.deeds.resume}
        </button>
      ) : running ? (
        <button type="button" disabled={!mayRun} onClick={() => ask('pause')}>
          {says.deeds.pause}
        </button>
      ) : (
        <button
          type="button"
          className="primary"
          disabled={!idle}
          title={mayRun ? undefined : says.deeds.mayNot}
          onClick={() => begin(next)}
        >
          {says.deeds[next]}
        </button>
      ),
    menu: [
      ...(running ? [{ name: says.deeds.cancel, disabled: !mayRun, run: () => ask('cancel') }] : []),
      ...starts.map((deed) => ({ name: says.deeds[deed], disabled: !idle, run: () => begin(deed) })),
    ],
    deeds: [
      ...(idle ? [{ name: says.deeds[next], key: 's', run: () => begin(next) }] : []),
      ...(idle ? starts.map((deed) => ({ name: says.deeds[deed], run: () => begin(deed) })) : []),
      ...(mayRun && running
        ? [
            pass?.paused
              ? { name: says.deeds.resume, key: 'p', run: () => resume.mutate() }
              : { name: says.deeds.pause, key: 'p', run: () => ask('pause') },
            { name: says.deeds.cancel, run: () => ask('cancel') },
          ]
        : []),
    ],
    asks: (
      <>
        <Refusal of={start.error ?? resume.error} />
        {pass && (
          <Pause {...{ workspace, pass, close }} migration={migration.id} open={question === 'pause'} />
        )}
        {pass && (
          <Confirm
            open={question === 'cancel'}
            close={close}
            title={says.cancel.title(pass.number)}
            deed={says.cancel.deed}
            danger
            run={async () => {
              await call(cancelPass, { params: { ...params, pass: pass.number } })
              announce(says.cancel.done)
              await client.invalidateQueries({ queryKey: stale })
            }}
          >
            <p>{says.cancel.says}</p>
          </Confirm>
        )}
        {(question === 'verify' || question === 'dryRun') && (
          <StartPass {...{ workspace, migration, close }} open kind={question} />
        )}
      </>
    ),
  }
}
