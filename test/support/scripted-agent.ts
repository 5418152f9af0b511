/**
 * An agent that says what a test tells it to, over any WebSocket (ws in node, workerd's own inside). It awaits answers
 * instead of sleeping.
 */
import { zeroCounts } from '../../shared/counts.ts'
import type { Key } from '../../shared/key.ts'
import {
  type AgentMessage,
  type Held,
  type LeasedPacket,
  type PlaneMessage,
  protocolVersion,
} from '../../shared/protocol.ts'

interface Socket {
  send(text: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void
}

type Of<T extends PlaneMessage['t']> = PlaneMessage & { t: T }

export class ScriptedAgent {
  readonly #socket: Socket
  readonly name: string
  readonly inbox: PlaneMessage[] = []
  #arrived: (() => void)[] = []
  #seq = 0
  /** Settles when the socket is closed, by whomever. */
  readonly closed: Promise<{ code: number; reason: string }>

  /** `name`: of the agent that opened the socket. */
  constructor(socket: Socket, name = 'a') {
    this.#socket = socket
    this.name = name
    socket.addEventListener('message', ({ data }) => {
      if (data !== 'pong') this.inbox.push(JSON.parse(String(data)))
      this.#wake()
    })
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => {
        resolve({ code, reason })
        this.#closed = { code, reason }
        this.#wake()
      })
    })
  }

  #closed: { code: number; reason: string } | null = null

  #wake(): void {
    for (const wake of this.#arrived.splice(0)) wake()
  }

  /** As it is, for what no agent would send. */
  raw(text: string): void {
    this.#socket.send(text)
  }

  say(message: AgentMessage): void {
    this.raw(JSON.stringify(message))
  }

  close(): void {
    this.#socket.close(1000, '')
  }

  /** The first message that is `t` (and `which`), taken out of the inbox; waits for it. Throws where the socket closes before. */
  async next<T extends PlaneMessage['t']>(
    t: T,
    which: (message: Of<T>) => boolean = () => true,
  ): Promise<Of<T>> {
    for (;;) {
      const at = this.inbox.findIndex((message) => message.t === t && which(message as Of<T>))
      if (at >= 0) return this.inbox.splice(at, 1)[0] as Of<T>
      if (this.#closed)
        throw new Error(`closed with ${this.#closed.code} (${this.#closed.reason}) instead of ${t}`)
      await new Promise<void>((resolve) => this.#arrived.push(resolve))
    }
  }

  /** Of two sessions, the one with the higher number at its end began later. */
  hello(agent: string, session = `${agent}-1`, held: Held[] = []): Promise<Of<'welcome'>> {
    if (agent !== this.name) throw new Error(`this socket is of ${this.name}, not of ${agent}`)
    const started = Number(/\d+$/.exec(session) ?? 1)
    this.say({ t: 'hello', protocol: protocolVersion, session, started, held })
    return this.next('welcome')
  }

  free(n: number): void {
    this.say({ t: 'free', n })
  }

  /** Asks for `n` packets, and waits for as many. */
  async lease(n = 1): Promise<LeasedPacket[]> {
    this.free(n)
    const packets: LeasedPacket[] = []
    while (packets.length < n) packets.push(...(await this.next('lease')).packets)
    return packets
  }

  /** Sends something with a `seq`, and waits for its answer. */
  async ask(message: Unnumbered): Promise<Of<'ack'> | Of<'refused'>> {
    const seq = this.#seq++
    this.say({ ...message, seq } as AgentMessage)
    const answers = (answer: { seq: number }) => answer.seq === seq
    for (;;) {
      const at = this.inbox.findIndex((m) => (m.t === 'ack' || m.t === 'refused') && answers(m))
      if (at >= 0) return this.inbox.splice(at, 1)[0] as Of<'ack'> | Of<'refused'>
      if (this.#closed) throw new Error(`closed with ${this.#closed.code} instead of an answer`)
      await new Promise<void>((resolve) => this.#arrived.push(resolve))
    }
  }

  heartbeat(held: Held[], objects = 0): void {
    this.say({ t: 'heartbeat', held, inFlight: { objects, bytes: objects * 10 } })
  }

  /** What was sent before has been taken in: the answer to a release of nothing. */
  async settled(): Promise<void> {
    await this.ask({ t: 'release', held: [] })
  }
}

type Numbered = Extract<AgentMessage, { seq: number }>
type WithoutSeq<T> = T extends unknown ? Omit<T, 'seq'> : never
export type Unnumbered = WithoutSeq<Numbered>

/** A cut of a survey into packets of `objects` each, that end at `ends` (null: the end of the key space). */
export const cutOf = (
  { id, generation }: LeasedPacket,
  from: string | null,
  ends: (string | null)[],
  objects = 2,
): Unnumbered => ({
  t: 'cut',
  packet: id,
  generation,
  from: from as Key | null,
  cuts: ends.map((through) => ({
    through: through as Key | null,
    work: { objects, bytes: objects * 10 },
    settled: null,
  })),
})

/** All of `packet`, with `n` objects copied. */
export function outcomeOf(packet: LeasedPacket, n = 2, over: object = {}): Unnumbered {
  const counts = zeroCounts()
  counts.objects.listed = n
  counts.objects.copied = n
  counts.bytes = { listed: n * 10, copied: n * 10 }
  counts.evidence = { 'store-verified': n }
  const { id, generation, through } = packet
  return { t: 'outcome', packet: id, generation, through, counts, failures: [], report: false, ...over }
}

export const heldOf = (packets: LeasedPacket[]): Held[] =>
  packets.map(({ id, generation }) => ({ packet: id, generation }))
