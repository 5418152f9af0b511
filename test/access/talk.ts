/** A socket as an agent opens it, and what it hears there. */
import { runInDurableObject } from 'cloudflare:test'
import { protocolVersion } from '../../shared/protocol.ts'
import { facts } from '../shared/golden.ts'
import type { Heard } from './messages.ts'
import { ask, fresh, type Proof } from './world.ts'

type Message = { t: string } & Record<string, unknown>

export class Talk {
  readonly #socket: WebSocket
  readonly #heard: Message[] = []
  #wake: () => void = () => {}
  closed: { code: number; reason: string } | null = null

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      this.#heard.push(JSON.parse(String(data)))
      this.#wake()
    })
    socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason }
      this.#wake()
    })
    socket.accept()
  }

  /** The status, where it is not let in. */
  static async open(path: string, proof: Proof): Promise<Talk | number> {
    const response = await ask('GET', path, proof, { headers: { upgrade: 'websocket' } })
    if (response.webSocket) return new Talk(response.webSocket)
    await response.arrayBuffer()
    return response.status
  }

  say(message: object | string): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  close(): void {
    this.#socket.close(1000)
  }

  async next(which: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const at = this.#heard.findIndex(which)
      if (at >= 0) return this.#heard.splice(at, 1)[0]!
      if (this.closed) throw new Error(`closed: ${this.closed.code} ${this.closed.reason}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async hello(kind: Kind): Promise<void> {
    const hello = { t: 'hello', protocol: protocolVersion, session: fresh('session'), started: 1 }
    this.say(kind === 'fleet' ? { ...hello, facts } : { ...hello, held: [] })
    await this.next(({ t }) => t === 'welcome')
  }

  /** What comes in answer to a message, and to nothing else. */
  async heard(kind: Kind, message: object): Promise<Heard> {
    this.say(kind === 'fleet' ? numbered(message, 7) : { ...message, ...(hasSeq(message) && { seq: 7 }) })
    // Answered in order: whatever comes before is the answer to the first.
    this.say(
      kind === 'fleet'
        ? { t: 'usage', seq: 9, applied: 0, endpoints: [] }
        : { t: 'release', seq: 9, held: [] },
    )
    try {
      const answers: Message[] = []
      for (;;) {
        const one = await this.next(({ t }) => ['ack', 'refused', 'drop', 'budget'].includes(t))
        if (one.seq === 9 || one.heard === 9) break
        answers.push(one)
      }
      const { t, code }: Message = answers[0] ?? { t: 'nothing' }
      return (t === 'refused' ? code : t) as Heard
    } catch {
      return 'closed'
    }
  }
}

export type Kind = 'migration' | 'fleet'

const hasSeq = ({ t }: { t?: unknown }) => !['hello', 'free', 'heartbeat'].includes(t as string)
const numbered = (message: { t?: unknown }, seq: number) =>
  message.t === 'usage' ? { ...message, seq } : message

/** Every row of an object's own tables, by table. */
export async function rowsOf(object: DurableObjectStub): Promise<Record<string, string[]>> {
  return runInDurableObject(object, (_, { storage: { sql } }) => {
    const tables = sql
      .exec<{ name: string }>(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
      )
      .toArray()
    return Object.fromEntries(
      tables.map(({ name }) => [
        name,
        sql
          .exec(`SELECT * FROM ${name}`)
          .toArray()
          .map((row) => JSON.stringify(row)),
      ]),
    )
  })
}
