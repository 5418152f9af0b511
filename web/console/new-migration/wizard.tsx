/** The steps of a new migration, all of them on one page. Agents look meanwhile whether it would work. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Rate } from '../../../shared/estimate.ts'
import { idSchema } from '../../../shared/id.ts'
import { followOf, usualFollow } from '../follow/draft.ts'
import { FollowFields } from '../follow/fields.tsx'
import { useMay } from '../may.ts'
import { sealingPage } from '../parts/connection-form.tsx'
import { Confirm } from '../parts/dialog.tsx'
import { TextField } from '../parts/field.tsx'
import { Notice } from '../parts/notice.tsx'
import { isTaken, preflightOf } from '../queries/browse.ts'
import { newMigrationTexts as texts } from '../texts/new-migration.ts'
import { type Draft, definitionOf, filterOf, missing } from './draft.ts'
import { Estimating } from './estimating.tsx'
import { Filters } from './filters.tsx'
import { Finish } from './finish.tsx'
import { forget, useDraft } from './kept.ts'
import { Keys } from './keys.tsx'
import { Place } from './place.tsx'
import { PolicyStep } from './policy.tsx'
import { Preflight } from './preflight.tsx'
import { useScan, useSettled } from './scanning.ts'
import { locationOf } from './side.ts'
import { Step } from './step.tsx'
import { useWays } from './ways.ts'

/** Milliseconds for which nothing is typed before an agent is asked. */
const pause = 500

export function Wizard(props: {
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
  const [isAsked, ask] = useState(false)
  const [isUsual] = useState(JSON.stringify(props.initial.follow) === JSON.stringify(usualFollow))

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
  const follow = followOf(draft.follow)
  const looked = preflightOf(workspace, ways.mayLook ? definitionOf(settled) : null)
  const preflight = useQuery(looked)
  // Until there are other findings, the ones before are shown; they decide nothing.
  const found = preflight.isPlaceholderData ? undefined : preflight.data

  const made = (connection: { id: string }, seal: boolean) => {
    change({ made: [...new Set([...draft.made, connection.id])] })
    // The draft is kept, and found again on the way back.
    if (seal) location.assign(sealingPage(workspace, connection.id, location.pathname + location.search))
  }
  const used = new Set(
    [draft.source, draft.destination].map(({ by, name }) => (by === 'connection' ? name : '')),
  )

  return (
    <div className="wizard">
      <div className="row between">
        <p className="quiet">{from === null ? texts.says : texts.like(from)}</p>
        <button type="button" onClick={() => ask(true)}>
          {texts.startOver}
        </button>
      </div>
      <Confirm
        open={isAsked}
        close={() => ask(false)}
        title={texts.startOverTitle}
        deed={texts.startOver}
        run={async () => props.again()}
      >
        {texts.startOverSays}
      </Confirm>
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
      <Step of="follow" folded={isUsual ? texts.follow : null}>
        <FollowFields
          workspace={workspace}
          migration={isName ? draft.id : null}
          value={draft.follow}
          change={(follow) => change({ follow: { ...draft.follow, ...follow } })}
          isDirectory={draft.source.by === 'site'}
          objects={scanner.state === 'done' ? (scanner.sum?.taken.objects ?? null) : null}
        />
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
          defined={definition && follow && { id: draft.id, definition, follow, priority: draft.priority }}
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
