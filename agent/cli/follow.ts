/** Watches a pass until it is over, until there is no hope that it will be, or until it is interrupted. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { PassStatus } from '../../shared/api/migrations.ts'
import { DrayError, type ErrorBody } from '../../shared/error.ts'
import { type Io, throwIfInterrupted } from './io.ts'
import type { PlaneClient } from './plane-client.ts'
import { progressView } from './progress-view.ts'

/** Between two looks at the pass (ms): soon after it began, since most passes are small, then less often. */
const firstPoll = 30

export interface Watch {
  readonly migration: string
  readonly pass: number
  /** Most ms between two looks. */
  readonly pollEvery: number
  /** The error to give up with, or null while there is hope. */
  gaveUp(status: PassStatus): ErrorBody | null
  /** Is told once that the pass asks how many objects it may delete. */
  asked?(asks: NonNullable<PassStatus['asks']>): Promise<void>
  /** How often in a row the control plane may be away; it was asked several times by then. */
  readonly patience: number
}

export async function follow(
  client: Pick<PlaneClient, 'pass'>,
  watch: Watch,
  io: Io,
): Promise<{ status: PassStatus; gaveUp: ErrorBody | null }> {
  const view = await progressView(io.stderr, { title: `migration ${watch.migration}, pass ${watch.pass}` })
  let away = 0
  let isAsked = false
  try {
    for (let pause = firstPoll; ; pause = Math.min(watch.pollEvery, pause * 1.5)) {
      try {
        const status = await client.pass(watch.migration, watch.pass)
        away = 0
        throwIfInterrupted(io.signal)
        view.show(status)
        if (status.asks && !isAsked) {
          await watch.asked?.(status.asks)
          isAsked = true
        }
        if (status.state !== 'running') return { status, gaveUp: null }
        const gaveUp = watch.gaveUp(status)
        if (gaveUp) return { status, gaveUp }
      } catch (error) {
        const mayPass = error instanceof DrayError && error.retry === 'later' && !io.signal.aborted
        if (!mayPass || away++ >= watch.patience) throw error
      }
      await sleep(pause, undefined, { signal: io.signal }).catch(() => throwIfInterrupted(io.signal))
    }
  } finally {
    view.end()
  }
}
