/** How a migration follows, and what a cut-over asks of it: each choice with what follows from it. */
import { Plus, X } from 'lucide-react'
import { locationOf, type Side } from '../new-migration/side.ts'
import { useWays } from '../new-migration/ways.ts'
import { DurationField } from '../parts/duration-field.tsx'
import { CheckField, ChoiceField, SelectField, TextField } from '../parts/field.tsx'
import { DepthField, SampleField } from '../parts/verification.tsx'
import { followTexts as texts } from '../texts/follow.ts'
import { emptyBaseline, emptyQueue, type FollowDraft, isQueue, type Queue } from './draft.ts'
import { Webhook } from './webhook.tsx'

const day = 86_400

interface Part {
  value: FollowDraft
  change(part: Partial<FollowDraft>): void
}

export function FollowFields(
  props: Part & {
    workspace: string
    /** Null: it has no name yet. */
    migration: string | null
    /** Whether the source is one, which can be watched. */
    isDirectory: boolean
    /** So many objects there are; null where nobody knows. */
    objects: number | null
  },
) {
  const { value, change, objects } = props
  const { pauseAtLeast, pauseAtMost, lag, quiet, depth, sample } = value
  return (
    <>
      <div className="fields">
        <DurationField
          label={texts.pauseAtLeast}
          hint={texts.pauseAtLeastHint}
          value={pauseAtLeast}
          change={(pauseAtLeast) => change({ pauseAtLeast })}
          least={1}
          most={day}
        />
        <DurationField
          label={texts.pauseAtMost}
          hint={texts.pauseAtMostHint}
          error={pauseAtLeast > pauseAtMost ? texts.pausesWrong : null}
          value={pauseAtMost}
          change={(pauseAtMost) => change({ pauseAtMost })}
          least={1}
          most={7 * day}
        />
        <DurationField
          label={texts.lag}
          hint={texts.lagHint}
          value={lag}
          change={(lag) => change({ lag })}
          least={1}
          most={7 * day}
        />
        <DurationField
          label={texts.quiet}
          hint={texts.quietHint}
          value={quiet}
          change={(quiet) => change({ quiet })}
          least={0}
          most={day}
        />
      </div>
      <DepthField label={texts.depth} value={depth} change={(depth) => change({ depth })} />
      {(depth !== 'full' || sample !== null) && (
        <SampleField value={sample} change={(sample) => change({ sample })} objects={objects} />
      )}
      <Events {...props} />
      <Baseline {...props} />
    </>
  )
}

function Events(props: Parameters<typeof FollowFields>[0]) {
  const { workspace, migration, isDirectory, value, change } = props
  const { webhook, watch, queues } = value
  const set = (at: number, part: Partial<Queue>) =>
    change({ queues: queues.map((queue, i) => (i === at ? { ...queue, ...part } : queue)) })
  return (
    <fieldset className="field choice">
      <legend>{texts.events}</legend>
      <p className="quiet">{texts.eventsSays}</p>
      <CheckField
        label={texts.webhook}
        hint={texts.webhookHint}
        checked={webhook}
        change={(webhook) => change({ webhook })}
      />
      {webhook && <Webhook workspace={workspace} migration={migration} />}
      {(isDirectory || watch) && (
        <CheckField
          label={texts.watch}
          hint={texts.watchHint}
          checked={watch}
          change={(watch) => change({ watch })}
        />
      )}
      {queues.map((queue, i) => (
        <QueueFields
          // biome-ignore lint/suspicious/noArrayIndexKey: a queue is known by its place alone while it is typed.
          key={i}
          workspace={workspace}
          value={queue}
          change={(part) => set(i, part)}
          remove={() => change({ queues: queues.filter((_, at) => at !== i) })}
        />
      ))}
      {queues.length < 8 && (
        <div className="row">
          <button type="button" onClick={() => change({ queues: [...queues, emptyQueue] })}>
            <Plus size={16} aria-hidden="true" />
            {texts.addQueue}
          </button>
        </div>
      )}
    </fieldset>
  )
}

function QueueFields(props: {
  workspace: string
  value: Queue
  change(part: Partial<Queue>): void
  remove(): void
}) {
  const { value, change } = props
  const { connections } = useWays(props.workspace)
  const { queue, region, profile, connection } = value
  const names = [...new Set([...connections.map(({ id }) => id), ...(connection ? [connection] : [])])]
  return (
    <fieldset className="card field">
      <legend className="hidden">{texts.queue}</legend>
      <TextField
        label={texts.queue}
        hint={texts.queueHint}
        error={queue !== '' && !isQueue(queue) ? texts.queueWrong : null}
        value={queue}
        change={(queue) => change({ queue })}
        autoComplete="off"
        spellCheck={false}
        required
      />
      <div className="fields">
        <SelectField
          label={texts.credential}
          value={connection}
          change={(connection) => change({ connection })}
          options={[['', texts.ofAgents], ...names.map((name) => [name, texts.ofConnection(name)] as const)]}
        />
        {connection === '' && (
          <TextField
            label={texts.profile}
            hint={texts.profileHint}
            value={profile}
            change={(profile) => change({ profile })}
            autoComplete="off"
            spellCheck={false}
          />
        )}
        <TextField
          label={texts.region}
          hint={texts.regionHint}
          value={region}
          change={(region) => change({ region })}
          autoComplete="off"
          spellCheck={false}
        />
      </div>
      <div className="row">
        <button type="button" onClick={props.remove}>
          <X size={16} aria-hidden="true" />
          {texts.removeQueue}
        </button>
      </div>
    </fieldset>
  )
}

function Baseline(props: Parameters<typeof FollowFields>[0]) {
  const { workspace, value, change } = props
  const { baseline } = value
  const { connections, sites } = useWays(workspace)
  const set = (part: Partial<Side>) => change({ baseline: { ...(baseline ?? emptyBaseline), ...part } })
  const chosen = baseline ? `${baseline.by}:${baseline.name}` : ''
  const options: (readonly [string, string])[] = [
    ...connections.map(
      ({ id }): readonly [string, string] => [`connection:${id}`, texts.inBucket(id)] as const,
    ),
    ...sites.map((id) => [`site:${id}`, texts.inDirectory(id)] as const),
  ]
  if (baseline && !options.some(([one]) => one === chosen)) options.push([chosen, texts.asGiven])
  return (
    <>
      <ChoiceField<'own' | 'shared'>
        label={texts.baseline}
        value={baseline ? 'shared' : 'own'}
        change={(is) => change({ baseline: is === 'own' ? null : emptyBaseline })}
        choices={(['own', 'shared'] as const).map((one) => [one, ...texts.baselineKinds[one]] as const)}
      />
      {baseline && (
        <div className="fields">
          <SelectField
            label={texts.where}
            error={
              locationOf(baseline) === null && (baseline.bucket !== '' || baseline.path !== '')
                ? texts.whereWrong
                : null
            }
            value={chosen}
            change={(at) => {
              const [by, name = ''] = at.split(':')
              set({ by: by as Side['by'], name })
            }}
            options={baseline.by === '' ? [['', texts.choose], ...options] : options}
          />
          {baseline.by === 'site' && (
            <TextField
              label={texts.path}
              value={baseline.path}
              change={(path) => set({ path })}
              autoComplete="off"
              spellCheck={false}
              required
            />
          )}
          {(baseline.by === 'connection' || baseline.by === 'like') && (
            <>
              <TextField
                label={texts.bucket}
                value={baseline.bucket}
                change={(bucket) => set({ bucket })}
                autoComplete="off"
                spellCheck={false}
                required
              />
              <TextField
                label={texts.prefix}
                hint={texts.prefixHint}
                value={baseline.prefix}
                change={(prefix) => set({ prefix })}
                autoComplete="off"
                spellCheck={false}
              />
            </>
          )}
        </div>
      )}
    </>
  )
}
