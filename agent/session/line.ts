/**
 * A line to the control plane: a socket that is opened again, with a growing pause, for as long as the line is wanted.
 *
 *   state       leaves it when
 *   connecting  the socket opens → open; it ends → waiting
 *   open        the socket ends → waiting, or closed where the plane says that this line is no longer wanted
 *   waiting     the pause is over → connecting
 *   closed      never; `close()` leads here from everywhere
 */
import type { ZodType } from 'zod'
import { closeCodes } from '../../shared/protocol.ts'
import type { Signer } from '../identity/signer.ts'
import { failuresAfter, longestPause, longestUnreached, pauseAfter, slowPause } from './backoff.ts'
import { type Ending, openSocket, type Socket } from './socket.ts'

export type Log = (event: {
  level: 'info' | 'warn' | 'error'
  event: string
  [detail: string]: unknown
}) => void

export type LineState =
  | { is: 'connecting'; socket: Socket; failures: number }
  | { is: 'open'; socket: Socket; failures: number; since: number }
  | { is: 'waiting'; timer: NodeJS.Timeout; failures: number }
  | { is: 'closed' }

export type Final = 'over' | 'superseded' | 'revoked'

export interface LineOptions<In> {
  url: URL
  signer: Signer
  schema: ZodType<In>
  /** What the line is for, in log events. */
  name: string
  log: Log
  opened(): void
  received(message: In): void
  /** All that was sent up to `sentAt` (`performance.now()`) has arrived. */
  confirmed(sentAt: number): void
  /** Before each ping. */
  beat(): void
  /** The connection is gone; the line opens the next one by itself. */
  lost(why: Ending): void
  /** The plane has closed the line for good: there is nothing to do here, or not for this process, or not for this agent. */
  over(why: Final): void
}

export interface Line<Out> {
  /** Nothing is kept: what is sent while the line is not open is gone. */
  send(message: Out): void
  /** How often to beat, in milliseconds. */
  pace(everyMs: number): void
  /** Ends this connection over something that the plane said that no schema catches, and tries again slowly. */
  reject(message: string): void
  close(): void
  readonly isOpen: boolean
}

/** Until the plane sets the pace. */
const firstPace = 5_000

export function openLine<In, Out>(options: LineOptions<In>): Line<Out> {
  let state: LineState
  /** The last trouble that was logged: the same one is said once, until a connection was a good one. */
  let said = ''
  let beating = setInterval(beat, firstPace)

  function connect(failures: number): LineState {
    const socket: Socket = openSocket<In>({
      url: options.url,
      signer: options.signer,
      schema: options.schema,
      opened() {
        state = { is: 'open', socket, failures, since: performance.now() }
        options.opened()
      },
      received: options.received,
      confirmed: options.confirmed,
      ended: (why) => wait(socket, why),
    })
    return { is: 'connecting', socket, failures }
  }

  function wait(socket: Socket, why: Ending): void {
    if (state.is === 'closed' || state.is === 'waiting' || state.socket !== socket) return
    const final = finality(why)
    if (final) {
      clearInterval(beating)
      state = { is: 'closed' }
      options.over(final)
      return
    }
    const wasOpen = state.is === 'open'
    const lived = state.is === 'open' ? performance.now() - state.since : 0
    const failures = failuresAfter(state.failures, lived)
    const longest = why.is === 'unreachable' ? longestUnreached : longestPause
    const pause = isHopeless(why) ? slowPause(Math.random()) : pauseAfter(failures, Math.random(), longest)
    say(why, failures === 1)
    state = { is: 'waiting', failures, timer: setTimeout(again, pause) }
    if (wasOpen) options.lost(why)
  }

  function again(): void {
    if (state.is === 'waiting') state = connect(state.failures)
  }

  function say(why: Ending, isNew: boolean): void {
    const event = describe(why)
    const text = JSON.stringify(event)
    if (isNew || text !== said) options.log({ ...event, line: options.name })
    said = text
  }

  function beat(): void {
    if (state.is !== 'open') return
    if (!state.socket.congested) options.beat()
    if (state.is === 'open') state.socket.ping()
  }

  state = connect(0)
  return {
    send(message) {
      if (state.is === 'open') state.socket.send(message)
    },
    pace(everyMs) {
      clearInterval(beating)
      if (state.is !== 'closed') beating = setInterval(beat, everyMs)
    },
    reject(message) {
      if (state.is !== 'open') return
      const { socket } = state
      options.log({ level: 'error', event: 'not-understood', message, hint: versions, line: options.name })
      state = {
        is: 'waiting',
        failures: state.failures + 1,
        timer: setTimeout(again, slowPause(Math.random())),
      }
      socket.close()
      options.lost({ is: 'protocol', message })
    },
    close() {
      if (state.is === 'closed') return
      clearInterval(beating)
      if (state.is === 'waiting') clearTimeout(state.timer)
      else state.socket.close()
      state = { is: 'closed' }
    },
    get isOpen() {
      return state.is === 'open'
    },
  }
}

const versions = 'Use the same version of Dray everywhere. This agent tries again by itself.'

function finality(why: Ending): Final | null {
  // Gone for good.
  if (why.is === 'refused' && why.status === 410) return 'revoked'
  if (why.is !== 'closed') return null
  if (why.code === closeCodes.revoked) return 'revoked'
  if (why.code === closeCodes.over) return 'over'
  return why.code === closeCodes.superseded ? 'superseded' : null
}

/** Whether the next try will most likely end the same way. */
function isHopeless(why: Ending): boolean {
  if (why.is === 'refused') return why.status >= 400 && why.status < 500 && !why.corrected
  return isRejected(why)
}

/** Whether the plane did not understand, or could not take, what this agent sent. */
export function isRejected(why: Ending): boolean {
  return why.is === 'closed' && (why.code === closeCodes.protocol || why.code === closeCodes.tooBig)
}

function describe(why: Ending): {
  level: 'info' | 'warn' | 'error'
  event: string
  [detail: string]: unknown
} {
  switch (why.is) {
    case 'refused':
      if (why.corrected) return { level: 'warn', event: 'clock-corrected' }
      return why.status === 401 || why.status === 403
        ? { level: 'error', event: 'unauthorised', status: why.status, hint: 'does it know this agent?' }
        : { level: 'warn', event: 'refused', status: why.status }
    case 'unreachable':
      return { level: 'warn', event: 'unreachable', message: why.message }
    case 'protocol':
      return { level: 'error', event: 'not-understood', message: why.message, hint: versions }
    case 'silent':
      return { level: 'warn', event: 'silent' }
    case 'closed':
      if (isRejected(why))
        return { level: 'error', event: 'rejected', code: why.code, reason: why.reason, hint: versions }
      return { level: 'info', event: 'disconnected', code: why.code, reason: why.reason }
    default:
      return why satisfies never
  }
}
