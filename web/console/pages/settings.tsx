/** The workspace itself, how things are shown here, and the way out. */
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { readOpenApi } from '../../../shared/api/health.ts'
import { deleteWorkspace, exportWorkspace } from '../../../shared/api/whole-workspace.ts'
import { renameWorkspace, type WorkspaceView } from '../../../shared/api/workspaces.ts'
import { version } from '../../../shared/version.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { viewerZone } from '../format.ts'
import { areKeysOn, setKeys } from '../key-choice.ts'
import { useMay } from '../may.ts'
import { Confirm } from '../parts/dialog.tsx'
import { CheckField, ChoiceField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { SaveFile } from '../parts/save-file.tsx'
import { Shown } from '../parts/shown.tsx'
import { Time } from '../parts/time.tsx'
import { me as whoCalls } from '../queries/me.ts'
import * as queries from '../queries/workspace.ts'
import { signOut } from '../signed-out.ts'
import { settingsTexts as texts } from '../texts/settings.ts'
import { texts as common } from '../texts.ts'
import { setTheme, type Theme, theme, themes } from '../theme.ts'

export function Settings() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const asked = useQuery(queries.workspace(workspace))
  const mayWrite = useMay(workspace, 'workspace:write')
  return (
    <Page title={common.nav.settings}>
      <div className="settings">
        <Shown of={asked} what={texts.what}>
          {(of) => <Workspace key={of.revision} of={of} may={mayWrite} />}
        </Shown>
        <Look />
        <You />
        {mayWrite && (
          <section className="card stack">
            <h2>{texts.take.title}</h2>
            <p className="quiet">{texts.take.says}</p>
            <div>
              <SaveFile
                contract={exportWorkspace}
                input={{ params: { workspace } }}
                name={`workspace-${workspace}.ndjson`}
              >
                {texts.take.deed}
              </SaveFile>
            </div>
          </section>
        )}
        <section className="card stack">
          <h2>{texts.about.title}</h2>
          <dl className="pairs">
            <dt>{texts.about.version}</dt>
            <dd>{version}</dd>
            <dt>{texts.about.licence}</dt>
            <dd>{texts.about.licenceName}</dd>
          </dl>
          <p>
            <a href={readOpenApi.path}>{texts.about.api}</a>
          </p>
        </section>
        {asked.data && <Deletion of={asked.data} />}
      </div>
    </Page>
  )
}

function Workspace({ of, may }: { of: WorkspaceView; may: boolean }) {
  const [name, setName] = useState(of.name)
  const rename = useChange({
    run: () =>
      call(renameWorkspace, { params: { workspace: of.id }, body: { name } }, { ifMatch: of.revision }),
    stale: [of.id, 'workspace'],
    says: ({ name }) => texts.workspace.renamed(name),
  })
  return (
    <section className="card stack">
      <h2>{texts.workspace.title}</h2>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          rename.mutate()
        }}
      >
        <TextField
          label={texts.workspace.name}
          value={name}
          change={setName}
          maxLength={100}
          disabled={!may}
          required
        />
        <dl className="pairs">
          <dt>{texts.workspace.id}</dt>
          <dd className="mono">{of.id}</dd>
          {of.createdAt > 0 && (
            <>
              <dt>{texts.workspace.made}</dt>
              <dd>
                <Time at={of.createdAt} />
              </dd>
            </>
          )}
        </dl>
        <Refusal of={rename.error} />
        <div>
          <button type="submit" disabled={!may || name.trim() === of.name || rename.isPending}>
            {texts.workspace.rename}
          </button>
        </div>
      </form>
    </section>
  )
}

function Look() {
  const [chosen, choose] = useState<Theme>(theme())
  const [keys, hearKeys] = useState(areKeysOn())
  return (
    <section className="card stack">
      <h2>{texts.look.title}</h2>
      <ChoiceField<Theme>
        label={texts.look.theme}
        value={chosen}
        change={(next) => {
          setTheme(next)
          choose(next)
        }}
        choices={themes.map((one) => [one, common.theme[one]])}
      />
      <CheckField
        label={texts.look.keys}
        hint={texts.look.keysHint}
        checked={keys}
        change={(on) => {
          setKeys(on)
          hearKeys(on)
        }}
      />
      <dl className="pairs">
        <dt>{texts.look.zone}</dt>
        <dd>{viewerZone()}</dd>
      </dl>
      <p className="quiet small">{texts.look.units}</p>
      <p className="quiet small">{texts.look.kept}</p>
    </section>
  )
}

function You() {
  const { data: me } = useQuery(whoCalls)
  const out = useChange({ run: signOut, stale: ['me'] })
  if (!me) return null
  return (
    <section className="card stack">
      <h2>{texts.you.title}</h2>
      <p>{texts.you.person(me.name, me.email)}</p>
      {me.kind !== 'person' && <p className="quiet small">{texts.you.machine}</p>}
      <Refusal of={out.error} />
      <div>
        <button type="button" disabled={out.isPending} onClick={() => out.mutate()}>
          {me.kind === 'person' ? texts.you.signOut : texts.you.forget}
        </button>
      </div>
    </section>
  )
}

function Deletion({ of }: { of: WorkspaceView }) {
  const may = useMay(of.id, 'workspace:delete')
  const [isOpen, open] = useState(false)
  /** Until it says that all is gone: one request takes a part of what is much. */
  const run = async () => {
    for (let gone = false; !gone; ) {
      const params = { workspace: of.id }
      gone = (await call(deleteWorkspace, { params, body: { name: of.name } })).deleted
    }
    location.assign('/')
  }
  return (
    <section className="card stack">
      <h2>{texts.remove.title}</h2>
      <p className="quiet">{texts.remove.says}</p>
      {!may && <p className="quiet">{texts.remove.not}</p>}
      <div>
        <button type="button" className="danger" disabled={!may} onClick={() => open(true)}>
          {texts.remove.deed}
        </button>
      </div>
      <Confirm
        open={isOpen}
        close={() => open(false)}
        title={texts.remove.ask(of.name)}
        deed={texts.remove.deed}
        danger
        typed={of.name}
        run={run}
      >
        {texts.remove.says}
      </Confirm>
    </section>
  )
}
