/** What this agent answers when the control plane asks it something. What goes wrong is an answer too. */
import { toDrayError } from '../shared/error.ts'
import type { Answer, Ask } from '../shared/protocol.ts'
import { type AllowList, holdToList } from './allow/allow-list.ts'
import type { Secrets } from './secrets.ts'
import type { Log } from './session/line.ts'

export interface AnswersOptions {
  readonly allow: AllowList
  readonly secrets: Secrets
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
}

export function openAnswers({ secrets, allow, env, log }: AnswersOptions): (ask: Ask) => Promise<Answer> {
  async function answer(ask: Ask): Promise<Answer> {
    switch (ask.kind) {
      case 'test-connection': {
        holdToList(allow, ask.location)
        const { tryConnection } = await import('./storage/s3/try-connection.ts')
        const options = { connections: 4, env, sealed: secrets.keys }
        return { kind: ask.kind, test: await tryConnection(ask.location, options) }
      }
      case 'reseal': {
        const envelope = await secrets.reseal(ask)
        const { connection, version, agent } = ask
        log({ level: 'info', event: 'secret-sealed', connection, version, to: agent })
        return { kind: ask.kind, envelope }
      }
      default:
        return ask satisfies never
    }
  }
  return async (ask) => {
    try {
      return await answer(ask)
    } catch (thrown) {
      const error = toDrayError(thrown, ask.kind)
      log({ level: 'warn', event: 'refused-to-answer', ask: ask.kind, message: error.message })
      return { kind: 'refused', error: error.toBody() }
    }
  }
}
