/**
 * Questions to agents, by their standing sockets. Each has one answer, and it comes in time or not at all: whoever asked waits, so nothing of it
 * is kept. An agent may be hostile too: its answer is believed as far as the schema goes, and no further.
 */
import { DrayError } from '../../shared/error.ts'
import type { Answer, Ask, FleetAgentMessage } from '../../shared/protocol.ts'
import { type Present, send } from './presence.ts'

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
