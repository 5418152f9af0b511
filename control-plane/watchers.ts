/**
 * Who watches a migration: their sockets, and what they were told. All are told the same, at most twice a second, and only what changed;
 * whoever comes later is sent all of it first. What was told is in memory alone: after the object's sleep everybody is sent a snapshot.
 */
import * as z from 'zod'
import type { PassStatus } from '../shared/api/migrations.ts'
import { type Lane, type WatchEvent, type WatchMessage, watchProtocol } from '../shared/api/watch.ts'
import type { LifeBrief } from '../shared/life.ts'
import { closeCodes } from '../shared/protocol.ts'
import type { Bucket, Strip } from './core/strip.ts'
import { editsOf, rowsOf } from './core/strip-rows.ts'
import { History } from './history.ts'
import { closeSocket } from './incoming.ts'
import type { Watcher } from './tickets.ts'
import { Traces } from './traces.ts'

/** Ms between two messages at least; between two looks at whether they may still watch. */
const pauseMs = 500
const checkMs = 40_000
/** Rates are over so many ms, and sink to nothing in that time where nobody tells of work. */
const paceMs = 15_000
const mostWatchers = 500

const tag = 'watch'
const header = 'dray-watcher'

interface Attachment {
  readonly watcher: Watcher
}

/** An agent at work: what it has done and is doing, in all. */
export interface Worker {
  readonly session: number
  readonly agent: string
  readonly site: string
  readonly leased: readonly { readonly through: string | null }[]
  readonly objects: number
  readonly bytes: number
}

export interface View {
  readonly pass: PassStatus | null
  /** Null where it was never begun. */
  readonly life: LifeBrief | null
  /** Null where it is not counted yet. */
  readonly strip: Strip | null
  readonly workers: readonly Worker[]
}

interface Around {
  readonly ctx: DurableObjectState
  view(): View
  /** The last ones, in their order. */
  events(): readonly WatchEvent[]
  /** So that the strip is counted; settles when it is. */
  count(): Promise<unknown>
  mayStill(watcher: Watcher, now: number): Promise<boolean>
  armAlarm(): void
}

interface Told {
  readonly pass: number | null
  readonly status: string
  readonly life: string
  readonly strip: Strip | null
  readonly buckets: readonly Bucket[]
  readonly revision: number
  readonly lanes: string
  readonly points: number
  readonly at: number
  readonly event: number
}

/** The Worker's word on who comes; only it reaches the objects. */
export const announcedWatcher = (request: Request, watcher: Watcher): Request => {
  const offered = request.headers.get('sec-websocket-protocol')
  return new Request(request.url, {
    headers: {
      upgrade: 'websocket',
      [header]: JSON.stringify(watcher),
      ...(offered?.split(/\s*,\s*/).includes(watchProtocol) && { 'sec-websocket-protocol': watchProtocol }),
    },
  })
}

export const isWatch = (request: Request): boolean => request.headers.has(header)

export class Watchers {
  readonly #around: Around
  readonly #history = new History()
  readonly #traces = new Traces()
  readonly #paces = new Map<number, { at: number; objects: number; bytes: number }[]>()
  #told: Told | null = null
  #id = Date.now()
  #lastAt = 0
  #timer: { readonly at: number; readonly id: ReturnType<typeof setTimeout> } | null = null
  /** When to look whether they may still watch; null while there are none. */
  checkAt: number | null = null

  constructor(around: Around, now: number) {
    this.#around = around
    if (this.#sockets().length === 0) return
    this.checkAt = now + checkMs
    this.changed()
  }

  static has(socket: WebSocket): boolean {
    return attachmentOf(socket) !== null
  }

  #sockets(): WebSocket[] {
    return this.#around.ctx.getWebSockets(tag).filter(({ readyState }) => readyState === WebSocket.OPEN)
  }

  open(request: Request, now: number): Response {
    if (this.#sockets().length >= mostWatchers) {
      return new Response('too many watch this migration', { status: 503 })
    }
    const watcher = JSON.parse(request.headers.get(header)!) as Watcher
    const { 0: client, 1: server } = new WebSocketPair()
    // The others first, so that all stand at the same message.
    if (this.#told) this.#tell(now)
    this.#around.ctx.acceptWebSocket(server, [tag])
    server.serializeAttachment({ watcher } satisfies Attachment)
    if (this.#told) send(server, this.#snapshot(this.#around.view(), now))
    else this.#tell(now)
    this.checkAt = Math.min(this.checkAt ?? Number.POSITIVE_INFINITY, now + checkMs)
    this.#around.armAlarm()
    const protocol = request.headers.get('sec-websocket-protocol')
    const headers = protocol === null ? {} : { 'sec-websocket-protocol': protocol }
    return new Response(null, { status: 101, webSocket: client, headers })
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#sockets()) closeSocket(socket, code, reason)
  }

  /** A pass is to begin. */
  forget(): void {
    this.#history.clear()
    this.#traces.clear()
  }

  /** The running pass may have come further: what it, and each agent, had come to is kept now and then, for those who come later. */
  note(now: number, isLast = false): void {
    this.#history.note(now, () => this.#around.view().pass!, isLast)
    if (!isLast) this.#traces.note(now, () => this.#around.view().workers)
  }

  /** Something may have changed: they are told soon, once. */
  changed(): void {
    if (this.#sockets().length > 0) this.#tellAt(Math.max(Date.now(), this.#lastAt + pauseMs))
  }

  #tellAt(at: number): void {
    if (this.#timer !== null && this.#timer.at <= at) return
    if (this.#timer !== null) clearTimeout(this.#timer.id)
    const tell = () => {
      this.#timer = null
      this.#tell(Date.now())
    }
    this.#timer = { at, id: setTimeout(tell, at - Date.now()) }
  }

  /** Closes those who may not watch any more. To be called at `checkAt`. */
  async check(now: number): Promise<void> {
    const sockets = this.#sockets()
    this.checkAt = sockets.length === 0 ? null : now + checkMs
    const known = new Map<string, Promise<boolean>>()
    await Promise.all(
      sockets.map(async (socket) => {
        const { watcher } = attachmentOf(socket)!
        const name = JSON.stringify([
          watcher.kind,
          'id' in watcher && watcher.id,
          'session' in watcher && watcher.session,
        ])
        // Where it cannot be asked, they are let go: they come again, and prove who they are.
        const may = known.get(name) ?? this.#around.mayStill(watcher, now).catch(() => false)
        known.set(name, may)
        if (!(await may)) closeSocket(socket, closeCodes.revoked, 'you may not watch this any more')
      }),
    )
  }

  #tell(now: number): void {
    const sockets = this.#sockets()
    if (sockets.length === 0) {
      this.#told = null
      this.#paces.clear()
      return
    }
    const view = this.#around.view()
    const told = this.#told
    const isOther = !told || told.pass !== (view.pass?.number ?? null) || told.strip !== view.strip
    if (isOther) this.#id++
    const message = isOther ? this.#snapshot(view, now) : this.#delta(told, view, now)
    if (!message) return
    this.#lastAt = now
    for (const socket of sockets) send(socket, message)
    if (view.strip === null && view.pass) void this.#around.count().then(() => this.changed())
  }

  #snapshot(view: View, now: number): WatchMessage {
    const lanes = this.#lanes(view, now)
    const events = this.#around.events()
    this.#told = toldOf(view, lanes, this.#history.written, now, events)
    return {
      ...{ t: 'snapshot', id: this.#id, now, pass: view.pass },
      ...(view.life && { life: view.life }),
      strip: view.strip && rowsOf(view.strip),
      lanes,
      history: [...this.#history.points],
      traces: this.#traces.all(),
      events: [...events],
    }
  }

  #delta(told: Told, view: View, now: number): WatchMessage | null {
    const lanes = this.#lanes(view, now)
    const all = this.#around.events()
    const next = toldOf(view, lanes, this.#history.written, now, all)
    const edits = view.strip && next.revision !== told.revision ? editsOf(told, view.strip) : []
    const points = this.#history.since(told.points)
    const traces = this.#traces.since(told.at)
    const events = all.filter(({ id }) => id > told.event)
    const changes = {
      ...(next.status !== told.status && view.pass && { pass: view.pass }),
      ...(next.life !== told.life && view.life && { life: view.life }),
      ...(edits.length > 0 && { strip: edits }),
      ...(next.lanes !== told.lanes && { lanes }),
      ...(points.length > 0 && { points }),
      ...(traces.length > 0 && { traces }),
      ...(events.length > 0 && { events }),
    }
    if (Object.keys(changes).length === 0) return null
    this.#told = next
    return { t: 'delta', id: ++this.#id, now, ...changes }
  }

  #lanes({ workers, strip }: View, now: number): Lane[] {
    let isMoving = false
    for (const session of this.#paces.keys()) {
      if (!workers.some((worker) => worker.session === session)) this.#paces.delete(session)
    }
    const lanes = workers.map(({ session, agent, site, leased, objects, bytes }): Lane => {
      const pace = this.#paces.get(session) ?? []
      this.#paces.set(session, pace)
      const last = pace.at(-1)
      if (!last || last.objects !== objects || last.bytes !== bytes || now - last.at >= paceMs / 3) {
        pace.push({ at: now, objects, bytes })
      }
      while (pace.length > 2 && pace[1]!.at <= now - paceMs) pace.shift()
      const [first] = pace
      const seconds = (now - first!.at) / 1000
      const rate = (done: number) =>
        seconds < 2 ? null : Math.max(0, Math.round((10 * done) / seconds) / 10)
      const rates = { objects: rate(objects - first!.objects), bytes: rate(bytes - first!.bytes) }
      if (objects !== first!.objects || bytes !== first!.bytes) isMoving = true
      const at = strip ? leased.slice(0, 64).map(({ through }) => strip.indexOf(through as never)) : []
      return { agent, site, leased: leased.length, ...rates, at: [...new Set(at)].sort((a, b) => a - b) }
    })
    // So that rates sink while nothing is told of.
    if (isMoving) this.#tellAt(now + paceMs / 3)
    return lanes.sort((a, b) => (a.agent < b.agent ? -1 : 1))
  }
}

const toldOf = (
  { pass, life, strip }: View,
  lanes: readonly Lane[],
  points: number,
  at: number,
  events: readonly WatchEvent[],
): Told => ({
  pass: pass?.number ?? null,
  status: JSON.stringify(pass),
  life: JSON.stringify(life),
  strip,
  buckets: strip ? [...strip.buckets] : [],
  revision: strip?.revision ?? 0,
  lanes: JSON.stringify(lanes),
  points,
  at,
  event: events.at(-1)?.id ?? 0,
})

function send(socket: WebSocket, message: WatchMessage): void {
  try {
    socket.send(JSON.stringify(message))
  } catch {
    // It is closing.
  }
}

const shapeSchema = z.object({ watcher: z.object({ kind: z.string() }) })
const attachmentOf = (socket: WebSocket): Attachment | null => {
  const attachment: unknown = socket.deserializeAttachment()
  return shapeSchema.safeParse(attachment).success ? (attachment as Attachment) : null
}
