/** The form of a connection, for a new one or one that is changed. It holds no secret: one that is sealed is typed on a page of its own (/seal.html). */
import { type FormEvent, useState } from 'react'
import {
  type ConnectionView,
  type Credential,
  createConnection,
  editConnection,
} from '../../../shared/api/connections.ts'
import { idSchema } from '../../../shared/id.ts'
import { endpointSchema } from '../../../shared/location.ts'
import { call } from '../../api.ts'
import { useChange } from '../change.ts'
import { connectionTexts as texts } from '../texts/connection-form.ts'
import { texts as common } from '../texts.ts'
import { Dialog } from './dialog.tsx'
import { CheckField, ChoiceField, SelectField, TextField } from './field.tsx'
import { Refusal } from './notice.tsx'

/** Where the secret of a connection is sealed; from there, back to `back`, a path of the console. */
export const sealingPage = (workspace: string, connection: string, back = `/w/${workspace}/connections`) =>
  `/seal.html?${new URLSearchParams({ workspace, connection, back })}`

/** In a dialog. Nothing that was typed stays when it is closed. */
export function ConnectionDialog(props: { open: boolean; title: string; form: FormProps }) {
  return (
    <Dialog open={props.open} close={props.form.cancel} title={props.title} says={texts.says}>
      <ConnectionForm {...props.form} />
    </Dialog>
  )
}

export interface FormProps {
  workspace: string
  /** Of which it can be reached. */
  sites: readonly string[]
  /** The one that is changed. */
  of?: ConnectionView
  /** Once it is made, or changed: `seal` where its secret is to be sealed next. */
  done(connection: ConnectionView, seal: boolean): void
  cancel(): void
}

type Kind = Credential['kind']

export function ConnectionForm({ workspace, sites, of, done, cancel }: FormProps) {
  const [id, setId] = useState(of?.id ?? '')
  const [endpoint, setEndpoint] = useState(of?.endpoint ?? '')
  const [region, setRegion] = useState(of?.region ?? '')
  const [kind, setKind] = useState<Kind>(of?.credential.kind ?? 'profile')
  const [profile, setProfile] = useState(
    of?.credential.kind === 'profile' ? (of.credential.profile ?? '') : '',
  )
  const [from, setFrom] = useState<readonly string[]>(of?.sites ?? [])
  const [pathStyle, setPathStyle] = useState<boolean | null>(of?.pathStyle ?? null)
  const [requesterPays, setRequesterPays] = useState(of?.requesterPays ?? false)
  const [tried, setTried] = useState(false)

  const nameFault = of || idSchema.safeParse(id).success ? null : texts.nameWrong
  const address = endpoint.trim() === '' ? null : endpoint.trim()
  const endpointFault =
    address === null || endpointSchema.safeParse(address).success ? null : texts.endpointWrong
  const isMoved = of !== undefined && of.secretVersion > 0 && address !== of.endpoint

  const change = useChange({
    run: () => {
      const settings = {
        endpoint: address,
        region: region.trim() === '' ? null : region.trim(),
        pathStyle,
        requesterPays,
        sites: [...from],
        credential: kind === 'profile' ? { kind, profile: profile.trim() || null } : { kind },
      }
      if (!of) return call(createConnection, { params: { workspace }, body: { id, ...settings } })
      const params = { workspace, connection: of.id }
      return call(editConnection, { params, body: settings }, { ifMatch: of.revision })
    },
    stale: [workspace, 'connections'],
  })

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    // It may lie in a form, as far as React is concerned.
    event.stopPropagation()
    setTried(true)
    if (nameFault === null && endpointFault === null) {
      change.mutate(undefined, {
        onSuccess: (connection) =>
          done(connection, connection.credential.kind === 'sealed' && connection.secretVersion === 0),
      })
    } else
      event.currentTarget
        .querySelector<HTMLElement>(nameFault ? 'input[name=id]' : 'input[name=endpoint]')
        ?.focus()
  }

  const places = [...new Set([...sites, ...from])]
  return (
    <form noValidate onSubmit={submit}>
      {!of && (
        <TextField
          label={texts.name}
          hint={texts.nameHint}
          error={tried ? nameFault : null}
          name="id"
          autoComplete="off"
          spellCheck={false}
          value={id}
          change={setId}
        />
      )}
      <div className="fields">
        <TextField
          label={texts.endpoint}
          hint={texts.endpointHint}
          error={tried ? endpointFault : null}
          name="endpoint"
          type="url"
          autoComplete="off"
          spellCheck={false}
          value={endpoint}
          change={setEndpoint}
        />
        <TextField
          label={texts.region}
          hint={texts.regionHint}
          autoComplete="off"
          spellCheck={false}
          value={region}
          change={setRegion}
        />
      </div>
      {isMoved && <p className="quiet small">{texts.newEndpoint}</p>}
      <ChoiceField<Kind>
        label={texts.credential}
        value={kind}
        change={setKind}
        choices={(['profile', 'sealed', 'anonymous'] as const).map((kind) => [
          kind,
          ...texts.credentials[kind],
        ])}
      />
      {kind === 'profile' && (
        <TextField
          label={texts.profile}
          hint={texts.profileHint}
          autoComplete="off"
          spellCheck={false}
          value={profile}
          change={setProfile}
        />
      )}
      <fieldset className="field choice">
        <legend>{texts.sites}</legend>
        <p className="hint">{places.length === 0 ? texts.noSites : texts.sitesHint}</p>
        {places.map((site) => (
          <label key={site}>
            <input
              type="checkbox"
              checked={from.includes(site)}
              onChange={(event) =>
                setFrom(event.target.checked ? [...from, site] : from.filter((other) => other !== site))
              }
            />
            {site}
          </label>
        ))}
      </fieldset>
      <details open={pathStyle !== null || requesterPays || undefined}>
        <summary>{texts.more}</summary>
        <div className="fields">
          <SelectField
            label={texts.pathStyle}
            value={pathStyle === null ? 'usual' : pathStyle ? 'path' : 'host'}
            change={(how) => setPathStyle(how === 'usual' ? null : how === 'path')}
            options={(['usual', 'path', 'host'] as const).map((how) => [how, texts.pathStyles[how]])}
          />
          <CheckField
            label={texts.requesterPays}
            hint={texts.requesterPaysHint}
            checked={requesterPays}
            change={setRequesterPays}
          />
        </div>
      </details>
      <Refusal of={change.error} />
      <div className="deeds">
        <button type="button" onClick={cancel} disabled={change.isPending}>
          {common.dialog.cancel}
        </button>
        <button type="submit" className="primary" disabled={change.isPending}>
          {change.isPending
            ? common.dialog.busy
            : of
              ? texts.save
              : kind === 'sealed'
                ? texts.createAndSeal
                : texts.create}
        </button>
      </div>
    </form>
  )
}
