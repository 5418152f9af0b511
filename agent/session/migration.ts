/**
 * An agent's session with one migration: says hello, takes leases, passes on what its runner has to tell, and measures
 * whether the leases still stand. It knows nothing of what the work is.
 *
 *   state     leaves it when
 *   apart     the line opens: hello → greeting
 *   greeting  welcome → working; the line is lost → apart
 *   working   the line is lost → apart; `end`, or closed as over → over
 *   over      never
 *
 * Work goes on while apart, until the leases have run out by this agent's own clock.
 */
import { performance } from 'node:perf_hooks'
import {
  type AgentMessage,
  type Held,
  type LeasedPacket,
  type PlaneMessage,
  planeMessageSchema,
  protocolVersion,
  type Work,
} from '../../shared/protocol.ts'
import type { Signer } from '../identity/signer.ts'
import type { Listening, Tell } from '../listening/listening.ts'
import type { Runner } from '../runner/runner.ts'
import { type LeaseClock, startLeaseClock } from './lease-clock.ts'
import { isRejected, type Line, type Log, openLine } from './line.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { within } from './within.ts'

export type Welcome = Extract<PlaneMessage, { t: 'welcome' }>

type State =
  | { is: 'apart' }
  | { is: 'greeting'; helloAt: number }
  /** `told`: how many packets the plane may think that it can still send. */
  | { is: 'working'; told: number }
  | { is: 'over' }

export interface MigrationSessionOptions {
  migration: string
  url: URL
  signer: Signer
  session: string
  /** When this process began (ms). */
  started: number
  log: Log
  /** Numbers that rise within a session of the agent, whichever migration they are for. */
  nextSeq(): number
  /** A runner for the pass of `welcome`; `changed` is to be called whenever `free()` may have changed. */
  startRunner(welcome: Welcome, post: Outbox['post'], changed: () => void, weight: number): Runner
  /** Hears of changes while the pass of `welcome` lasts. */
  listen(welcome: Welcome, tell: Tell): Listening
  /** Its share of the agent, beside those of other migrations. */
  weight: number
  /** The control plane sends this process away. */
  sentAway(why: 'superseded' | 'revoked'): void
}

export interface MigrationSession {
  /** Packets that it works on now, and what it has moved since the session began. */
  doing(): Work & { packets: number }
  /** From now on. */
  weigh(weight: number): void
  /** Takes no more, finishes what it holds, closes. */
  drain(): Promise<void>
  /** Aborts what it holds, gives the leases back where the plane can be reached at once, closes. */
  stop(): Promise<void>
  /** Resolves when the session is over, whoever ended it. */
  readonly ended: Promise<void>
}

/** Pings are answered without waking the plane's object, so a greeting that hangs shows in nothing but time. */
const welcomeMs = 20_000
/** How long a stop waits for the plane to hear of the leases that are given back. */
const partingMs = 400
/** How long a drain waits for the last outcomes to be acknowledged, once the work is done. */
const lastWordsMs = 10_000

const nothing: Work = { objects: 0, bytes: 0 }

export function openMigration(options: MigrationSessionOptions): MigrationSession {
  let state: State = { is: 'apart' }
  let runner: Runner | null = null
  let pass = 0
  let listening: Listening | null = null
  let clock: LeaseClock | null = null
  let watching: NodeJS.Timeout | undefined
  let draining = false
  /** Whether the last heartbeat, of this connection, said that nothing is held. */
  let isIdle = false
  let { weight } = options
  let tellEnded = () => {}
  const ended = new Promise<void>((resolve) => {
    tellEnded = resolve
  })
  const outbox = createOutbox((message) => {
    if (state.is === 'working') line.send(message)
  }, options.nextSeq)

  const line: Line<AgentMessage> = openLine({
    url: options.url,
    signer: options.signer,
    schema: planeMessageSchema,
    name: options.migration,
    log: options.log,
    opened() {
      state = { is: 'greeting', helloAt: performance.now() }
      line.send({
        t: 'hello',
        protocol: protocolVersion,
        session: options.session,
        started: options.signer.at(options.started),
        held: runner?.held() ?? [],
      })
    },
    received: receive,
    confirmed: (sentAt) => clock?.confirm(sentAt),
    beat() {
      if (state.is === 'greeting' && performance.now() - state.helloAt > welcomeMs)
        line.reject('the control plane took the connection and did not say welcome')
      if (state.is !== 'working' || !runner) return
      const held = runner.held()
      // There is nothing to renew, and the plane has been told so: its object may sleep.
      if (held.length === 0 && isIdle) return
      isIdle = held.length === 0
      const still = runner.still()
      line.send({ t: 'heartbeat', held, inFlight: runner.inFlight(), ...(still.length > 0 && { still }) })
    },
    lost(why) {
      if (state.is === 'over') return
      state = { is: 'apart' }
      if (!isRejected(why)) return
      // Something that waits here cannot be said; the plane takes back what hello does not name.
      runner?.abort(runner.held(), 'the control plane did not take what this agent sent')
      outbox.forget('protocol', 'the control plane closed the connection over it')
    },
    over(why) {
      if (why !== 'over') options.sentAway(why)
      void finish()
    },
  })

  function receive(message: PlaneMessage): void {
    switch (message.t) {
      case 'welcome':
        welcome(message)
        break
      case 'lease':
        lease(message.packets)
        break
      case 'ack':
        outbox.answer(message.seq, { is: 'ack', hold: message.hold })
        break
      case 'refused':
        outbox.answer(message.seq, { is: 'refused', code: message.code, message: message.message })
        break
      case 'proceed':
        runner?.proceed(message.packet)
        break
      case 'please-split':
        runner?.split(message.packet, message.parts)
        break
      case 'please-yield':
        runner?.yield(message.packet)
        break
      case 'drop':
        runner?.abort(message.held, 'the control plane took the lease back')
        tellFree()
        break
      case 'end':
        if (message.pass === pass || !runner) end(message)
        break
      default:
        message satisfies never
    }
  }

  function lease(packets: readonly LeasedPacket[]): void {
    if (state.is === 'working') state.told -= packets.length
    if (draining) release(packets.map(({ id, generation }) => ({ packet: id, generation })))
    else runner?.take(packets)
    tellFree()
  }

  function welcome(message: Welcome): void {
    const { protocol } = message
    if (state.is !== 'greeting' || protocol !== protocolVersion) {
      line.reject(`the control plane speaks protocol ${protocol}, this agent ${protocolVersion}`)
      return
    }
    if (runner && message.pass.number !== pass) {
      outbox.forget('stale', 'its pass is over')
      void runner.stop()
      runner = null
      listening?.stop()
      listening = null
    }
    if (pass !== message.pass.number) {
      options.log({
        level: 'info',
        event: 'pass-begun',
        migration: options.migration,
        pass: message.pass.number,
      })
    }
    pass = message.pass.number
    runner ??= options.startRunner(message, outbox.post, tellFree, weight)
    if (!draining) listening ??= options.listen(message, tell)
    runner.abort(message.lost, 'the lease is gone')
    watchLeases(message, state.helloAt)
    state = { is: 'working', told: 0 }
    isIdle = false
    line.pace(message.heartbeatMs)
    outbox.resend()
    // A `proceed` may have been said while we were apart; one checkpoint more than wanted does no harm.
    runner.proceed(null)
    tellFree()
  }

  const tell: Tell = (side, changes) =>
    new Promise((resolve) => {
      outbox.post({ t: 'changed', side, changes }, ({ is }) => resolve(is === 'ack'))
    })

  function watchLeases({ leaseMs, heartbeatMs }: Welcome, confirmedAt: number): void {
    clock = startLeaseClock(leaseMs, confirmedAt)
    clearInterval(watching)
    watching = setInterval(
      () => {
        if (!runner || !clock?.expired(performance.now())) return
        const held = runner.working()
        if (held.length === 0) return
        runner.abort(held, 'the control plane was out of reach for too long')
        options.log({
          level: 'warn',
          event: 'leases-expired',
          migration: options.migration,
          packets: held.length,
        })
        release(held)
      },
      Math.min(heartbeatMs, 1_000),
    )
  }

  function tellFree(): void {
    if (state.is !== 'working' || !runner) return
    const n = draining ? 0 : runner.free()
    if (n === state.told) return
    state.told = n
    line.send({ t: 'free', n })
  }

  function release(held: Held[]): void {
    if (held.length > 0) outbox.post({ t: 'release', held }, () => {})
  }

  function end({ pass: number, state: passState }: Extract<PlaneMessage, { t: 'end' }>): void {
    options.log({
      level: 'info',
      event: 'pass-ended',
      migration: options.migration,
      pass: number,
      state: passState,
    })
    void finish()
  }

  async function finish(): Promise<void> {
    if (state.is === 'over') return ended
    state = { is: 'over' }
    clearInterval(watching)
    listening?.stop()
    outbox.close()
    line.close()
    await runner?.stop()
    tellEnded()
  }

  return {
    doing: () => ({ packets: runner?.working().length ?? 0, ...(runner?.moved() ?? nothing) }),
    weigh(now) {
      if (now === weight) return
      weight = now
      runner?.weigh(now)
    },
    async drain() {
      draining = true
      listening?.stop()
      tellFree()
      await Promise.race([runner?.drain(), ended])
      await within(lastWordsMs, outbox.empty())
      await finish()
    },
    async stop() {
      draining = true
      listening?.stop()
      // First, or what is given back would come again.
      tellFree()
      const held = runner?.working() ?? []
      runner?.abort(held, 'the agent stops')
      release(held)
      if (state.is === 'working') await within(partingMs, outbox.empty())
      await finish()
    },
    ended,
  }
}
