/** The head of a migration's page: what it is, how it stands, the next thing to do, and all else that can be done. */
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Copy } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { deleteMigration, type MigrationView, type PassStatus } from '../../../shared/api/migrations.ts'
import type { LifeView } from '../../../shared/life.ts'
import { call } from '../../api.ts'
import { announce } from '../announce.tsx'
import { copy } from '../copy.ts'
import { useDeeds } from '../deeds.ts'
import { useLifeOffer } from '../life/offer.tsx'
import { Stages } from '../life/stages.tsx'
import { Standing } from '../life/standing.tsx'
import { briefly, isAtRest, isLed } from '../life/view.ts'
import type { Live } from '../live.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { LinkState } from '../parts/link.tsx'
import { Route } from '../parts/location.tsx'
import { Menu } from '../parts/menu.tsx'
import { Page } from '../parts/page.tsx'
import { State } from '../parts/state.tsx'
import { type StateOf, migrationTexts as says } from '../texts/migration.ts'
import { texts } from '../texts.ts'
import { useByHand } from './by-hand.tsx'
import { Edit } from './edit.tsx'
import { useFavicon } from './favicon.ts'
import { FollowEdit } from './follow-edit.tsx'
import { save } from './yaml.ts'

type Question = 'remove' | 'edit' | 'follow' | null

export function Head(props: {
  workspace: string
  migration: MigrationView
  pass: PassStatus | null
  /** Undefined while it is not known. */
  life: LifeView | undefined
  live: Live
  /** What the tab says before the name. */
  tab: string
  children: ReactNode
}) {
  const { workspace, migration, pass, life } = props
  const { id } = migration
  const navigate = useNavigate()
  const client = useQueryClient()
  const mayWrite = useMay(workspace, 'migrations:write')
  const [question, ask] = useState<Question>(null)
  const close = () => ask(null)
  const byHand = useByHand({ workspace, migration, pass })
  const led = useLifeOffer({ workspace, migration, life })
  const isRunning = pass?.state === 'running'
  // Where nothing goes on by itself both ways are open; else its life alone begins passes.
  const isUnknown = !life && migration.life !== undefined && migration.life.state !== 'draft'
  const byWhom = isAtRest(life) ? [byHand, ...(led ? [led] : [])] : led ? [led] : []
  const offers = isUnknown ? [] : byWhom
  const state = isUnknown ? briefly(migration.life!) : led && isLed(life) ? led.state : byHand.state
  const copies = life?.state === 'surveying' || life?.state === 'backfilling'
  useFavicon(life && isLed(life) ? iconOf(life, pass) : (pass?.state ?? 'new'))
  const editing = [
    { name: says.deeds.edit, run: () => ask('edit') },
    { name: says.deeds.follow, run: () => ask('follow') },
  ]
  useDeeds([
    ...uniqueKeys(offers.flatMap((offer) => offer.deeds)),
    ...(mayWrite ? editing : []),
    { name: says.deeds.yaml, run: () => void save(workspace, migration) },
  ])
  return (
    <Page
      title={id}
      tab={`${isLed(life) && !(copies && isRunning) ? state.says : props.tab} · ${id}`}
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
          <State {...state} />
          <LinkState live={props.live} />
        </>
      }
      actions={
        <>
          {offers.map((offer, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: by hand, or led: it has no other name.
            <span className="row wraps" key={i}>
              {offer.buttons}
            </span>
          ))}
          <Menu
            name={says.more}
            deeds={[
              ...offers.flatMap((offer) => offer.menu),
              ...editing.map((deed) => ({ ...deed, disabled: !mayWrite })),
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
                disabled: !mayWrite || isRunning || !(isAtRest(life) || life?.state === 'closed'),
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
      {life && isLed(life) && (
        <>
          <Stages life={life} />
          <Standing life={life} />
        </>
      )}
      {byHand.asks}
      {led?.asks}
      <Confirm
        open={question === 'remove'}
        close={close}
        title={says.remove.title(id)}
        deed={says.remove.deed}
        danger
        typed={id}
        run={async () => {
          await call(deleteMigration, { params: { workspace, migration: id } })
          announce(says.remove.done(id))
          await navigate({ to: '/w/$workspace/migrations', params: { workspace } })
          await client.invalidateQueries({ queryKey: [workspace, 'migrations'] })
        }}
      >
        <p>{says.remove.says}</p>
      </Confirm>
      {question === 'edit' && <Edit {...{ workspace, migration, close }} />}
      {question === 'follow' && <FollowEdit {...{ workspace, migration, close }} />}
      {props.children}
    </Page>
  )
}

/** The shape on the browser's tab: what asks somebody, what goes on, what is over. */
function iconOf(life: LifeView, pass: PassStatus | null): StateOf {
  const { state } = life
  if (life.deletes || life.checks.some(({ state }) => state === 'asks' || state === 'failed')) {
    return 'incomplete'
  }
  if (state === 'cancelled' || state === 'rolled-back') return 'cancelled'
  if (state === 'closed' || state === 'cut-over' || state === 'ready') return 'complete'
  return pass?.state === 'running' || state !== 'draft' ? 'running' : 'new'
}

/** A key does one thing: the first that has it. */
const uniqueKeys = <T extends { readonly key?: string }>(deeds: readonly T[]): T[] =>
  deeds.map(({ key, ...deed }, i) =>
    key !== undefined && !deeds.slice(0, i).some((one) => one.key === key) ? { ...deed, key } : deed,
  ) as T[]
