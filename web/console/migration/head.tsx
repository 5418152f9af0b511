/** The head of a migration's page: what it is, how it stands, the next thing to do, and all else that can be done. */
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Copy } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import {
  cancelPass,
  deleteMigration,
  type MigrationView,
  type PassStatus,
  startPass,
} from '../../../shared/api/migrations.ts'
import { resumePass } from '../../../shared/api/passes.ts'
import { call } from '../../api.ts'
import { announce } from '../announce.tsx'
import { useChange } from '../change.ts'
import { copy } from '../copy.ts'
import { useDeeds } from '../deeds.ts'
import type { Live } from '../live.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { LinkState } from '../parts/link.tsx'
import { Route } from '../parts/location.tsx'
import { Menu } from '../parts/menu.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { StartPass } from '../parts/start-pass.tsx'
import { State } from '../parts/state.tsx'
import { type StateOf, migrationTexts as says } from '../texts/migration.ts'
import { texts } from '../texts.ts'
import { Edit } from './edit.tsx'
import { useFavicon } from './favicon.ts'
import { Pause } from './pause.tsx'
import { save } from './yaml.ts'

type Question = 'verify' | 'dryRun' | 'pause' | 'cancel' | 'remove' | 'edit' | null

export function Head(props: {
  workspace: string
  migration: MigrationView
  pass: PassStatus | null
  live: Live
  /** What the tab says before the name. */
  tab: string
  children: ReactNode
}) {
  const { workspace, migration, pass } = props
  const { id } = migration
  const navigate = useNavigate()
  const client = useQueryClient()
  const mayRun = useMay(workspace, 'migrations:run')
  const mayWrite = useMay(workspace, 'migrations:write')
  const [question, ask] = useState<Question>(null)
  const params = { workspace, migration: id }
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
  useFavicon(state)
  const wasCopied = pass?.state === 'complete' && pass.options.kind === 'copy' && !pass.options.dryRun
  const next = wasCopied ? 'verify' : pass ? 'next' : 'start'
  const begin = (deed: 'start' | 'next' | 'verify' | 'dryRun') =>
    deed === 'verify' || deed === 'dryRun' ? ask(deed) : start.mutate()
  const starts = (['start', 'next', 'verify', 'dryRun'] as const).filter(
    (deed) => deed !== next && (pass ? deed !== 'start' : deed === 'dryRun'),
  )
  const idle = mayRun && !running && !start.isPending
  useDeeds([
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
    ...(mayWrite ? [{ name: says.deeds.edit, run: () => ask('edit') }] : []),
    { name: says.deeds.yaml, run: () => void save(workspace, migration) },
  ])
  return (
    <Page
      title={id}
      tab={`${props.tab} · ${id}`}
      back={
        <Link to="/w/$workspace/migrations" params={{ workspace }}>
          {texts.nav.migrations}
        </Link>
      }
      state={
        <>
          <button
            type="button"
            className="bare"
            aria-label={says.copyId}
            title={says.copyId}
            onClick={() => void copy(id).then(() => announce(says.copied))}
          >
            <Copy size={15} aria-hidden="true" />
          </button>
          <State is={state} says={texts.state[state]} />
          <LinkState live={props.live} />
        </>
      }
      actions={
        <>
          {running && pass?.paused ? (
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
          )}
          <Menu
            name={says.more}
            deeds={[
              ...(running ? [{ name: says.deeds.cancel, disabled: !mayRun, run: () => ask('cancel') }] : []),
              ...starts.map((deed) => ({
                name: says.deeds[deed],
                disabled: !idle,
                run: () => begin(deed),
              })),
              { name: says.deeds.edit, disabled: !mayWrite, run: () => ask('edit') },
              { name: says.deeds.yaml, run: () => void save(workspace, migration) },
              {
                name: says.deeds.duplicate,
                disabled: !mayWrite,
                run: () =>
                  void navigate({
                    to: '/w/$workspace/new-migration',
                    params: { workspace },
                    search: { from: id },
                  }),
              },
              {
                name: says.deeds.remove,
                danger: true,
                disabled: !mayWrite || running,
                run: () => ask('remove'),
              },
            ]}
          />
        </>
      }
    >
      <p className="route">
        <Route source={migration.source} destination={migration.destination} />
      </p>
      <Refusal of={start.error ?? resume.error} />
      {pass && (
        <Pause {...{ workspace, pass }} migration={id} open={question === 'pause'} close={() => ask(null)} />
      )}
      {pass && (
        <Confirm
          open={question === 'cancel'}
          close={() => ask(null)}
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
      <Confirm
        open={question === 'remove'}
        close={() => ask(null)}
        title={says.remove.title(id)}
        deed={says.remove.deed}
        danger
        typed={id}
        run={async () => {
          await call(deleteMigration, { params })
          announce(says.remove.done(id))
          await navigate({ to: '/w/$workspace/migrations', params: { workspace } })
          await client.invalidateQueries({ queryKey: stale })
        }}
      >
        <p>{says.remove.says}</p>
      </Confirm>
      {(question === 'verify' || question === 'dryRun') && (
        <StartPass {...{ workspace, migration }} open kind={question} close={() => ask(null)} />
      )}
      {question === 'edit' && <Edit workspace={workspace} migration={migration} close={() => ask(null)} />}
      {props.children}
    </Page>
  )
}
