/** Watching a migration: tickets, the socket, and parts of its strip. */
import { type BucketRow, openWatch, readStrip, watchMigration } from '../../shared/api/watch.ts'
import { unescapeKey } from '../../shared/key.ts'
import { watcherOf } from '../tickets.ts'
import { announcedWatcher } from '../watchers.ts'
import { findObject, orNoPass } from './find.ts'
import { Refusal } from './problem.ts'
import { type App, serve } from './serve.ts'

export function watchRoutes(app: App): void {
  serve(app, openWatch, async ({ env, scope, params, caller }) => {
    return (await findObject(env, scope, params.migration)).ticket(watcherOf(caller))
  })

  serve(app, watchMigration, async ({ env, scope, params, request, caller }) => {
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') {
      throw new Refusal(426, 'usage', 'connect with a WebSocket')
    }
    const object = await findObject(env, scope, params.migration)
    return object.fetch(announcedWatcher(request, watcherOf(caller)))
  })

  serve(app, readStrip, async ({ env, scope, params, query }) => {
    const object = await findObject(env, scope, params.migration)
    const number = query.pass ?? (await object.lastPass())
    const key = (escaped: string | undefined) => (escaped === undefined ? null : unescapeKey(escaped))
    const range = { after: key(query.after), through: key(query.through) }
    // Over the call, a tuple's type is lost.
    const strip = (await object.strip(number, range)) as BucketRow[] | null
    return { pass: number, strip: orNoPass(strip, number) }
  })
}
