/**
 * What an agent hears of changes by, while a pass is open: a queue that it polls, a directory that it watches. What it hears it tells, in messages of some
 * hundred keys; nothing is forgotten before the control plane has said that it is stored. What is lost on the way costs time: the next pass
 * finds it.
 */
import { toDrayError } from '../../shared/error.ts'
import type { FileLocation } from '../../shared/location.ts'
import type { AgentMessage, Listened } from '../../shared/protocol.ts'
import type { AllowList } from '../allow/allow-list.ts'
import type { Log } from '../session/line.ts'
import type { Welcome } from '../session/migration.ts'
import type { SealedKeys } from '../storage/s3/access.ts'

type Told = AgentMessage & { t: 'changed' }
export type Side = Told['side']
export type Change = Told['changes'][number]

/** False where the control plane did not take them, and never will. Settles once it has answered. */
export type Tell = (side: Side, changes: Change[]) => Promise<boolean>

export interface Listening {
  stop(): void
}

export interface ListeningOptions {
  readonly tell: Tell
  readonly allow: AllowList
  /** Where the keys of sealed connections come from. */
  readonly sealed?: SealedKeys | undefined
  readonly log: Log
}

/** Changes of one message. */
export const mostTold = 1_000

export function listen(welcome: Welcome, options: ListeningOptions): Listening {
  const stopped = new AbortController()
  for (const source of welcome.events ?? []) {
    void hear(source, welcome, options, stopped.signal).catch((thrown) => {
      if (stopped.signal.aborted) return
      const { code, message, hint } = toDrayError(thrown, `listen (${source.kind})`)
      options.log({
        level: 'warn',
        event: 'not-listening',
        ...{ migration: welcome.migration, to: source.kind, code, message, hint },
      })
    })
  }
  return { stop: () => stopped.abort() }
}

async function hear(
  source: Listened,
  welcome: Welcome,
  options: ListeningOptions,
  signal: AbortSignal,
): Promise<void> {
  switch (source.kind) {
    case 'sqs': {
      // Who has no queue does without the SDK's client.
      const { pollQueue } = await import('./poll-queue.ts')
      return pollQueue(source, welcome, options, signal)
    }
    case 'watch': {
      const location = followed(welcome)
      if (location === null) return
      const { watchDirectory } = await import('./watch-directory.ts')
      return watchDirectory(location.path, sideOf(welcome), options, signal)
    }
    default:
      source satisfies never
  }
}

const sideOf = ({ pass }: Welcome): Side => (pass.options.direction === 'back' ? 'destination' : 'source')

/** The directory whose changes are carried over; null where it is a bucket. */
function followed(welcome: Welcome): FileLocation | null {
  const location = welcome[sideOf(welcome)]
  return location.kind === 'file' ? location : null
}
