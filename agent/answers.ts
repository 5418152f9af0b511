/** What this agent answers when the control plane asks it something. What goes wrong is an answer too. */

import type { Answer, Ask } from '../shared/asks.ts'
import { DrayError, toDrayError } from '../shared/error.ts'
import type { Location } from '../shared/location.ts'
import { type AllowList, holdToList } from './allow/allow-list.ts'
import type { IntentStore } from './intents.ts'
import type { Secrets } from './secrets.ts'
import type { Log } from './session/line.ts'
import type { Lanes } from './storage/s3/lanes.ts'
import type { Storage } from './storage/storage.ts'

export interface AnswersOptions {
  readonly allow: AllowList
  readonly secrets: Secrets
  readonly env: NodeJS.ProcessEnv
  readonly stateDir: string
  readonly log: Log
  /** Holds to the list, and to the limits of endpoints. */
  open(location: Location): Promise<Storage>
  readonly lanes: Lanes
  readonly intents: Pick<IntentStore, 'knows'>
}

/** At once, of one question. */
const connections = 4
/** Questions at once that look at stores: what they hold in memory, and what they ask of stores, is bounded too. */
const mostLooks = 8

export function openAnswers({
  secrets,
  allow,
  env,
  stateDir,
  log,
  open,
  lanes,
  intents,
}: AnswersOptions): (ask: Ask) => Promise<Answer> {
  const plain = { connections, env, sealed: secrets.keys }
  const client = { ...plain, lanes }

  async function answer(ask: Ask): Promise<Answer> {
    switch (ask.kind) {
      case 'test-connection': {
        holdToList(allow, ask.location)
        const { tryConnection } = await import('./storage/s3/try-connection.ts')
        return { kind: ask.kind, test: await tryConnection(ask.location, plain) }
      }
      case 'reseal': {
        const envelope = await secrets.reseal(ask)
        const { connection, version, agent } = ask
        log({ level: 'info', event: 'secret-sealed', connection, version, to: agent })
        return { kind: ask.kind, envelope }
      }
      case 'browse': {
        const { browse } = await import('./looking/browse.ts')
        return browse(ask, {
          allow,
          open,
          async openClient(location) {
            const { openClient } = await import('./storage/s3/open-client.ts')
            return (await openClient(location, client)).client
          },
        })
      }
      case 'scan':
        return (await import('./looking/scan.ts')).scan(ask, { open })
      case 'preflight': {
        const { preflight } = await import('./looking/preflight.ts')
        return preflight(ask, { allow, stateDir, open, client })
      }
      case 'open-uploads':
        return (await import('./looking/uploads.ts')).openUploads(ask, { open, intents })
      case 'abort-uploads':
        return (await import('./looking/abort-uploads.ts')).abortUploads(ask, { open })
      default:
        return ask satisfies never
    }
  }
  let looks = 0

  return async (ask) => {
    const isLook = ask.kind !== 'reseal' && ask.kind !== 'test-connection'
    if (isLook) looks++
    try {
      if (isLook && looks > mostLooks) throw busy(ask)
      return await answer(ask)
    } catch (thrown) {
      const error = toDrayError(thrown, ask.kind)
      // A mistyped bucket is nothing to warn of.
      const level = isLook && error.code !== 'access-denied' ? 'info' : 'warn'
      log({ level, event: 'refused-to-answer', ask: ask.kind, message: error.message })
      return { kind: 'refused', error: error.toBody() }
    } finally {
      if (isLook) looks--
    }
  }
}

const busy = ({ kind }: Ask) =>
  new DrayError('busy', kind, `This agent looks at ${mostLooks} places already.`, {
    retry: 'later',
    hint: 'Try again in a moment.',
  })
