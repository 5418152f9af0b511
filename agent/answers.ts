/** What this agent answers when the control plane asks it something. What goes wrong is an answer too. */
import { DrayError, toDrayError } from '../shared/error.ts'
import type { Answer, Ask } from '../shared/protocol.ts'
import type { Secrets } from './secrets.ts'
import type { Log } from './session/line.ts'

export interface AnswersOptions {
  /** Null where this agent has no keys that anything could be sealed to. */
  readonly secrets: Secrets | null
  readonly env: NodeJS.ProcessEnv
  readonly log: Log
}

export function openAnswers({ secrets, env, log }: AnswersOptions): (ask: Ask) => Promise<Answer> {
  async function answer(ask: Ask): Promise<Answer> {
    switch (ask.kind) {
      case 'test-connection': {
        const { tryConnection } = await import('./storage/s3/try-connection.ts')
        const more = secrets ? { sealed: secrets.keys } : {}
        return { kind: ask.kind, test: await tryConnection(ask.location, { connections: 4, env, ...more }) }
      }
      case 'reseal': {
        if (!secrets) throw new DrayError('config', 'seal', 'This agent has no keys to open a secret with.')
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
