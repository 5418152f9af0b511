/** Looking at stores through agents. Nothing that they find is kept. */
import { type BrowseEntry, browse, scan } from '../../shared/api/browse.ts'
import type { BrowsedEntry } from '../../shared/asks.ts'
import { escapeKey, type Key, publicKey, unescapeKey } from '../../shared/key.ts'
import { keySchema } from '../../shared/key-schema.ts'
import { reachOf } from '../core/place.ts'
import { Connections, isFor, storeOf } from '../store/connections.ts'
import type { Scope } from '../store/scope.ts'
import { answerOf } from './ask.ts'
import { Refusal } from './problem.ts'
import { noConnection, resolvedLocation } from './resolve.ts'
import { type App, serve } from './serve.ts'

export function browseRoutes(app: App): void {
  serve(app, browse, async ({ env, scope, body }) => {
    const at = 'location' in body ? await resolvedLocation(scope, body.location) : await storeAt(scope, body)
    const reach = reachOf(at)
    const { answer, ...by } = await answerOf(env, scope, { kind: 'browse', at, after: afterOf(body) }, reach)
    const cursor = answer.next === null ? null : escapeKey(answer.next)
    return { ...by, entries: answer.entries.map(entryOf), cursor }
  })

  serve(app, scan, async ({ env, scope, body }) => {
    const location = await resolvedLocation(scope, body.location)
    const ask = { kind: 'scan', location, filter: body.filter, after: afterOf(body) } as const
    const { answer, ...by } = await answerOf(env, scope, ask, reachOf(location))
    const { kind: _, next, largest, samples, ...sums } = answer
    return {
      ...by,
      ...sums,
      largest: largest && { key: textOf(largest.key), bytes: largest.bytes },
      samples: { taken: samples.taken.map(textOf), left: samples.left.map(textOf) },
      cursor: next === null ? null : escapeKey(next),
    }
  })
}

const textOf = (key: Key) => publicKey(key).key

/** As agents of that site get it, where one is named. */
async function storeAt(
  scope: Scope,
  { connection, site }: { connection: string; site?: string | undefined },
) {
  const row = await new Connections(scope).find(connection)
  if (!row) throw noConnection(connection)
  if (site !== undefined && !isFor(row, site)) {
    throw new Refusal(409, 'config', `the connection ${row.id} is not for the site ${site}`)
  }
  return storeOf(row, site ?? null)
}

/** As an agent gets it. */
function afterOf({ cursor }: { cursor?: string | undefined }): Key | null {
  if (cursor === undefined) return null
  const parsed = keySchema.safeParse(unescapeKey(cursor))
  if (parsed.success) return parsed.data
  throw new Refusal(400, 'usage', 'the cursor is none that was given here')
}

function entryOf({ name, ...rest }: BrowsedEntry): BrowseEntry {
  const { key, keyEscaped } = publicKey(name)
  return { name: key, ...(keyEscaped !== undefined && { nameEscaped: keyEscaped }), ...rest }
}
