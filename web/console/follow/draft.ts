/**
 * How a migration follows, as it is typed: text, also where it is wrong yet. `followOf` makes what is stored of it, or says that something is
 * missing.
 */
import * as z from 'zod'
import { defaultFollow, type Follow, followSchema } from '../../../shared/life.ts'
import { emptySide, locationOf, type Side, sideLike, sideSchema } from '../new-migration/side.ts'

const queueSchema = z.object({
  queue: z.string(),
  region: z.string(),
  /** Of the agents; empty: the chain's default. */
  profile: z.string(),
  /** In place of a profile; empty: none. */
  connection: z.string(),
})
export type Queue = z.infer<typeof queueSchema>
export const emptyQueue: Queue = { queue: '', region: '', profile: '', connection: '' }

export const followDraftSchema = followSchema.omit({ events: true, baseline: true }).extend({
  webhook: z.boolean(),
  watch: z.boolean(),
  queues: z.array(queueSchema),
  /** Null: each agent keeps its own. */
  baseline: sideSchema.nullable(),
})
export type FollowDraft = z.infer<typeof followDraftSchema>

export function draftOf({ events, baseline, ...rest }: Follow): FollowDraft {
  return {
    ...rest,
    webhook: events.some(({ kind }) => kind === 'webhook'),
    watch: events.some(({ kind }) => kind === 'watch'),
    queues: events.flatMap((event) =>
      event.kind === 'sqs'
        ? [
            {
              queue: event.queue,
              region: event.region ?? '',
              profile: event.profile ?? '',
              connection: event.connection ?? '',
            },
          ]
        : [],
    ),
    baseline: baseline && sideLike(baseline),
  }
}

export const usualFollow: FollowDraft = draftOf(defaultFollow)
export const emptyBaseline: Side = emptySide

/** Null while something of it is missing or wrong. */
export function followOf(draft: FollowDraft): Follow | null {
  const { webhook, watch, queues, baseline, ...rest } = draft
  const place = baseline && locationOf(baseline)
  if (rest.pauseAtLeast > rest.pauseAtMost || (baseline && !place)) return null
  const parsed = followSchema.safeParse({
    ...rest,
    events: [
      ...(webhook ? [{ kind: 'webhook' }] : []),
      ...queues.map(({ queue, region, profile, connection }) => ({
        kind: 'sqs',
        queue: queue.trim(),
        region: region.trim() || null,
        profile: connection === '' ? profile.trim() || null : null,
        ...(connection !== '' && { connection }),
      })),
      ...(watch ? [{ kind: 'watch' }] : []),
    ],
    baseline: place,
  })
  return parsed.success ? parsed.data : null
}

export const isQueue = (address: string): boolean =>
  followSchema.shape.events.safeParse([{ kind: 'sqs', queue: address.trim() }]).success

/** What of it is other than usual: the rest goes without saying. */
export const otherThanUsual = (follow: Follow): Partial<Follow> =>
  Object.fromEntries(
    Object.entries(follow).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(defaultFollow[name as keyof Follow]),
    ),
  ) as Partial<Follow>
