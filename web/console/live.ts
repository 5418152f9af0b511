/**
 * A migration as its socket tells it: a snapshot, then what changes, applied at most once a frame. A socket that is lost is opened again, with
 * pauses that grow, and begins with a snapshot; what is known stays, with the time at which it was so.
 */
import { useEffect, useState, useSyncExternalStore } from 'react'
import { addressOf } from '../../shared/api/route.ts'
import {
  openWatch,
  ticketPrefix,
  type WatchMessage,
  watchMessageSchema,
  watchMigration,
  watchProtocol,
} from '../../shared/api/watch.ts'
import { call, Refused } from '../api.ts'
import { applied, type Known } from './known.ts'

export interface Live {
  readonly link: 'connecting' | 'live' | 'lost' | 'refused'
  /** When it was last heard of, by this browser's clock (ms); null before. */
  readonly heardAt: number | null
  readonly known: Known | null
}

const firstPauseMs = 500
const longestPauseMs = 30_000
/** Between two questions whether the other end is there, and for how long an answer is awaited. */
const askMs = 15_000
const patienceMs = 10_000

export class LiveStore {
  #live: Live = { link: 'connecting', heardAt: null, known: null }
  readonly #listeners = new Set<() => void>()
  readonly #where: { readonly workspace: string; readonly migration: string }
  #socket: WebSocket | null = null
  #waiting: WatchMessage[] = []
  #frame = 0
  #id = 0
  #pauseMs = firstPauseMs
  #timers: number[] = []
  #stopped = false

  constructor(workspace: string, migration: string) {
    this.#where = { workspace, migration }
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  readonly now = (): Live => this.#live

  start(): void {
    this.#stopped = false
    void this.#connect()
  }

  stop(): void {
    this.#stopped = true
    cancelAnimationFrame(this.#frame)
    this.#drop()
  }

  #set(change: Partial<Live>): void {
    this.#live = { ...this.#live, ...change }
    for (const listener of this.#listeners) listener()
  }

  async #connect(): Promise<void> {
    let ticket: string
    try {
      ticket = (await call(openWatch, { params: this.#where })).ticket
    } catch (error) {
      // What was refused will be refused again.
      const isRefused = error instanceof Refused && [401, 403, 404].includes(error.status)
      if (isRefused) this.#set({ link: 'refused' })
      else this.#again()
      return
    }
    if (this.#stopped) return
    const url = new URL(addressOf(watchMigration, { params: this.#where }), location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    const socket = new WebSocket(url, [watchProtocol, ticketPrefix + ticket])
    this.#socket = socket
    const lost = () => {
      if (this.#socket !== socket) return
      this.#drop()
      this.#again()
    }
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket !== socket) return
      this.#heard()
      if (data !== 'pong' && !this.#take(String(data))) lost()
    })
    socket.addEventListener('close', lost)
    socket.addEventListener('open', () => this.#heard())
  }

  #drop(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
    const socket = this.#socket
    this.#socket = null
    this.#waiting = []
    socket?.close()
  }

  #again(): void {
    if (this.#stopped) return
    this.#set({ link: 'lost' })
    this.#timers.push(
      window.setTimeout(() => void this.#connect(), this.#pauseMs * (0.75 + Math.random() / 2)),
    )
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2)
  }

  /** It is there; if it says nothing for long, it is asked. */
  #heard(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
    const ask = () => {
      this.#socket?.send('ping')
      this.#timers.push(
        window.setTimeout(() => {
          this.#drop()
          this.#again()
        }, patienceMs),
      )
    }
    this.#timers.push(window.setTimeout(ask, askMs))
    if (this.#live.link === 'live') this.#live = { ...this.#live, heardAt: Date.now() }
  }

  /** False where it does not follow on what is known. */
  #take(data: string): boolean {
    const message = watchMessageSchema.safeParse(JSON.parse(data)).data
    if (!message || (message.t === 'delta' && message.id !== this.#id + 1)) return false
    this.#id = message.id
    this.#waiting.push(message)
    // A page that is not seen has no frames.
    if (document.hidden || this.#waiting.length > 20) this.#apply()
    else if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#apply())
    return true
  }

  #apply(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
    const messages = this.#waiting.splice(0)
    if (messages.length === 0) return
    this.#pauseMs = firstPauseMs
    const now = Date.now()
    let { known } = this.#live
    for (const message of messages) known = applied(known, message, now)
    this.#set({ link: 'live', heardAt: now, known })
  }
}

/** Of the migration that is shown, as long as it is. */
export function useLive(workspace: string, migration: string): Live {
  const [store, setStore] = useState(() => new LiveStore(workspace, migration))
  useEffect(() => {
    const fresh = new LiveStore(workspace, migration)
    setStore(fresh)
    fresh.start()
    return () => fresh.stop()
  }, [workspace, migration])
  return useSyncExternalStore(store.subscribe, store.now)
}
