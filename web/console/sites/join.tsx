/** Lets an agent join: a site, a token, one command to copy; and then it waits until the agent is there. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { createJoinToken, createSite, type JoinToken } from '../../../shared/api/sites.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { when } from '../format.ts'
import { Code } from '../parts/code.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { AreaField, CheckField, SelectField, TextField } from '../parts/field.tsx'
import { Refusal } from '../parts/notice.tsx'
import * as queries from '../queries/sites.ts'
import { siteTexts } from '../texts/sites.ts'
import { joinCommand } from './command.ts'
import { labelsOf } from './labels.ts'

const texts = siteTexts.joining

/** Ms between two looks for the agent. */
const soon = 2_000
/** In the list of sites: one that is not there yet. */
const aNew = ''

type Made = JoinToken & { token: string; command: string }

export function Join(props: {
  workspace: string
  open: boolean
  close(): void
  /** Where it is to join; null: not decided yet. */
  site: string | null
  sites: readonly string[]
}) {
  const [made, setMade] = useState<Made | null>(null)
  const close = () => {
    setMade(null)
    props.close()
  }
  return (
    <Dialog open={props.open} close={close} title={texts.title} says={texts.says} wide>
      {made ? (
        <Waiting workspace={props.workspace} made={made} close={close} another={() => setMade(null)} />
      ) : (
        <Form {...props} close={close} made={setMade} />
      )}
    </Dialog>
  )
}

function Form(props: {
  workspace: string
  site: string | null
  sites: readonly string[]
  close(): void
  made(made: Made): void
}) {
  const { workspace, sites } = props
  const [site, setSite] = useState(props.site ?? aNew)
  const [name, setName] = useState('')
  const [region, setRegion] = useState('')
  const [labels, setLabels] = useState('')
  const [uses, setUses] = useState('1')
  const [expires, setExpires] = useState('3600')
  const [allow, setAllow] = useState('')
  const [root, setRoot] = useState(false)
  const parsed = labelsOf(labels)
  const isNew = site === aNew
  const make = useChange({
    run: async () => {
      const id = isNew ? name : site
      const made = isNew && !sites.includes(name)
      if (made && 'labels' in parsed) {
        await call(createSite, { params: { workspace }, body: { id, region, labels: parsed.labels } })
      }
      return call(createJoinToken, {
        params: { workspace, site: id },
        body: { uses: Number(uses), expiresIn: Number(expires) },
      })
    },
    stale: [workspace, 'sites'],
    done: (token) =>
      props.made({
        ...token,
        command: joinCommand({ token: token.token, origin: location.origin, allow, root }),
      }),
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if ('labels' in parsed) make.mutate()
      }}
    >
      <div className="fields">
        <SelectField
          label={texts.site}
          value={site}
          change={setSite}
          options={[...sites.map((id) => [id, id] as const), [aNew, texts.another] as const]}
        />
        {isNew && (
          <TextField
            label={texts.name}
            hint={texts.nameHint}
            required
            pattern="[a-z0-9][a-z0-9\-]{0,62}"
            autoComplete="off"
            value={name}
            change={setName}
          />
        )}
        {isNew && (
          <TextField
            label={siteTexts.site.region}
            hint={siteTexts.site.regionHint}
            maxLength={100}
            value={region}
            change={setRegion}
          />
        )}
      </div>
      {isNew && (
        <AreaField
          label={siteTexts.site.labels}
          hint={siteTexts.site.labelsHint}
          error={'wrong' in parsed ? siteTexts.site.badLabel(parsed.wrong) : null}
          rows={2}
          value={labels}
          change={setLabels}
        />
      )}
      <AreaField
        label={texts.allow}
        hint={texts.allowHint}
        spellCheck={false}
        rows={3}
        value={allow}
        change={setAllow}
      />
      <div className="fields">
        <TextField
          label={texts.uses}
          type="number"
          min={1}
          max={1000}
          required
          value={uses}
          change={setUses}
        />
        <SelectField
          label={texts.expires}
          value={expires}
          change={setExpires}
          options={Object.entries(texts.lifetimes)}
        />
      </div>
      {!isNew && <CheckField label={texts.root} hint={texts.rootHint} checked={root} change={setRoot} />}
      <Refusal of={make.error} />
      <div className="deeds">
        <button type="button" onClick={props.close}>
          {siteTexts.cancel}
        </button>
        <button type="submit" className="primary" disabled={make.isPending}>
          {texts.make}
        </button>
      </div>
    </form>
  )
}

function Waiting(props: { workspace: string; made: Made; close(): void; another(): void }) {
  const { workspace, made } = props
  const { data } = useQuery({ ...queries.agents(workspace), refetchInterval: soon })
  const come = (data?.agents ?? []).filter(
    ({ site, enrolledAt }) => site === made.site && enrolledAt >= made.createdAt,
  )
  const isOver = come.length === 0 && made.expiresAt < Date.now()
  return (
    <>
      <p>{texts.run}</p>
      <Code label={texts.command} text={made.command} copies />
      <p className="quiet">{texts.good(made.uses, when(made.expiresAt))}</p>
      <div role="status" className="waiting">
        {come.length === 0 ? (
          <p className={isOver ? undefined : 'expected'}>{isOver ? texts.expired : texts.waiting}</p>
        ) : (
          come.map(({ id, connected }) => (
            <p className="come" key={id}>
              {connected ? texts.works(id) : texts.joined(id)}
            </p>
          ))
        )}
      </div>
      <div className="deeds">
        <button type="button" onClick={props.another}>
          {texts.more}
        </button>
        <button type="button" className="primary" onClick={props.close}>
          {texts.done}
        </button>
      </div>
    </>
  )
}
