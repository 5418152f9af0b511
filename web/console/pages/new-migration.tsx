/** A new migration: all its steps on one page, in the order in which one thinks of them. Agents look meanwhile whether it would work. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Rate } from '../../../shared/estimate.ts'
import { idSchema } from '../../../shared/id.ts'
import { useMay } from '../may.ts'
import {
  type Draft,
  definitionOf,
  draftLike,
  emptyDraft,
  filterOf,
  locationOf,
  missing,
} from '../new-migration/draft.ts'
import { Estimating } from '../new-migration/estimating.tsx'
import { Filters } from '../new-migration/filters.tsx'
import { Finish } from '../new-migration/finish.tsx'
import { forget, keptDraft, useDraft } from '../new-migration/kept.ts'
import { Keys } from '../new-migration/keys.tsx'
import { Place } from '../new-migration/place.tsx'
import { PolicyStep } from '../new-migration/policy.tsx'
import { Preflight } from '../new-migration/preflight.tsx'
import { useScan, useSettled } from '../new-migration/scanning.ts'
import { Step } from '../new-migration/step.tsx'
import { useWays } from '../new-migration/ways.ts'
import { sealingPage } from '../parts/connection-form.tsx'
import { TextField } from '../parts/field.tsx'
import { Notice } from '../parts/notice.tsx'
import { Page } from '../parts/page.tsx'
import { Shown } from '../parts/shown.tsx'
import { isTaken, preflightOf } from '../queries/browse.ts'
import * as queries from '../queries/migrations.ts'
import { newMigrationTexts as texts } from '../texts/new-migration.ts'

/** Milliseconds for which nothing is typed before an agent is asked. */
const pause = 500

export function NewMigration() {
  const { workspace } = useParams({ from: '/w/$workspace' })
  const { from = null } = useSearch({ from: '/w/$workspace/new-migration' })
  const like = useQuery({ ...queries.migration(workspace, from ?? ''), enabled: from !== null })
  // What was begun is gone on with.
  const kept = keptDraft(workspace, from)
  const [round, setRound] = useState(0)
  const begin = (initial: Draft) => (
    <Wizard
      key={`${workspace} ${from} ${round}`}
      {...{ workspace, from, initial }}
      measured={rateOf(like.data?.pass)}
      again={() => {
        forget(workspace, from)
        setRound(round + 1)
      }}
    />
  )
  return (
    <Page
      title={texts.title}
      back={
        <Link to="/w/$workspace/migrations" params={{ workspace }}>
          {texts.back}
        </Link>
      }
    >
      {from === null || kept ? (
        begin(emptyDraft)
      ) : (
        <Shown of={like} what="migrations">
          {(migration) => begin(draftLike(migration))}
        </Shown>
      )}
    </Page>
  )
}

/** How fast a pass that is over was, where that tells something. */
function rateOf(pass: PassStatus | null | undefined): Rate | null {
  if (!pass?.endedAt) return null
  const seconds = (pass.endedAt - pass.startedAt) / 1_000
  const { objects, bytes } = pass.counts
  if (seconds < 60 || objects.copied === 0) return null
  return { bytes: bytes.copied / seconds, objects: objects.copied / seconds }
}

function Wizard(props: {
  workspace: string
  from: string | null
  initial: Draft
  /** How fast the migration was that this one is like. */
  measured: Rate | null
  again(): void
}) {
  const { workspace, from } = props
  const { draft, change } = useDraft(workspace, from, props.initial)
  const ways = useWays(workspace)
  const mayMake = useMay(workspace, 'migrations:write')
  const mayStart = useMay(workspace, 'migrations:run')
  const client = useQueryClient()

  const settled = useSettled(draft, pause)
  const isName = idSchema.safeParse(draft.id).success
  const name = useQuery(isTaken(workspace, settled.id, idSchema.safeParse(settled.id).success))
  const taken = name.data === true && settled.id === draft.id

  const source = locationOf(settled.source)
  const scanner = useScan(
    workspace,
    source && ways.mayLook ? { location: source, filter: filterOf(settled) } : null,
    { first: true },
  )
  const definition = definitionOf(draft)
  const looked = preflightOf(workspace, ways.mayLook ? definitionOf(settled) : null)
  const preflight = useQuery(looked)
  // Until there are other findings, the ones before are shown; they decide nothing.
  const found = preflight.isPlaceholderData ? undefined : preflight.data

  const made = (connection: { id: string }, seal: boolean) => {
    change({ made: [...new Set([...draft.made, connection.id])] })
    // The draft is kept, and found again on the way back.
    if (seal)
      setTimeout(() =>
        location.assign(sealingPage(workspace, connection.id, location.pathname + location.search)),
      )
  }
  const used = new Set(
    [draft.source, draft.destination].map(({ by, name }) => (by === 'connection' ? name : '')),
  )

  return (
    <div className="wizard">
      <div className="row between">
        <p className="quiet">{from === null ? texts.says : texts.like(from)}</p>
        <button type="button" onClick={props.again}>
          {texts.startOver}
        </button>
      </div>
      {!mayMake && <Notice>{texts.may}</Notice>}
      {!ways.mayLook && <Notice>{texts.mayNotLook}</Notice>}
      <Step of="name">
        <TextField
          label={texts.name.label}
          hint={isName && name.data === false && settled.id === draft.id ? texts.name.free : texts.name.hint}
          error={draft.id !== '' && !isName ? texts.name.wrong : taken ? texts.name.taken(draft.id) : null}
          autoComplete="off"
          spellCheck={false}
          value={draft.id}
          change={(id) => change({ id })}
        />
      </Step>
      <div className="sides">
        {(['source', 'destination'] as const).map((which) => (
          <Step of={which} key={which}>
            <Place
              which={which}
              side={draft[which]}
              ways={ways}
              change={(side) => change({ [which]: { ...draft[which], ...side } })}
              made={made}
            />
          </Step>
        ))}
      </div>
      <Step of="filters">
        <Filters
          draft={draft}
          change={change}
          scanner={scanner}
          hasSource={source !== null && ways.mayLook}
        />
      </Step>
      <Step of="keys" folded={draft.mapping.kind === 'none' ? texts.keys.kinds.none[0] : null}>
        <Keys draft={draft} change={change} samples={scanner.sum?.samples.taken ?? []} />
      </Step>
      <Step of="policy">
        <PolicyStep draft={draft} change={change} />
      </Step>
      <Step of="preflight">
        <Preflight
          isReady={looked.enabled === true}
          isLooking={preflight.isFetching}
          error={preflight.error}
          found={preflight.error ? found : preflight.data}
          look={() => void preflight.refetch()}
          stop={() => void client.cancelQueries({ queryKey: looked.queryKey })}
        />
      </Step>
      <Step of="estimate">
        <Estimating
          {...{ draft, change, scanner }}
          connections={ways.connections}
          measured={props.measured}
        />
      </Step>
      <Step of="finish">
        <Finish
          workspace={workspace}
          defined={definition && { id: draft.id, definition, priority: draft.priority }}
          missing={missing(draft)}
          isTaken={taken}
          made={ways.connections.filter(({ id }) => used.has(id) && draft.made.includes(id))}
          stops={found?.findings.filter(({ outcome }) => outcome === 'stops') ?? []}
          mayMake={mayMake}
          mayStart={mayStart}
          done={() => forget(workspace, from)}
        />
      </Step>
    </div>
  )
}
