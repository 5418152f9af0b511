/** Find or do: any page, any migration, agent or connection by its name, what the page lets one do, another workspace, other colours. */
import { Autocomplete } from '@base-ui/react/autocomplete'
import { Dialog } from '@base-ui/react/dialog'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { listMigrations } from '../../shared/api/migrations.ts'
import type { Scope } from '../../shared/api/scopes.ts'
import { call } from '../api.ts'
import { announce } from './announce.tsx'
import { called, deedsNow } from './deeds.ts'
import { connections } from './queries/connections.ts'
import { me } from './queries/me.ts'
import { agents } from './queries/sites.ts'
import { signOut } from './signed-out.ts'
import { connectionPageTexts } from './texts/connections.ts'
import { keyTexts as texts } from './texts/keys.ts'
import { limitTexts } from './texts/limits.ts'
import { peopleTexts } from './texts/people.ts'
import { scheduleTexts } from './texts/schedules.ts'
import { siteTexts } from './texts/sites.ts'
import { webhookTexts } from './texts/webhooks.ts'
import { texts as common } from './texts.ts'
import { setTheme, themes } from './theme.ts'

interface Item {
  readonly value: string
  readonly label: string
  readonly kind: string
  run(): void
}

/** What pages begin with, and who may. */
const begins = [
  ['/sites', siteTexts.join, 'sites:write'],
  ['/connections', connectionPageTexts.new, 'connections:write'],
  ['/schedules', scheduleTexts.make, 'migrations:write'],
  ['/limits', limitTexts.make, 'limits:write'],
  ['/webhooks', webhookTexts.make, 'webhooks:write'],
  ['/people', peopleTexts.invitations.make, 'members:write'],
] as const satisfies readonly (readonly [string, string, Scope])[]

/** Of what is shown at once. */
const most = 40

const leave = () => void signOut().catch((error: Error) => announce(error.message))

export default function Palette(props: {
  workspace: string
  pages: readonly (readonly [path: string, name: string])[]
  go(path: string): void
  close(): void
}) {
  const { workspace, go, close } = props
  const [typed, type] = useState('')
  const text = useDeferredValue(typed.trim().toLowerCase())
  /** Not of this dialog: they are gone from the page's point of view once it has closed. */
  const [here] = useState(deedsNow)
  const { kinds } = texts
  const named = useQuery({
    queryKey: [workspace, 'migrations', 'named', text],
    queryFn: ({ signal }) =>
      call(
        listMigrations,
        { params: { workspace }, query: { limit: 10, ...(text !== '' && { text: text.slice(0, 64) }) } },
        { signal },
      ),
    placeholderData: keepPreviousData,
  })
  const once = { refetchInterval: false, staleTime: 30_000 } as const
  const { data: fleet } = useQuery({ ...agents(workspace), ...once })
  const { data: known } = useQuery({ ...connections(workspace), ...once })
  const { data: caller } = useQuery(me)
  const to = (path: string) => () => go(path)
  const below = `/w/${workspace}`
  const may = caller?.workspaces.find(({ id }) => id === workspace)?.scopes ?? []
  const items: Item[] = [
    ...here.map(({ name, run }) => ({ value: `deed ${name}`, label: name, kind: kinds.deed, run })),
    ...props.pages.map(([path, label]) => ({
      value: `page ${path}`,
      label,
      kind: kinds.page,
      run: to(path),
    })),
    ...begins
      .filter(([, , scope]) => may.includes(scope))
      .map(([path, label]) => ({
        ...{ value: `begin ${path}`, label, kind: kinds.deed },
        run: to(`${below}${path}${called}`),
      })),
    ...(named.data?.migrations ?? []).map(({ id }) => ({
      ...{ value: `migration ${id}`, label: id, kind: kinds.migration },
      run: to(`${below}/migrations/${id}`),
    })),
    ...(fleet?.agents ?? []).map(({ id }) => ({
      ...{ value: `agent ${id}`, label: id, kind: kinds.agent },
      run: to(`${below}/agents/${id}`),
    })),
    ...(known?.connections ?? []).map(({ id }) => ({
      ...{ value: `connection ${id}`, label: id, kind: kinds.connection },
      run: to(`${below}/connections/${id}`),
    })),
    ...(caller?.workspaces ?? [])
      .filter(({ id }) => id !== workspace)
      .map(({ id }) => ({
        ...{ value: `workspace ${id}`, label: texts.workspace(id), kind: kinds.workspace },
        run: to(`/w/${id}`),
      })),
    ...(caller?.kind === 'person'
      ? [{ value: 'sign out', label: common.signOut, kind: kinds.deed, run: leave }]
      : []),
    ...themes.map((one) => ({
      ...{ value: `theme ${one}`, label: texts.theme(common.theme[one]), kind: kinds.look },
      run: () => setTheme(one),
    })),
  ]
  const words = text.split(/\s+/)
  const found = items
    .filter(({ label, kind }) => words.every((word) => `${label} ${kind}`.toLowerCase().includes(word)))
    .slice(0, most)
  return (
    <Dialog.Root open onOpenChange={(open) => open || close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog palette" aria-label={texts.palette}>
          <Autocomplete.Root
            open
            inline
            items={found}
            filter={null}
            value={typed}
            onValueChange={type}
            itemToStringValue={({ label }: Item) => label}
            autoHighlight="always"
            keepHighlight
          >
            <Autocomplete.Input aria-label={texts.search} placeholder={texts.search} />
            <Autocomplete.Empty>
              {found.length === 0 && <p className="quiet">{texts.none}</p>}
            </Autocomplete.Empty>
            <Autocomplete.List className="menu-list">
              {(item: Item) => (
                <Autocomplete.Item
                  key={item.value}
                  value={item}
                  className="item"
                  onClick={() => {
                    close()
                    item.run()
                  }}
                >
                  <span>{item.label}</span>
                  <small className="quiet">{item.kind}</small>
                </Autocomplete.Item>
              )}
            </Autocomplete.List>
          </Autocomplete.Root>
          <Dialog.Close className="hidden">{common.dialog.close}</Dialog.Close>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
