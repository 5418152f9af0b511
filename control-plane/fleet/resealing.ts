/**
 * Gives secrets to agents that do not have them yet, through one of their site that has. The control plane can open none of it: it only asks.
 * Whether the other's key is one of the site is for the agent that is asked to say, by the root that it knows.
 */
import type { Certificate } from '../../shared/identity/certificate.ts'
import type { Env } from '../env.ts'
import { type AgentRow, type ConnectionRow, Connections } from '../store/connections.ts'
import { Scope, system } from '../store/scope.ts'
import type { Presence, Present } from './presence.ts'
import type { Questions } from './questions.ts'

const answerMs = 10_000

export class Resealing {
  readonly #env: Env
  readonly #workspace: string
  readonly #presence: Presence
  readonly #questions: Questions
  /** By site; `again`: somebody came while it ran. */
  readonly #running = new Map<string, { done: Promise<void>; again: boolean }>()

  constructor(env: Env, workspace: string, presence: Presence, questions: Questions) {
    this.#env = env
    this.#workspace = workspace
    this.#presence = presence
    this.#questions = questions
  }

  /** Everything that agents of this site lack and others of it have. Resolves when it was tried. */
  atSite(site: string): Promise<void> {
    const running = this.#running.get(site)
    if (running) {
      running.again = true
      return running.done
    }
    const run = { done: Promise.resolve(), again: false }
    run.done = this.#bring(site)
      .catch((error) => console.warn('secrets could not be sealed again', error))
      .then(() => {
        this.#running.delete(site)
        if (run.again) return this.atSite(site)
      })
    this.#running.set(site, run)
    return run.done
  }

  async #bring(site: string): Promise<void> {
    const here = this.#presence.alive().filter((agent) => agent.site === site)
    if (here.length === 0) return
    const store = new Connections(new Scope(this.#env.DB, this.#workspace, system))
    const connections = await store.sealedFor(site)
    if (connections.length === 0) return
    const agents = new Map((await store.agents()).map((row) => [row.id, row]))
    await Promise.all(connections.map((connection) => this.#one(store, connection, here, agents)))
  }

  async #one(
    store: Connections,
    connection: ConnectionRow,
    here: readonly Present[],
    agents: ReadonlyMap<string, AgentRow>,
  ): Promise<void> {
    const copies = await store.copies(connection.id)
    const isCurrent = (agent: string) =>
      copies.some((copy) => copy.agent === agent && copy.version === connection.secretVersion)
    const isRevoked = (agent: string) => agents.get(agent)?.revokedAt !== null
    const holders = here.filter(({ agent }) => isCurrent(agent) && !isRevoked(agent))
    for (const { agent } of here) {
      const certificate = agents.get(agent)?.certificate ?? null
      if (isCurrent(agent) || isRevoked(agent) || certificate === null) continue
      for (const holder of holders) {
        const envelope = await this.#ask(holder, connection, agent, certificate)
        if (envelope === null) continue
        const copy = { agent, envelope }
        await store.keep(connection.id, connection.secretVersion, [copy], `agent ${holder.agent}`, Date.now())
        break
      }
    }
  }

  async #ask(
    holder: Present,
    { id, endpoint, secretVersion }: ConnectionRow,
    agent: string,
    certificate: Certificate,
  ): Promise<string | null> {
    const ask = { connection: id, endpoint, version: secretVersion, agent, certificate }
    const answer = await this.#questions.ask(holder, { kind: 'reseal', ...ask }, answerMs)
    if (answer.kind === 'reseal') return answer.envelope
    if (answer.kind === 'refused') {
      console.warn(`agent ${holder.agent} does not seal ${id} to ${agent}: ${answer.error.message}`)
    }
    return null
  }
}
