/**
 * The application of the drill: it creates, overwrites, deletes and reads its objects at a steady rate, at the side that it is told to use, and
 * keeps a journal of what was acknowledged. It knows nothing of Dray. Each write has content of its own; requests about one key never overlap.
 * Its argument is an `Application`; it takes `Order`s by message, and answers `Told`s.
 */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RawStore, rawRequest } from '../support/s3-raw.ts'
import { bucket, type Journal, md5, seedBody, seedKey, type Values } from './journal.ts'

export interface Application {
  sides: Record<string, RawStore>
  /** Requests a second. */
  rate: number
  seeds: number
  /** So many of the first seeds it leaves alone. */
  spared: number
  /** Where the journal is written. */
  journal: string
}

export type Order =
  /** Uses this side from now on. */
  | { do: 'use'; side: string }
  /** Ends what is at work, begins nothing more, and answers. */
  | { do: 'pause' }
  /** Looks, about once a second, how long a write takes to be at that side; null: no more. */
  | { do: 'probe'; side: string | null }
  /** This is so now, by somebody else's hand. */
  | { do: 'note'; key: string; values: Values }

export interface Told {
  /** The journal is written. */
  paused: true
  writes: number
  reads: number
  /** Requests that failed, and reads that found what was not written last; the first hundred in words. */
  errors: number
  samples: string[]
  /** Milliseconds from a write's acknowledgement until it was at the other side. */
  delays: number[]
}

const options = JSON.parse(process.argv[2]!) as Application
const journal: Journal = new Map()
const live = Array.from({ length: options.seeds - options.spared }, (_, i) => seedKey(options.spared + i))
const places = new Map(live.map((key, i) => [key, i]))
/** Those that were written last are picked as often as all others together. */
const recent: string[] = []
const deleted: string[] = []
const busy = new Set<string>()
const told: Told = { paused: true, writes: 0, reads: 0, errors: 0, samples: [], delays: [] }
let side: string | null = null
let probeAt: string | null = null
let made = 0

const mostAtOnce = 32
const pathOf = (key: string) => `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(Math.random() * from.length)]
const valuesOf = (key: string): Values =>
  journal.get(key) ?? (places.has(key) ? [md5(seedBody(key))] : [null])

function complain(what: string): void {
  told.errors++
  if (told.samples.length < 100) told.samples.push(what)
}

async function ask(at: string, method: string, key: string, body = ''): ReturnType<typeof rawRequest> {
  return rawRequest(options.sides[at]!, method, pathOf(key), { body })
}

/** Of a write: what it was before, or what it is to be, where nobody has said which. */
async function write(key: string, body: string | null): Promise<void> {
  const before = valuesOf(key)
  const value = body === null ? null : md5(body)
  const said = await ask(side!, body === null ? 'DELETE' : 'PUT', key, body ?? '').catch((error) =>
    String(error),
  )
  told.writes++
  const isTaken = typeof said === 'object' && said.status < 300
  journal.set(key, isTaken ? [value] : [...new Set([...before, value])])
  if (!isTaken)
    complain(
      `${body === null ? 'DELETE' : 'PUT'} ${key} at ${side}: ${typeof said === 'string' ? said : `${said.status} ${said.text}`}`,
    )
  if (body === null) forget(key)
  else remember(key)
}

async function read(key: string): Promise<void> {
  const at = side!
  const wanted = valuesOf(key)
  const said = await ask(at, 'GET', key).catch((error) => String(error))
  told.reads++
  if (typeof said === 'string') return complain(`GET ${key} at ${at}: ${said}`)
  const found = said.status === 200 ? md5(said.body) : said.status === 404 ? null : undefined
  if (found === undefined) complain(`GET ${key} at ${at}: ${said.status} ${said.text}`)
  else if (!wanted.includes(found))
    complain(`GET ${key} at ${at}: ${found ?? 'nothing'}, and not ${wanted.join(' or ')}`)
}

function remember(key: string): void {
  if (!places.has(key)) places.set(key, live.push(key) - 1)
  recent.push(key)
  if (recent.length > 500) recent.shift()
}

function forget(key: string): void {
  const place = places.get(key)
  if (place === undefined) return
  const last = live.pop()!
  if (last !== key) {
    live[place] = last
    places.set(last, place)
  }
  places.delete(key)
  deleted.push(key)
  if (deleted.length > 2_000) deleted.shift()
}

const content = (key: string): string =>
  `${key} ${++made} ${randomBytes(8 + Math.floor(Math.random() * 400)).toString('hex')}\n`

/** One request. */
async function act(): Promise<void> {
  const chance = Math.random()
  const known = (Math.random() < 0.5 && pick(recent)) || pick(live)
  const isNew = chance < 0.3 || known === undefined
  const again = isNew && Math.random() < 0.2 ? pick(deleted) : undefined
  const key = isNew ? (again ?? `attachments/new/${String(made % 97).padStart(2, '0')}/${made}.png`) : known
  if (busy.has(key)) return
  busy.add(key)
  try {
    if (isNew || chance < 0.7) await write(key, content(key))
    else if (chance < 0.9) await write(key, null)
    else await read(chance < 0.97 ? key : (pick(deleted.filter((one) => !busy.has(one))) ?? key))
  } finally {
    busy.delete(key)
  }
}

let atWork = 0
let begun = performance.now()
let owed = 0
setInterval(() => {
  const now = performance.now()
  owed = side === null ? 0 : Math.min(options.rate, owed + ((now - begun) * options.rate) / 1_000)
  begun = now
  for (; side !== null && owed >= 1 && atWork < mostAtOnce; owed--) {
    atWork++
    act().finally(() => atWork--)
  }
}, 10)

async function probe(): Promise<void> {
  for (let n = 0; ; n++) {
    await sleep(1_000)
    if (side === null || probeAt === null || side === probeAt) continue
    const key = `attachments/probe/${n}`
    busy.add(key)
    atWork++
    const body = content(key)
    await write(key, body)
    atWork--
    const at = probeAt
    const since = performance.now()
    while (probeAt === at && performance.now() - since < 60_000) {
      const said = await ask(at, 'HEAD', key).catch(() => null)
      if (said?.headers.etag === `"${md5(body)}"`) {
        told.delays.push(performance.now() - since)
        break
      }
      await sleep(50)
    }
    busy.delete(key)
  }
}
void probe()

async function pause(): Promise<void> {
  side = null
  while (atWork > 0) await sleep(5)
  writeFileSync(options.journal, JSON.stringify([...journal]))
  process.send!(told)
}

process.on('message', (order: Order) => {
  if (order.do === 'use') side = order.side
  else if (order.do === 'pause') void pause()
  else if (order.do === 'probe') probeAt = order.side
  else {
    journal.set(order.key, order.values)
  }
})
process.on('disconnect', () => process.exit(0))
