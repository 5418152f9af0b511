/**
 * Questions to agents, by their standing sockets. Each has one answer, and it comes in time or not at all: whoever asked waits, so nothing of it
 * is kept. An agent may be hostile too: its answer is believed as far as the schema goes, and no further.
 */

import type { Answer, Ask } from '../../shared/asks.ts'
import { DrayError, type ErrorCode } from '../../shared/error.ts'
import type { FleetAgentMessage } from '../../shared/protocol.ts'
import { type Present, send } from './presence.ts'

/** What one agent is refused, or has not, and another one may. */
const othersMay: readonly ErrorCode[] = [
  'access-denied',
  'unreachable',
  'bad-credentials',
  'not-found',
  'busy',
]
const mostTries = 3
/** Of time that is left, to ask another one. */
const leastMs = 5_000

interface Waiting {
  readonly socket: WebSocket
  readonly kind: Ask['kind']
  settle(answer: Answer): void
}

export class Questions {
  readonly #waiting = new Map<string, Waiting>()

  /** Never rejects. `ms`: how long it may take. */
  ask(agent: Present, ask: Ask, ms: number): Promise<Answer> {
    const request = crypto.randomUUID()
    return new Promise((resolve) => {
      const settle = (answer: Answer) => {
        clearTimeout(timer)
        this.#waiting.delete(request)
        resolve(answer)
      }
      const timer = setTimeout(() => settle(refused('timeout', `did not answer in ${ms / 1000} s`)), ms)
      this.#waiting.set(request, { socket: agent.socket, kind: ask.kind, settle })
      send(agent, { t: 'ask', request, ask })
    })
  }

  /** The first of them that is not refused for what another agent may do; the first refusal where all are. Never rejects. */
  async askAny(
    agents: readonly Present[],
    ask: Ask,
    ms: number,
  ): Promise<{ answer: Answer; agent: Present }> {
    const until = Date.now() + ms
    let first: { answer: Answer; agent: Present } | null = null
    for (const agent of agents.slice(0, mostTries)) {
      const left = until - Date.now()
      if (first && left < leastMs) break
      const answer = await this.ask(agent, ask, left)
      if (answer.kind !== 'refused' || !othersMay.includes(answer.error.code)) return { answer, agent }
      first ??= { answer, agent }
    }
    if (!first) throw new Error('nobody to ask')
    return first
  }

  answered({ socket }: Present, { request, answer }: FleetAgentMessage & { t: 'answer' }): void {
    const waiting = this.#waiting.get(request)
    // Too late, or another's.
    if (waiting?.socket !== socket) return
    const fits = answer.kind === waiting.kind || answer.kind === 'refused'
    waiting.settle(fits ? answer : refused('protocol', 'answered something else'))
  }

  /** The socket is closed. */
  gone(socket: WebSocket): void {
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.socket === socket) waiting.settle(refused('unreachable', 'left before it answered'))
    }
  }
}

const refused = (code: DrayError['code'], what: string): Answer => ({
  kind: 'refused',
  error: new DrayError(code, 'ask the agent', `The agent ${what}.`, {
    retry: 'later',
    hint: 'Try again; `dray agents` shows which agents are connected.',
  }).toBody(),
})
