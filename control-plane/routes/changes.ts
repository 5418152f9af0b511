/** What stores and others tell of changed objects. */
import { tellChanges } from '../../shared/api/changes.ts'
import type { Location } from '../../shared/location.ts'
import type { Changed, Notice } from '../../shared/notifications/notice.ts'
import { parseNotification } from '../../shared/notifications/parse.ts'
import { confirmationUrl } from '../../shared/notifications/sns.ts'
import { keyWithin } from '../../shared/notifications/within.ts'
import type { Change, Side } from '../core/told-range.ts'
import type { Scope } from '../store/scope.ts'
import { findMigration, objectOf } from './find.ts'
import { Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

/** Changes that one call of an object takes. */
const atOnce = 1_000
const snsMs = 10_000

export function changeRoutes(app: App): void {
  serve(app, tellChanges, async ({ env, scope, params, query, body }) => {
    const locations = await locationsOf(scope, params.migration)
    const notice = parseNotification(body)
    if (!notice) throw unknown()
    if (notice.is === 'subscription') {
      await confirm(notice)
      return { taken: 0, ignored: 0, subscribed: notice.topic }
    }
    const now = Date.now()
    const changes = changesIn(locations[query.side], notice.changes, now)
    const object = objectOf(env, scope.workspace, params.migration)
    const sum = { taken: 0, ignored: notice.changes.length - changes.length }
    for (let i = 0; i < changes.length; i += atOnce) {
      const { taken, ignored } = await object.changed(query.side as Side, changes.slice(i, i + atOnce))
      sum.taken += taken
      sum.ignored += ignored
    }
    return sum
  })
}

interface Locations {
  readonly source: Location
  readonly destination: Location
}

/** Of migrations that were told about lately: this is asked with every change of an object, and they never move. */
const known = new Map<string, Locations & { readonly until: number }>()
const knownMs = 10_000
const mostKnown = 1_000

async function locationsOf(scope: Scope, id: string): Promise<Locations> {
  const name = `${scope.workspace}/${id}`
  const now = Date.now()
  const before = known.get(name)
  if (before && before.until > now) return before
  known.delete(name)
  const { source, destination } = await findMigration(scope, id)
  if (known.size >= mostKnown) known.delete(known.keys().next().value!)
  const found = { source, destination, until: now + knownMs }
  known.set(name, found)
  return found
}

function changesIn(location: Location, changes: readonly Changed[], now: number): Change[] {
  return changes.flatMap((changed) => {
    const key = keyWithin(location, changed)
    return key === null ? [] : [{ key, at: changed.at ?? now }]
  })
}

/** Whoever may tell of changes may say that they are wanted. */
async function confirm({ url, topic }: Notice & { is: 'subscription' }): Promise<void> {
  const address = confirmationUrl(url)
  if (!address) {
    throw new Refusal(
      400,
      'usage',
      'the SubscribeURL is none of Amazon SNS’s',
      'Confirm the subscription where it was made, if it is yours.',
    )
  }
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), snsMs)
  try {
    const { ok, status, body } = await fetch(address, { redirect: 'manual', signal: limit.signal })
    await body?.cancel()
    if (!ok) throw new Refusal(502, 'unreachable', `SNS answered ${status} to the confirmation of ${topic}`)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(502, 'unreachable', `SNS could not be reached to confirm ${topic}`, 'SNS asks again.')
  } finally {
    clearTimeout(timer)
  }
}

const unknown = () =>
  new Refusal(
    400,
    'usage',
    'this is no notification that Dray knows',
    'Send S3 event notifications (AWS, MinIO, Ceph), by SNS or EventBridge, those of R2, or {"keys": ["…"]}.',
  )
