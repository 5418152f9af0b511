/**
 * What an agent may send and must not be able to do with it: every message in every state of both sockets, mutated ones, replays. Whatever is
 * refused changes no row, and the object lives on.
 */
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Key } from '../../../shared/key.ts'
import {
  type AgentMessage,
  agentMessageSchema,
  closeCodes,
  fleetAgentMessageSchema,
  type LeasedPacket,
  protocolVersion,
} from '../../../shared/protocol.ts'
import { rowsOf as allRowsOf } from '../../access/talk.ts'
import { changes } from '../../access/world.ts'
import { agentMessages, facts, fleetAgentMessages } from '../../shared/golden.ts'
import { cutOf, outcomeOf, type ScriptedAgent, type Unnumbered } from '../../support/scripted-agent.ts'
import { begin, call, connect, identity, json, prepare, toMigration } from './inside.ts'

beforeAll(prepare)

let sessions = 0
/** Each signature is remembered, whoever's it is. */
const without = ({ nonce: _, ...rest }: Record<string, string[]>) => rest
const greet = (agent: ScriptedAgent, more: object) => {
  const started = ++sessions
  const session = `s-${started}`
  agent.raw(JSON.stringify({ t: 'hello', protocol: protocolVersion, session, started, ...more }))
  return agent.next('welcome')
}

/** Both sockets, with the objects behind them. */
const doors = [
  {
    name: 'a migration',
    messages: agentMessages as readonly { t: string }[],
    schema: agentMessageSchema,
    open: (agent: string) => toMigration('doors', agent),
    greet: (agent: ScriptedAgent) => greet(agent, { held: [] }),
    object: () => env.MIGRATION.getByName('local/doors'),
  },
  {
    name: 'the fleet',
    messages: fleetAgentMessages as readonly { t: string }[],
    schema: fleetAgentMessageSchema,
    open: (agent: string) => connect('/agent/fleet', agent),
    greet: (agent: ScriptedAgent) => greet(agent, { facts }),
    object: () => env.FLEET.getByName('local'),
  },
] as const

/** But for who came and left, which is told whatever they said. */
async function rowsOf(object: Parameters<typeof allRowsOf>[0]) {
  const { event: _, ...rows } = await allRowsOf(object)
  return rows
}

beforeAll(() => begin('doors'))

describe.each(doors)('$name', ({ messages, schema, open, greet, object }) => {
  /** But for what is told in the background: of two processes with one identity, say. */
  const state = async () => {
    const { announcement: _, ...rows } = await rowsOf(object())
    return rows
  }
  const kinds = messages.map((message) => [message.t, JSON.stringify(message)] as const)

  it.each(kinds.filter(([t]) => t !== 'hello'))('closes the socket on %s before hello', async (_, text) => {
    const agent = await open('early')
    const before = await state()
    agent.raw(text)
    expect(await agent.closed).toEqual({ code: closeCodes.protocol, reason: 'hello comes first' })
    expect(changes(before, await state())).toEqual([])
  })

  it('closes the socket on a second hello', async () => {
    const agent = await open('twice')
    await greet(agent)
    const before = await state()
    agent.raw(kinds.find(([t]) => t === 'hello')![1])
    expect(await agent.closed).toEqual({ code: closeCodes.protocol, reason: 'hello comes once' })
    expect(changes(before, await state())).toEqual([])
  })

  it.each(kinds)('hears no %s on a socket that it has closed', async (t, text) => {
    const agent = await open('late')
    if (t !== 'hello') await greet(agent)
    const before = await state()
    agent.raw('{')
    agent.raw(text)
    expect(await agent.closed).toEqual({ code: closeCodes.protocol, reason: 'not JSON' })
    // Whatever of it was still to be heard is heard before this.
    await greet(await open('settler'))
    const others = (rows: Record<string, string[]>) =>
      Object.fromEntries(
        Object.entries(rows).map(([table, all]) => [table, all.filter((row) => !row.includes('settler'))]),
      )
    expect(changes(without(others(before)), without(others(await state())))).toEqual([])
  })

  it('hears nothing of a process whose place a newer one has taken', async () => {
    const [old, young] = [await open('double'), await open('double')]
    await greet(old)
    await greet(young)
    expect((await old.closed).code).toBe(closeCodes.superseded)
  })

  it.each([
    ['a message of bytes', new TextEncoder().encode('{"t":"draining"}').buffer, 'messages are text'],
    ['text that is not JSON', '{"t":', 'not JSON'],
    ['a member named twice', '{"t":"draining","t":"draining"}', 'JSON that names a member twice'],
    ['an object for a kind', '{"t":{"toString":1}}', /^\(object\): t: /],
    [
      'an object for a version',
      '{"t":"hello","protocol":{"toString":1}}',
      /^protocol \(object\) is not spoken/,
    ],
    [
      'an older protocol',
      '{"t":"hello","protocol":3}',
      /^protocol 3 is not spoken here, 5 is: upgrade the agent$/,
    ],
    [
      'a newer protocol',
      '{"t":"hello","protocol":6,"new":1}',
      /^protocol 6 is not spoken here, 5 is: upgrade the control plane$/,
    ],
    ['a kind of which a close frame has no room', `{"t":"${'é'.repeat(300)}"}`, /^é{40}: t: /],
    ['deep nesting', `{"t":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /^\(object\): t: /],
    ['nothing', '', 'not JSON'],
  ])('closes the socket on %s, and says so', async (_, raw, reason) => {
    const agent = await open('odd')
    await greet(agent)
    const before = await state()
    agent.raw(raw as string)
    const closed = await agent.closed
    expect(closed.code).toBe(closeCodes.protocol)
    if (typeof reason === 'string') expect(closed.reason).toBe(reason)
    else expect(closed.reason).toMatch(reason)
    expect(changes(before, await state())).toEqual([])
  })

  it('refuses every message that was tampered with, says why, and changes nothing', async () => {
    const tampered = fc
      .constantFrom(...messages)
      .chain((message) => mutated(message))
      .filter((text) => !isMessage(text))
    await fc.assert(
      fc.asyncProperty(tampered, async (text) => {
        const agent = await open('tamperer')
        await greet(agent)
        const before = await state()
        agent.raw(text)
        const { code, reason } = await agent.closed
        expect(code).toBe(closeCodes.protocol)
        expect(reason.length).toBeGreaterThan(5)
        expect(changes(before, await state())).toEqual([])
      }),
      { numRuns: 60, seed: 11 },
    )
    await greet(await open('tamperer'))
  })

  const isMessage = (text: string) => {
    try {
      return schema.safeParse(JSON.parse(text)).success
    } catch {
      return false
    }
  }

  it('lets a signature in once', async () => {
    const path = `/agent/${object().name === 'local' ? 'fleet' : 'migrations/doors'}`
    const authorization = await proof('GET', path)
    const ask = () => call('GET', path, { token: '', headers: { authorization, upgrade: 'websocket' } })
    const first = await ask()
    expect(first.status).toBe(101)
    first.webSocket?.accept()
    first.webSocket?.close()
    const second = await ask()
    expect(second.status).toBe(401)
    expect(await second.json()).toMatchObject({
      code: 'bad-credentials',
      detail: 'this request was made before',
    })
  })
})

/** A golden message of which something is otherwise, as text. */
function mutated(message: object): fc.Arbitrary<string> {
  const paths = [...within(message)]
  const value = fc.constantFrom<unknown>(
    ...[
      null,
      true,
      -1,
      1.5,
      2 ** 53,
      '',
      '7',
      'x'.repeat(5_000),
      [],
      [null],
      {},
      { toString: 1 },
      '\u{1f600}',
    ],
  )
  const change = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), path: fc.constantFrom(...paths), value }),
    fc.record({ kind: fc.constant('remove' as const), path: fc.constantFrom(...paths), value }),
    fc.record({ kind: fc.constant('add' as const), path: fc.constantFrom(...paths), value }),
    fc.record({ kind: fc.constant('cut' as const), path: fc.constantFrom(...paths), value }),
  )
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const copy = structuredClone(message) as Record<string, unknown>
    for (const { kind, path, value } of changes) {
      const last = path.at(-1)!
      const holder = path.slice(0, -1).reduce<unknown>((at, name) => (at as never)?.[name], copy)
      if (typeof holder !== 'object' || holder === null) continue
      const object = holder as Record<string, unknown>
      if (kind === 'set') object[last] = value
      else if (kind === 'remove') delete object[last]
      else if (kind === 'add') object[`${last}_`] = value
    }
    const text = JSON.stringify(copy)
    return changes.some(({ kind }) => kind === 'cut') ? text.slice(0, -1) : text
  })
}

function* within(value: unknown, path: string[] = []): Generator<string[]> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) {
    yield [...path, name]
    yield* within(inner, [...path, name])
  }
}

const proof = async (method: string, path: string) => {
  const { proofOf } = await import('../../support/identities.ts')
  return proofOf(await identity('replayer'), method, new URL(path, 'http://plane'))
}

describe('what changes state', () => {
  /** An agent that holds a survey of what is past `m`, and what was cut off it. */
  const work = async (id: string) => {
    const object = await begin(id)
    const agent = await toMigration(id)
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['m']))
    const [copy] = await agent.lease()
    return { agent, object, survey: survey!, copy: copy! }
  }
  type Work = Awaited<ReturnType<typeof work>>
  const of = ({ id, generation }: LeasedPacket) => ({ packet: id, generation })
  type Case = [t: Unnumbered['t'], lease: 'survey' | 'copy', (of: LeasedPacket) => Unnumbered]

  it.each<Case>([
    ['outcome', 'copy', (lease) => outcomeOf(lease)],
    ['failed', 'copy', (lease) => ({ ...failed, ...of(lease) })],
    ['release', 'copy', (lease) => ({ t: 'release', held: [of(lease)] })],
    ['cut', 'survey', (lease) => cutOf(lease, 'm', ['q'])],
    ['split', 'survey', (lease) => ({ t: 'split', ...of(lease), at: 'q' as Key })],
  ])('%s is done once, however often it is sent', async (name, lease, messageOf) => {
    const at = await work(`replayed-${name}`)
    const message = messageOf(at[lease])
    const first = await at.agent.ask(message)
    expect(first.t).toBe('ack')
    const before = await rowsOf(at.object)
    const text = JSON.stringify({ ...message, seq: first.seq })
    at.agent.raw(text)
    at.agent.raw(text)
    await at.agent.settled()
    expect(changes(before, await rowsOf(at.object))).toEqual([])
  })

  it.each<Case>([
    ['outcome', 'copy', (lease) => outcomeOf(lease)],
    ['failed', 'copy', (lease) => ({ ...failed, ...of(lease) })],
    ['release', 'copy', (lease) => ({ t: 'release', held: [of(lease)] })],
    ['cut', 'survey', (lease) => cutOf(lease, 'm', ['q'])],
    ['split', 'survey', (lease) => ({ t: 'split', ...of(lease), at: 'q' as Key })],
    ['expand', 'copy', (lease) => ({ ...expand, ...of(lease) })],
    ['collapse', 'copy', (lease) => ({ t: 'collapse', ...of(lease) })],
    ['opened', 'copy', (lease) => ({ t: 'opened', ...of(lease), upload: 'u' })],
    ['parts', 'copy', (lease) => ({ t: 'parts', ...of(lease), md5s: null })],
  ])('%s of another agent’s lease, or of an older one, changes nothing', async (name, lease, messageOf) => {
    const at: Work = await work(`foreign-${name}`)
    const other = await toMigration(`foreign-${name}`, 'b')
    await other.hello('b')
    const before = await rowsOf(at.object)
    const message = messageOf(at[lease])
    const refused = name === 'release' ? { t: 'ack' } : { t: 'refused', code: 'stale' }
    expect(await other.ask(message)).toMatchObject(refused)
    expect(changes(before, await rowsOf(at.object))).toEqual([])

    // The agent gives the lease back, and gets the packet anew.
    await at.agent.ask({ t: 'release', held: [of(at[lease])] })
    const [again] = await at.agent.lease()
    expect(again).toMatchObject({ id: at[lease].id, generation: at[lease].generation + 1 })
    const since = await rowsOf(at.object)
    expect(await at.agent.ask(message)).toMatchObject(refused)
    expect(changes(since, await rowsOf(at.object))).toEqual([])
  })

  it('is nothing to a pass that is over', async () => {
    const { agent, object, copy } = await work('over')
    await json('POST', '/api/workspaces/local/migrations/over/passes/1/cancel')
    expect(await agent.closed).toMatchObject({ code: closeCodes.over })
    const late = await toMigration('over')
    const before = await rowsOf(object)
    late.raw(JSON.stringify(agentMessages.find(({ t }) => t === 'hello')))
    late.raw(JSON.stringify({ ...outcomeOf(copy), seq: 9 }))
    expect(await late.closed).toMatchObject({ code: closeCodes.over })
    expect(changes(before, await rowsOf(object))).toEqual([])
  })

  it('is nothing of an agent of another workspace', async () => {
    await begin('not-theirs')
    const { identitiesIn, proofOf } = await import('../../support/identities.ts')
    await env.DB.prepare(
      "INSERT OR IGNORE INTO workspaces (id, name, created_at) VALUES ('far', 'Far', 0)",
    ).run()
    const stranger = await identitiesIn(env.DB, 'far')('stranger')
    const authorization = await proofOf(stranger, 'GET', new URL('http://plane/agent/migrations/not-theirs'))
    const response = await call('GET', '/agent/migrations/not-theirs', {
      ...{ token: '', headers: { authorization, upgrade: 'websocket' } },
    })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ detail: 'there is no migration not-theirs' })
  })
})

const { seq: _, ...expand } = agentMessages.find(({ t }) => t === 'expand') as AgentMessage & { t: 'expand' }
const failed = {
  t: 'failed',
  error: { code: 'unreachable', op: 'LIST', message: 'no', retry: 'later', hint: null },
} as const
