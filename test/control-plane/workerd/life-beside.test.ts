/** What goes on beside a migration's life, and what it has others do. */
import { runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { Courier } from '../../../control-plane/courier.ts'
import { MigrationTables } from '../../../control-plane/migration-tables.ts'
import type { WatchMessage } from '../../../shared/api/watch.ts'
import type { Ask } from '../../../shared/asks.ts'
import { keyFromText } from '../../../shared/key.ts'
import { protocolVersion } from '../../../shared/protocol.ts'
import { someFacts } from '../../support/facts.ts'
import { heldOf, outcomeOf } from '../../support/scripted-agent.ts'
import { call, connect, identity, json, objectOf, prepare, s3 } from './inside.ts'
import {
  answer,
  ask,
  check,
  equal,
  failing,
  following,
  frozen,
  halfway,
  later,
  nextPass,
  put,
  read,
  refusal,
  toReady,
  until,
} from './living.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

const at = (id: string) => `/api/workspaces/local/migrations/${id}`

/** An agent of the fleet, which answers what it is asked. */
async function asked(answers: (ask: Ask) => object) {
  await identity('f', 'here')
  const socket = await connect('/agent/fleet', 'f')
  const hello = { t: 'hello', protocol: protocolVersion, session: 'f-1', started: 1, facts: someFacts }
  socket.raw(JSON.stringify(hello))
  await socket.next('welcome')
  const next = socket.next.bind(socket) as unknown as (t: 'ask') => Promise<{ request: string; ask: Ask }>
  return async () => {
    const { request, ask } = await next('ask')
    socket.raw(JSON.stringify({ t: 'answer', request, answer: { kind: ask.kind, ...answers(ask) } }))
    return ask
  }
}

it('asks an agent which uploads are open at the side that is left, and the operator what is to become of them', async () => {
  const id = 'uploads'
  let others = 2
  const answerOne = await asked(() => ({ ours: 1, others, more: false, samples: [] }))
  await following(id, { source: s3('a'), destination: s3('b') })
  await ask(id, 'cut-over')
  await frozen(id)
  expect(await answerOne()).toMatchObject({ kind: 'open-uploads', location: { bucket: 'a' } })
  const life = await until(id, (now) => check(now, 'uploads').state === 'asks')
  expect(check(life, 'uploads').message).toMatch(/^2 uploads are open at the source/)
  others = 0
  await answer(id, 'uploads', { do: 'retry' })
  await answerOne()
  await until(id, (now) => check(now, 'uploads').state === 'done')
  expect((await refusal(id, 'life/steps/uploads', { do: 'waive' })).status).toBe(200)
  await toReady(id)
})

it('has an agent abort what its passes had begun, when it is cancelled', async () => {
  const id = 'cleared'
  const answerOne = await asked(() => ({ aborted: 1 }))
  await put(id, { source: s3('a'), destination: s3('b') })
  await ask(id, 'start')
  await until(id, ({ pass }) => pass === 1)
  const { agent, packet } = await halfway(id)
  const key = keyFromText('k')
  const named = { packet: packet.id, generation: packet.generation }
  const planned = {
    source: { token: 'etag-6', size: 600, mtime: 1, version: null },
    ...{ boundaries: [[100, 6]], metadata: 'digest', asSource: true, hashing: true, packetBytes: 200 },
  } as never
  await agent.ask({ t: 'expand', ...named, key, planned })
  const [again] = (await agent.lease(2)).filter(({ upload }) => upload !== undefined)
  await agent.ask({ t: 'opened', packet: again!.id, generation: again!.generation, upload: 'id' })
  await ask(id, 'cancel')
  const told = await answerOne()
  expect(told).toMatchObject({ kind: 'abort-uploads', location: { bucket: 'b' } })
  expect(told).toMatchObject({ uploads: [{ key, upload: 'id' }] })
  const left = () =>
    runInDurableObject(objectOf(id), (_, { storage }) => new MigrationTables(storage).uploads.some(10).length)
  await vi.waitFor(async () => expect(await left()).toBe(0), { timeout: 10_000 })
})

it('keeps its pass open for events where it has them, and ends it when something else is to be done', async () => {
  const id = 'holding'
  await put(id, {
    follow: { pauseAtLeast: 600, pauseAtMost: 3_600, events: [{ kind: 'webhook' }], quiet: 0 },
  })
  await ask(id, 'start')
  await until(id, ({ pass }) => pass === 1)
  const { agent, packet } = await halfway(id)
  await agent.ask(outcomeOf(packet, 0, equal(2)(packet)))
  const life = await until(id, ({ state }) => state === 'following')
  const pass = (await json<{ state: string; holdsUntil: number }>('GET', `${at(id)}/passes/1`)).body
  expect(pass).toMatchObject({ state: 'running', holdsUntil: life.next!.at })
  expect(await objectOf(id).changed('source', [{ key: keyFromText('k'), at: Date.now() }])).toMatchObject({
    taken: 1,
  })
  const [event] = await agent.lease()
  expect(event!.kind).toBe('event')
  await later(id, 2_000)
  agent.heartbeat(heldOf([event!]))
  const { lag } = await read(id)
  expect([lag.of, Math.floor(lag.age! / 1_000), lag.events]).toEqual(['event', 2, 1])
  await agent.ask(outcomeOf(event!, 1))
  await ask(id, 'verify', {})
  expect((await agent.next('end')).state).toBe('complete')
  expect((await nextPass(id)).options.kind).toBe('verify')
  await until(id, ({ pass }) => pass === 3)
})

it('is told to webhooks, and its passes that follow are not, but the first that leaves something', async () => {
  const id = 'told'
  const told: string[] = []
  vi.spyOn(Courier.prototype, 'accept').mockImplementation(async ({ type, data }) => {
    if ('migration' in data && data.migration === id)
      told.push('pass' in data ? `${type} ${data.pass}` : type)
  })
  await following(id)
  await nextPass(id)
  await nextPass(id, failing('a'))
  await nextPass(id, failing('a'))
  await nextPass(id)
  await ask(id, 'cancel')
  const all = ['life.changed', 'pass.started 1', 'life.changed', 'pass.finished 1', 'life.changed']
  const sorted = (types: readonly string[]) => types.toSorted()
  await vi.waitFor(() => expect(sorted(told)).toEqual(sorted([...all, 'pass.failed 3', 'life.changed'])), {
    timeout: 10_000,
  })
  vi.restoreAllMocks()
})

it('is told of to those who watch', async () => {
  const id = 'watched'
  await put(id)
  const { webSocket } = await call('GET', `${at(id)}/watch`, { headers: { upgrade: 'websocket' } })
  const states: string[] = []
  const seen = new Promise<void>((resolve) => {
    webSocket!.addEventListener('message', ({ data }) => {
      const { life } = JSON.parse(data as string) as WatchMessage
      if (life && states.at(-1) !== life.state) states.push(life.state)
      if (life?.state === 'following') resolve()
    })
  })
  webSocket!.accept()
  await ask(id, 'start')
  await nextPass(id)
  await seen
  expect(states.at(-1)).toBe('following')
  webSocket!.close()
})

describe('beside a life that goes on', () => {
  it('a pass by hand is let end before the next one of its own begins', async () => {
    const id = 'beside'
    await following(id)
    const begun = await json<{ pass: { number: number } }>('POST', `${at(id)}/passes`, { kind: 'verify' })
    expect([begun.status, begun.body.pass.number]).toEqual([201, 2])
    await later(id, 3_600_000)
    expect(await read(id)).toMatchObject({ pass: 1, next: { at: null } })
    expect((await nextPass(id)).number).toBe(2)
    await until(id, ({ pass }) => pass === 3)
    expect((await refusal(id, 'passes', { kind: 'verify' })).hint).toBe(
      'To verify between two passes: POST /life/verify.',
    )
    await ask(id, 'verify', { depth: 'full' })
    await nextPass(id)
    expect((await nextPass(id)).options).toMatchObject({ kind: 'verify', depth: 'full' })
    expect((await nextPass(id)).options.kind).toBe('copy')
  })

  it('how it follows can be edited, and is so at once', async () => {
    const id = 'edited'
    const life = await following(id)
    const follow = { ...life.follow, pauseAtLeast: 5, pauseAtMost: 5, quiet: 1 }
    await json('PATCH', at(id), { follow })
    expect((await read(id)).follow).toEqual(follow)
    await nextPass(id)
    const now = Date.now()
    await until(id, ({ next }) => next?.at === now + 5_000)
  })

  it('deleting it is for when it is cancelled', async () => {
    const id = 'deleted'
    await following(id)
    const refused = await json<{ detail: string }>('DELETE', at(id))
    expect([refused.status, refused.body.detail]).toEqual([409, 'the life of deleted goes on'])
    expect(await ask(id, 'cancel')).toMatchObject({ state: 'cancelled', commands: ['start'] })
    expect((await call('DELETE', at(id))).status).toBe(204)
    await put(id)
    expect(await read(id)).toMatchObject({ state: 'draft', history: [] })
  })
})
