/** Tickets to download with: of the migration's object, which keeps those to watch with, too. */
import { openDownload } from '../../shared/api/downloads.ts'
import { watcherOf } from '../tickets.ts'
import { findObject } from './find.ts'
import { type App, serve } from './serve.ts'

export function downloadRoutes(app: App): void {
  serve(app, openDownload, async ({ env, scope, params, caller }) => {
    return (await findObject(env, scope, params.migration)).ticket(watcherOf(caller))
  })
}
