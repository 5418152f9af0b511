/**
 * The sockets of a `Migration`, by the session that said hello on each. What must be known of a session while the object
 * sleeps is kept with its socket.
 */
import type { PlaneMessage } from '../shared/protocol.ts'
import { closeSocket } from './incoming.ts'

interface Attachment {
  readonly agent: string
  readonly site?: string
  /** Null before hello. */
  readonly session: number | null
  readonly free: number
}

export class Sockets {
  readonly #bySession = new Map<number, { socket: WebSocket; free: number }>()

  /** An agent has opened it, and will say hello. */
  static opened(socket: WebSocket, agent: string, site: string): void {
    socket.serializeAttachment({ agent, site, session: null, free: 0 } satisfies Attachment)
  }

  /** Whose it is. */
  static agentOf(socket: WebSocket): string {
    return attachmentOf(socket)?.agent ?? ''
  }

  /** The session that said hello on it, or null. */
  static sessionOf(socket: WebSocket): number | null {
    return attachmentOf(socket)?.session ?? null
  }

  /** Those that outlived the object's sleep, with what their sessions could take then. */
  static awake(sockets: readonly WebSocket[]): { socket: WebSocket; session: number; free: number }[] {
    return sockets.flatMap((socket) => {
      const attachment = socket.readyState === WebSocket.OPEN ? attachmentOf(socket) : null
      const { session = null, free = 0 } = attachment ?? {}
      return session === null ? [] : [{ socket, session, free }]
    })
  }

  clear(): void {
    this.#bySession.clear()
  }

  /** In place of any other socket of the session. */
  set(session: number, socket: WebSocket, free = 0): void {
    this.#bySession.set(session, { socket, free })
    const { agent = '', site = '' } = attachmentOf(socket) ?? {}
    socket.serializeAttachment({ agent, site, session, free } satisfies Attachment)
  }

  /** At which site the session's agent is; empty where that is not known. */
  siteOf(session: number): string {
    const known = this.#bySession.get(session)
    return (known && attachmentOf(known.socket)?.site) ?? ''
  }

  /** Whether this is the socket that its session uses now. */
  isCurrent(session: number, socket: WebSocket): boolean {
    return this.#bySession.get(session)?.socket === socket
  }

  forget(session: number): void {
    this.#bySession.delete(session)
  }

  /** Nothing where it is closing: what was to be told is stored, and hello tells it again. */
  send(session: number, message: PlaneMessage): void {
    try {
      this.#bySession.get(session)?.socket.send(JSON.stringify(message))
    } catch {
      // It is closing.
    }
  }

  /** Keeps what each session can take. */
  keep(freeOf: (session: number) => number): void {
    for (const [session, known] of this.#bySession) {
      const free = freeOf(session)
      if (free !== known.free) this.set(session, known.socket, free)
    }
  }

  close(session: number, code: number, reason: string): void {
    const known = this.#bySession.get(session)
    this.#bySession.delete(session)
    if (known) closeSocket(known.socket, code, reason)
  }

  closeAll(code: number, reason: string): void {
    for (const session of [...this.#bySession.keys()]) this.close(session, code, reason)
  }
}

const attachmentOf = (socket: WebSocket) => socket.deserializeAttachment() as Attachment | null
