/** An event as a sentence for people, and that as the body of a Slack-compatible incoming webhook. */
import type { WebhookEvent } from '../../shared/api/webhook-events.ts'
import type { Counts } from '../../shared/counts.ts'
import type { LifeState } from '../../shared/life.ts'

const inWords: Record<LifeState, string> = {
  draft: 'a draft',
  surveying: 'being surveyed',
  backfilling: 'being backfilled',
  following: 'followed',
  verifying: 'being verified',
  ready: 'ready to be switched',
  'cut-over': 'cut over',
  'rolled-back': 'rolled back',
  closed: 'closed',
  cancelled: 'cancelled',
}

/** Plain text, of one line or a few. */
export function sentence(event: WebhookEvent): string {
  switch (event.type) {
    case 'pass.started':
      return `${passOf(event.data)} has started: ${event.data.source} → ${event.data.destination}`
    case 'pass.finished': {
      const { state, counts, startedAt, endedAt } = event.data
      const how = state === 'cancelled' ? 'was cancelled' : 'is complete'
      return `${passOf(event.data)} ${how} after ${duration(endedAt - startedAt)}: ${sum(counts)}`
    }
    case 'pass.failed': {
      const { counts, parked, causes, startedAt, endedAt } = event.data
      const why = causes.map(({ code, objects }) => `${whole(objects)} ${code}`).join(', ')
      const more = [why, ...(parked > 0 ? [`${whole(parked)} packets parked`] : [])]
        .filter(Boolean)
        .join('; ')
      return `${passOf(event.data)} ended incomplete after ${duration(endedAt - startedAt)}: ${sum(counts)}${more && ` (${more})`}`
    }
    case 'packets.parked': {
      const { migration, pass, parked, causes } = event.data
      const why = causes.map(({ code, packets }) => `${whole(packets)} ${code}`).join(', ')
      return `Pass ${pass} of ${migration} has ${whole(parked)} parked packet${parked === 1 ? '' : 's'}, waiting for an operator${why && `: ${why}`}`
    }
    case 'agent.lost': {
      const { agent, site, seenAt } = event.data
      return `Agent ${agent} of site ${site} is lost: last seen at ${at(seenAt)}`
    }
    case 'agent.duplicate': {
      const { agent, site, stayed, left } = event.data
      return `Two processes work as agent ${agent} of site ${site}: the one of ${at(stayed)} stays, the one of ${at(left)} leaves`
    }
    case 'limit.reached': {
      const { endpoint, limit, value, since } = event.data
      const most =
        limit === 'bandwidth'
          ? `${whole(value)} bytes/s`
          : limit === 'requests'
            ? `${whole(value)} requests/s`
            : `${whole(value)} requests at once`
      return `${endpoint} is at its limit of ${most} since ${at(since)}`
    }
    case 'work.stuck': {
      const { migration, pass, packets } = event.data
      return `Nothing of ${whole(packets)} packets of pass ${pass} of ${migration} moved for an hour; they are tried again`
    }
    case 'deletes.ask': {
      const { migration, pass, deletes, of } = event.data
      return `Pass ${pass} of ${migration} would delete ${whole(deletes)} of ${whole(of)} objects at the destination, and asks first`
    }
    case 'schedule.missed': {
      const { schedule, migration, due, reason } = event.data
      return `Schedule ${schedule} started no pass of ${migration} at ${at(due)}: ${reason}`
    }
    case 'life.changed': {
      const { migration, state, paused, why } = event.data
      return `Migration ${migration} is ${paused ? 'paused' : inWords[state]}. ${why}`
    }
    case 'cut-over.asks': {
      const { migration, direction, step, message } = event.data
      return `The ${direction === 'forward' ? 'cut-over' : 'roll-back'} of ${migration} waits for an answer (${step}): ${message}`
    }
    case 'conflicts.found': {
      const { migration, pass, objects } = event.data
      return `Pass ${pass} of ${migration} left ${whole(objects)} object${objects === 1 ? '' : 's'} as ${objects === 1 ? 'it is' : 'they are'}, since somebody else has changed ${objects === 1 ? 'it' : 'them'}: an operator has to decide`
    }
    case 'webhook.test':
      return `This is a test of the webhook ${event.data.webhook}`
  }
  event satisfies never
}

/** Slack reads `&`, `<` and `>` as control characters, and needs no other escaped. */
export const slackBody = (event: WebhookEvent): string =>
  JSON.stringify({
    text: `[${event.workspace}] ${sentence(event)}`
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;'),
  })

const passOf = ({
  migration,
  pass,
  kind,
  dryRun,
}: {
  migration: string
  pass: number
  kind: string
  dryRun: boolean
}) => `Pass ${pass} of ${migration} (${kind}${dryRun ? ', dry run' : ''})`

const sum = ({ objects }: Counts) =>
  `${whole(objects.listed)} objects, ${whole(objects.copied)} copied, ${whole(objects.same)} same, ${whole(objects.failed)} failed`

const at = (ms: number) => new Date(ms).toISOString()

const whole = (n: number) => String(Math.round(n)).replaceAll(/\B(?=(\d{3})+$)/g, ',')

function duration(ms: number): string {
  const s = Math.round(ms / 1_000)
  if (s < 60) return `${s} s`
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`
  return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
}
