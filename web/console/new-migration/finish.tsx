/** Makes it: at once, or as a document or a command for later. */
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { Copy, Download } from 'lucide-react'
import { useState } from 'react'
import type { Finding } from '../../../shared/api/browse.ts'
import type { ConnectionView } from '../../../shared/api/connections.ts'
import { startLife } from '../../../shared/api/life.ts'
import { putMigration, startPass } from '../../../shared/api/migrations.ts'
import { call } from '../../api.ts'
import { announce } from '../announce.tsx'
import { copy } from '../copy.ts'
import { Code } from '../parts/code.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { ChoiceField } from '../parts/field.tsx'
import { Said } from '../parts/key.tsx'
import { Notice, Refusal } from '../parts/notice.tsx'
import { newMigrationTexts } from '../texts/new-migration.ts'
import { commandOf, type Defined } from './command.ts'
import type { Step } from './draft.ts'
import { save } from './save.ts'

const texts = newMigrationTexts.finish

export function Finish(props: {
  workspace: string
  /** Null where something is missing. */
  defined: Defined | null
  missing: readonly Step[]
  isTaken: boolean
  made: readonly ConnectionView[]
  stops: readonly Finding[]
  mayMake: boolean
  mayStart: boolean
  /** It is there now: what was kept of it may go. */
  done(): void
}) {
  const { workspace, defined, stops } = props
  const client = useQueryClient()
  const navigate = useNavigate()
  const [asked, setAsked] = useState<'create' | 'start' | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const [made, setMade] = useState<string | null>(null)
  const [isTold, tell] = useState(false)
  const [open, setOpen] = useState(false)
  const [begins, choose] = useState<'once' | 'life'>('once')
  // By what was just made it is not taken: that is what is started.
  const missing = [...(props.isTaken && made !== defined?.id ? (['name'] as const) : []), ...props.missing]
  const command = defined && commandOf(defined, workspace)

  const make = async (how: 'create' | 'start') => {
    if (!defined) return
    const { id, definition, follow, priority } = defined
    const params = { workspace, migration: id }
    setBusy(true)
    setError(null)
    try {
      if (made !== id) {
        await call(putMigration, { params, body: { ...definition, follow, priority } })
        setMade(id)
        await client.invalidateQueries({ queryKey: [workspace, 'migrations'] })
      }
      if (how === 'start')
        await (begins === 'life' ? call(startLife, { params }) : call(startPass, { params, body: {} }))
      props.done()
      announce(how === 'start' ? texts.started(id) : texts.created(id))
      await navigate({ to: '/w/$workspace/migrations/$migration', params })
    } catch (thrown) {
      setError(thrown as Error)
    } finally {
      setBusy(false)
    }
  }
  /** Nothing is done while something is missing: what it is, is told. */
  const ready = (): boolean => {
    tell(missing.length > 0)
    return missing.length === 0
  }
  const press = (how: 'create' | 'start') => {
    if (!ready()) return
    if (stops.length > 0 && made === null) setAsked(how)
    else void make(how)
  }
  const saveDocument = async () => {
    if (!ready() || !defined) return
    const { documentOf } = await import('./document.ts')
    const name = `${defined.id}.yaml`
    save(name, 'application/yaml', documentOf(defined, props.made, texts.head(workspace)))
    announce(texts.saved(name))
  }

  return (
    <>
      {isTold && missing.length > 0 && (
        <Notice kind="bad">
          <p>{texts.missing}</p>
          <ul>
            {[...new Set(missing)].map((step) => (
              <li key={step}>
                <a href={`#step-${step}`}>{newMigrationTexts.steps[step]}</a>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {made !== null && error && (
        <Notice>
          {texts.notStarted(made)}{' '}
          <Link to="/w/$workspace/migrations/$migration" params={{ workspace, migration: made }}>
            {texts.open}
          </Link>
        </Notice>
      )}
      <Refusal of={error} />
      <ChoiceField<'once' | 'life'>
        label={texts.begins}
        value={begins}
        change={choose}
        choices={(['once', 'life'] as const).map((one) => [one, ...texts.beginnings[one]] as const)}
      />
      <div className="row finish">
        <button
          type="button"
          className="primary"
          disabled={busy || !props.mayMake || !props.mayStart}
          onClick={() => press('start')}
        >
          {texts.createAndStart}
        </button>
        <button type="button" disabled={busy || !props.mayMake} onClick={() => press('create')}>
          {texts.create}
        </button>
        <button type="button" onClick={() => void saveDocument()}>
          <Download size={16} aria-hidden="true" />
          {texts.save}
        </button>
        <button
          type="button"
          aria-expanded={open}
          onClick={() => (open ? setOpen(false) : ready() && setOpen(true))}
        >
          {open ? texts.hideCommand : texts.command}
        </button>
      </div>
      {open && defined && (
        <section aria-label={texts.commandName}>
          {command === null ? (
            <p>{texts.noCommand}</p>
          ) : (
            <>
              <Code label={texts.commandName} text={command} />
              <button
                type="button"
                onClick={() =>
                  copy(command).then(
                    () => announce(texts.copied),
                    () => announce(texts.notCopied),
                  )
                }
              >
                <Copy size={16} aria-hidden="true" />
                {texts.copy}
              </button>
            </>
          )}
        </section>
      )}
      <Confirm
        open={asked !== null}
        close={() => setAsked(null)}
        title={texts.stopsTitle}
        deed={texts.anyway}
        run={() => make(asked ?? 'create')}
      >
        <p>{texts.stops}</p>
        <ul>
          {stops.map((finding) => (
            <li key={finding.message}>
              <Said text={finding.message} />
            </li>
          ))}
        </ul>
      </Confirm>
    </>
  )
}
