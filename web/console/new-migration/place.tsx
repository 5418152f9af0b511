/** A side of the migration: how it is reached, and which bucket and folder, or which directory. */
import { FolderSearch, Plus } from 'lucide-react'
import { useState } from 'react'
import type { AgentView } from '../../../shared/api/agents.ts'
import type { ConnectionView } from '../../../shared/api/connections.ts'
import { plain } from '../hostile.ts'
import { ConnectionDialog, sealingPage } from '../parts/connection-form.tsx'
import { Field, SelectField, TextField } from '../parts/field.tsx'
import { Notice } from '../parts/notice.tsx'
import { connectionTexts } from '../texts/connection-form.ts'
import { newMigrationTexts } from '../texts/new-migration.ts'
import { BrowseDialog, type Ground, type Spot } from './browsing.tsx'
import type { Which } from './draft.ts'
import { folder, locationOf, type Side } from './side.ts'

const texts = newMigrationTexts.place

/** What there is to choose from; empty while it is not known. */
export interface Ways {
  readonly workspace: string
  readonly connections: readonly ConnectionView[]
  readonly sites: readonly string[]
  readonly agents: readonly AgentView[]
  /** Whether all of that is known. */
  readonly isKnown: boolean
  readonly mayMake: boolean
  readonly mayLook: boolean
}

export function Place(props: {
  which: Which
  side: Side
  ways: Ways
  change(side: Partial<Side>): void
  made(connection: ConnectionView, seal: boolean): void
}) {
  const { which, side, ways, change } = props
  const [open, setOpen] = useState<'browse' | 'connection' | null>(null)
  const close = () => setOpen(null)
  const connection = ways.connections.find(({ id }) => side.by === 'connection' && id === side.name)
  const isBucket = side.by === 'connection' || side.by === 'like'
  const ground = groundOf(side)
  const reaching = connection?.sites.length ? connection.sites : ways.sites
  return (
    <>
      <div className="with-button">
        <Chooser {...props} />
        <button type="button" disabled={!ways.mayMake} onClick={() => setOpen('connection')}>
          <Plus size={16} aria-hidden="true" />
          {texts.newConnection}
        </button>
      </div>
      <Reach side={side} ways={ways} connection={connection} />
      {side.by !== '' && (
        <>
          <div className="fields">
            {isBucket && (
              <>
                <TextField
                  label={texts.bucket}
                  autoComplete="off"
                  spellCheck={false}
                  value={side.bucket}
                  change={(bucket) => change({ bucket })}
                />
                <TextField
                  label={texts.prefix}
                  hint={texts.prefixHint}
                  autoComplete="off"
                  spellCheck={false}
                  value={side.prefix}
                  change={(prefix) => change({ prefix })}
                />
              </>
            )}
            {side.by === 'site' && (
              <TextField
                label={texts.path}
                hint={texts.pathHint}
                error={side.path !== '' && locationOf(side) === null ? texts.pathWrong : null}
                autoComplete="off"
                spellCheck={false}
                value={side.path}
                change={(path) => change({ path })}
              />
            )}
          </div>
          <div className="row">
            <button
              type="button"
              disabled={!ground || !ways.mayLook}
              aria-label={texts.browseWhat[which]}
              onClick={() => setOpen('browse')}
            >
              <FolderSearch size={16} aria-hidden="true" />
              {texts.browse}
            </button>
            {isBucket && reaching.length > 1 && (
              <SelectField
                label={texts.from}
                value={side.site}
                change={(site) => change({ site })}
                options={[
                  ['', texts.anySite],
                  ...[...new Set([...reaching, ...(side.site ? [side.site] : [])])].map(
                    (site) => [site, site] as const,
                  ),
                ]}
              />
            )}
          </div>
          {side.customerKey !== '' && <p className="quiet small">{texts.customerKey(side.customerKey)}</p>}
        </>
      )}
      {ground && (
        <BrowseDialog
          workspace={ways.workspace}
          open={open === 'browse'}
          ground={ground}
          start={startOf(side)}
          take={(spot) => {
            change(taken(side, spot))
            close()
          }}
          close={close}
        />
      )}
      <ConnectionDialog
        open={open === 'connection'}
        title={connectionTexts.title}
        form={{
          workspace: ways.workspace,
          sites: ways.sites,
          cancel: close,
          done(connection, seal) {
            close()
            change({ by: 'connection', name: connection.id, site: '' })
            props.made(connection, seal)
          },
        }}
      />
    </>
  )
}

function Chooser({ side, ways, change }: Parameters<typeof Place>[0]) {
  const { connections, sites } = ways
  const isGone =
    ways.isKnown &&
    ((side.by === 'connection' && !connections.some(({ id }) => id === side.name)) ||
      (side.by === 'site' && !sites.includes(side.name)))
  return (
    <Field
      label={texts.by}
      hint={ways.isKnown && connections.length + sites.length === 0 ? texts.none : undefined}
      error={isGone ? texts.gone(side.name) : null}
    >
      {(tied) => (
        <select
          {...tied}
          value={`${side.by}:${side.name}`}
          onChange={(event) => {
            const [by, name = ''] = event.target.value.split(':')
            change({ by: by as Side['by'], name, site: '' })
          }}
        >
          <option value=":">{texts.choose}</option>
          {isGone && <option value={`${side.by}:${side.name}`}>{side.name}</option>}
          {side.like && (
            <option value={`like:${side.name}`}>{texts.like(side.like.endpoint ?? 'AWS')}</option>
          )}
          {connections.length > 0 && (
            <optgroup label={texts.connections}>
              {connections.map(({ id, endpoint }) => (
                <option key={id} value={`connection:${id}`}>
                  {`${id} (${endpoint ?? 'AWS'})`}
                </option>
              ))}
            </optgroup>
          )}
          {sites.length > 0 && (
            <optgroup label={texts.sites}>
              {sites.map((site) => (
                <option key={site} value={`site:${site}`}>
                  {texts.site(site)}
                </option>
              ))}
            </optgroup>
          )}
        </select>
      )}
    </Field>
  )
}

/** Whether somebody is there who could look at it, and move it. */
function Reach(props: { side: Side; ways: Ways; connection: ConnectionView | undefined }) {
  const { side, ways, connection } = props
  if (side.by === '' || !ways.isKnown) return null
  const sites = side.by === 'site' ? [side.name] : side.site !== '' ? [side.site] : (connection?.sites ?? [])
  const there = ways.agents.filter(
    ({ connected, revokedAt, site }) =>
      connected && revokedAt === null && (sites.length === 0 || sites.includes(site)),
  )
  const isUnsealed = connection?.credential.kind === 'sealed' && connection.secretVersion === 0
  return (
    <>
      {there.length > 0 ? (
        <p className="quiet small">
          {texts.connected(
            texts.agents(there.length),
            [...new Set(there.map(({ site }) => site))].join(', '),
          )}
        </p>
      ) : (
        <Notice>{texts.notConnected(sites.join(', ') || texts.anySite)}</Notice>
      )}
      {isUnsealed && (
        <Notice
          actions={
            <a
              className="button"
              href={sealingPage(ways.workspace, connection.id, location.pathname + location.search)}
            >
              {texts.seal}
            </a>
          }
        >
          {texts.unsealed}
        </Notice>
      )}
    </>
  )
}

/** Null where there is nothing to walk yet. */
function groundOf(side: Side): Ground | null {
  const at = (spot: Spot) => locationOf({ ...side, ...taken(side, spot) })!
  switch (side.by) {
    case 'connection':
      return {
        name: side.name,
        hasBuckets: true,
        root: '',
        looked: (spot) =>
          spot.bucket === null
            ? { connection: side.name, ...(side.site !== '' && { site: side.site }) }
            : { location: at(spot) },
      }
    case 'like':
      if (side.bucket === '') return null
      return {
        name: plain(side.bucket),
        hasBuckets: false,
        root: '',
        looked: (spot) => ({ location: at(spot) }),
      }
    case 'site':
      return {
        name: side.name,
        hasBuckets: false,
        root: '/',
        looked: (spot) => ({ location: at(spot) }),
      }
    case '':
      return null
    default:
      return side.by satisfies never
  }
}

const startOf = ({ by, bucket, prefix, path }: Side): Spot =>
  by === 'site'
    ? { bucket: null, path: folder(path.startsWith('/') ? path : '/') }
    : bucket.trim() === ''
      ? { bucket: null, path: '' }
      : { bucket: bucket.trim(), path: folder(prefix) }

const taken = ({ by }: Side, { bucket, path }: Spot): Partial<Side> =>
  by === 'site'
    ? { path: path === '/' ? path : path.replace(/\/$/, '') }
    : { bucket: bucket ?? '', prefix: path }
