import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Migration } from '../../../control-plane/migration.ts'
import { type BucketRow, type WatchMessage, watchMessageSchema } from '../../../shared/api/watch.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import type { Key } from '../../../shared/key.ts'
import { person, run, session } from '../../access/world.ts'
import { cutOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, call, json, objectOf, passTime, prepare, toMigration } from './inside.ts'

beforeAll(prepare)
afterEach(() => void vi.useRealTimers())

const at = (id: string, workspace = 'local') => `/api/workspaces/${workspace}/migrations/${id}`
const minute = 60_000

/** Somebody who watches: what was said, in order, and the strip that follows from it. */
class Watcher {
  readonly #socket: WebSocket
  readonly said: WatchMessage[] = []
  strip: BucketRow[] | null = null
  status: string | undefined
  readonly closed: Promise<number>
  #arrived: () => void = () => {}

  constructor(socket: WebSocket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
    socket.addEventListener('message', ({ data }) => {
      const message = watchMessageSchema.parse(JSON.parse(data as string))
      const last = this.said.at(-1)
      if (last && message.t === 'delta') expect(message.id).toBe(last.id + 1)
      this.said.push(message)
      this.status = message.pass?.state ?? this.status
      if (message.t === 'snapshot') this.strip = message.strip && [...message.strip]
      else for (const edit of message.strip ?? []) this.strip?.splice(edit.at, edit.remove, ...edit.insert)
      this.#arrived()
    })
    socket.accept()
  }

  say(text: string): void {
    this.#socket.send(text)
  }

  /** Waits until what it knows is so. */
  async until(is: (watcher: Watcher) => boolean): Promise<void> {
    while (!is(this)) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
  }

  get ends() {
    return this.strip?.map(([through]) => through)
  }
  /** Of all buckets: packets not surveyed, ready, leased, done, parked, and objects failed, known, and bytes. */
  get sums() {
    return this.strip?.reduce(
      (sums, [, ...figures]) => sums.map((sum, i) => sum + figures[i]!),
      new Array<number>(8).fill(0),
    )
  }
}

async function watch(id: string, headers: Record<string, string> = {}, token?: string): Promise<Watcher> {
  const response = await call('GET', `${at(id)}/watch`, {
    ...(token !== undefined && { token }),
    headers: { upgrade: 'websocket', ...headers },
  })
  if (!response.webSocket) throw new Error(`${response.status} ${await response.text()}`)
  return new Watcher(response.webSocket)
}

const ticketOf = async (id: string) => (await json<{ ticket: string }>('POST', `${at(id)}/watch`)).body.ticket
const withTicket = (ticket: string) => ({
  'sec-websocket-protocol': `dray-watch-1, dray-ticket.${ticket}`,
})

describe('watching a migration', () => {
  it('begins with all there is, and tells what changes, to the end', async () => {
    await begin('seen')
    const watcher = await watch('seen')
    await watcher.until(({ said }) => said.length > 0)
    expect(watcher.said[0]).toMatchObject({ t: 'snapshot', pass: { number: 1, state: 'running' }, lanes: [] })
    expect(watcher.strip).toEqual([[null, 1, 0, 0, 0, 0, 0, 0, 0]])
    const agent = await toMigration('seen')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['g', 'm', null]))
    await watcher.until(({ ends }) => ends?.length === 3)
    expect(watcher.strip).toEqual([
      ['g', 0, 1, 0, 0, 0, 0, 2, 20],
      ['m', 0, 1, 0, 0, 0, 0, 2, 20],
      [null, 0, 1, 0, 0, 0, 0, 2, 20],
    ])
    const packets = await agent.lease(3)
    await watcher.until(({ sums }) => sums?.[2] === 3)
    expect(watcher.said.flatMap(({ lanes }) => lanes ?? []).at(-1)).toMatchObject({
      ...{ agent: 'a', leased: 3, at: [0, 1, 2] },
    })
    const late = await watch('seen')
    for (const packet of packets) await agent.ask(outcomeOf(packet))
    for (const each of [watcher, late]) {
      await each.until(({ status, sums }) => status === 'complete' && sums?.[3] === 3)
      expect(each.sums).toEqual([0, 0, 0, 3, 0, 0, 6, 60])
    }
    expect(late.said[0]!.t).toBe('snapshot')
    // Kept with the pass, whoever asks.
    const { body } = await json<{ strip: BucketRow[] }>('GET', `${at('seen')}/strip`)
    expect(body.strip).toEqual(watcher.strip)
  })

  it('tells what happens, in order, and still knows it when it wakes', async () => {
    await begin('told')
    const watcher = await watch('told')
    const agent = await toMigration('told')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, [null]))
    const [packet] = await agent.lease()
    const key = 'k' as Key
    const failures = [{ key, code: 'access-denied', message: 'no', bytes: 1 }] as const
    const counts = zeroCounts()
    counts.objects.listed = counts.objects.failed = 1
    await agent.ask(outcomeOf(packet!, 1, { counts, failures }))
    await watcher.until(({ status }) => status === 'incomplete')
    const events = watcher.said.flatMap((message) => message.events ?? [])
    expect(events.map(({ id, is }) => [id, is])).toEqual([
      [1, 'began'],
      [2, 'came'],
      [3, 'failed'],
      [4, 'ended'],
    ])
    await evictDurableObject(objectOf('told'))
    const late = await watch('told')
    await late.until(({ said }) => said.length > 0)
    expect(late.said[0]!.events).toEqual(events)
  })

  it('sends a snapshot of the next pass', async () => {
    await begin('twice')
    const watcher = await watch('twice')
    await json('POST', `${at('twice')}/passes/1/cancel`)
    await watcher.until(({ status }) => status === 'cancelled')
    await json('POST', `${at('twice')}/passes`, {})
    await watcher.until(({ said }) => said.at(-1)!.pass?.number === 2)
    expect(watcher.said.at(-1)!.t).toBe('snapshot')
  })

  it('goes on over the sleep of the object, with the strip counted anew', async () => {
    const object = await begin('slept')
    const agent = await toMigration('slept')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['g', 'm', 't', null]))
    const watcher = await watch('slept')
    await watcher.until(({ ends }) => ends?.length === 4)
    const before = watcher.said.length
    await evictDurableObject(object)
    const packets = await agent.lease(4)
    await watcher.until(({ said, sums }) => said.length > before && sums?.[2] === 4)
    expect(watcher.ends).toEqual(['g', 'm', 't', null])
    expect(watcher.said.slice(before).map(({ t }) => t)).toContain('snapshot')
    for (const packet of packets) await agent.ask(outcomeOf(packet))
    await watcher.until(({ status }) => status === 'complete')
    expect(watcher.sums).toEqual([0, 0, 0, 4, 0, 0, 8, 80])
  })

  it('writes nothing for those who watch', async () => {
    const object = await begin('rows-watched')
    const watcher = await watch('rows-watched')
    await watcher.until(({ said }) => said.length > 0)
    const told = (_: Migration, state: DurableObjectState) =>
      state.storage.sql.exec('SELECT told FROM pass').one().told
    await vi.waitFor(async () => expect(await runInDurableObject(object, told)).toBe(1), { timeout: 15_000 })
    const rows = await object.rowsWritten()
    const agent = await toMigration('rows-watched')
    await agent.hello('a')
    await agent.lease()
    await watcher.until(({ sums }) => sums?.[0] === 1)
    // Its session, that it came, the lease and the counters.
    expect((await object.rowsWritten()) - rows).toBe(4)
  })

  it('shows a part of the key space in buckets of its own', async () => {
    await begin('zoom')
    const agent = await toMigration('zoom')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['g', 'm', 't', null]))
    const { body } = await json<{ strip: BucketRow[] }>('GET', `${at('zoom')}/strip?after=g&through=t`)
    expect(body.strip.map(([through]) => through)).toEqual(['m', 't'])
    expect(body.strip.map((row) => row[2])).toEqual([1, 1])
  })
})

describe('who may watch', () => {
  it('takes a ticket once, for its migration, and for half a minute', async () => {
    await begin('ticketed')
    await begin('another')
    const ticket = await ticketOf('ticketed')
    await expect(watch('another', withTicket(ticket), '')).rejects.toThrow('401')
    const watcher = await watch('ticketed', withTicket(ticket), '')
    await watcher.until(({ said }) => said.length > 0)
    await expect(watch('ticketed', withTicket(ticket), '')).rejects.toThrow('401')
    const old = await ticketOf('ticketed')
    passTime(31_000)
    await expect(watch('ticketed', withTicket(old), '')).rejects.toThrow('401')
    await expect(watch('nothing-here', withTicket(ticket), '')).rejects.toThrow('401')
    await expect(watch('ticketed', {}, '')).rejects.toThrow('401')
  })

  it('says by which protocol it speaks', async () => {
    await begin('protocol')
    const response = await call('GET', `${at('protocol')}/watch`, {
      token: '',
      headers: { upgrade: 'websocket', ...withTicket(await ticketOf('protocol')) },
    })
    expect(response.headers.get('sec-websocket-protocol')).toBe('dray-watch-1')
    response.webSocket?.accept()
    response.webSocket?.close()
  })

  it('shows nothing of other workspaces', async () => {
    await begin('mine')
    const ticket = await ticketOf('mine')
    for (const [path, token, headers] of [
      [`${at('mine', 'other')}/watch`, 'operator-token', {}],
      [`${at('mine', 'other')}/watch`, '', withTicket(ticket)],
    ] as const) {
      const response = await call('GET', path, { token, headers: { upgrade: 'websocket', ...headers } })
      expect(response.webSocket).toBeNull()
      expect([401, 404]).toContain(response.status)
    }
  })

  it('lets a token watch until it is revoked, and not a minute longer', async () => {
    const object = await begin('tokened')
    const made = await json<{ secret: string; token: { id: string } }>(
      'POST',
      '/api/workspaces/local/tokens',
      {
        ...{ name: 'a wall screen', scopes: ['migrations:read'], days: 1 },
      },
    )
    const watcher = await watch('tokened', {}, made.body.secret)
    await watcher.until(({ said }) => said.length > 0)
    const stays = await watch('tokened')
    passTime(minute)
    await runDurableObjectAlarm(object)
    const gone = await call('DELETE', `/api/workspaces/local/tokens/${made.body.token.id}`)
    expect(gone.status).toBe(204)
    passTime(minute)
    await runDurableObjectAlarm(object)
    expect(await watcher.closed).toBe(4003)
    const before = stays.said.length
    await json('POST', `${at('tokened')}/passes/1/cancel`)
    await stays.until(({ said }) => said.length > before)
  })

  it.each([
    ['their session ends', (session: string) => ['DELETE FROM sessions WHERE id = ?', session]],
    ['they are a member no more', () => ['DELETE FROM members WHERE user_id = ?', 'wanda']],
  ] as const)('lets somebody watch until %s, from our own pages alone', async (_, ends) => {
    const object = await begin('peopled')
    await run('DELETE FROM people WHERE id = ?', 'wanda')
    const { id, bearer } = await session(await person('wanda', { local: 'viewer' }))
    const cookie = { cookie: `dray.session_token=${bearer}` }
    await expect(watch('peopled', { ...cookie, origin: 'http://elsewhere' }, '')).rejects.toThrow('403')
    await expect(watch('peopled', cookie, '')).rejects.toThrow('403')
    const watcher = await watch('peopled', { ...cookie, origin: 'http://plane' }, '')
    await watcher.until(({ said }) => said.length > 0)
    passTime(minute)
    await runDurableObjectAlarm(object)
    const [sql, value] = ends(id)
    await run(sql!, value!)
    passTime(minute)
    await runDurableObjectAlarm(object)
    expect(await watcher.closed).toBe(4003)
  })

  it('hears nothing from those who watch', async () => {
    await begin('mute')
    const watcher = await watch('mute')
    await watcher.until(({ said }) => said.length > 0)
    watcher.say('{"t":"hello"}')
    expect(await watcher.closed).toBe(1008)
  })
})
