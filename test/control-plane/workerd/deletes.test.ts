import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import type { Key } from '../../../shared/key.ts'
import type { LeasedPacket } from '../../../shared/protocol.ts'
import { outcomeOf, type ScriptedAgent, type Unnumbered } from '../../support/scripted-agent.ts'
import { begin, json, prepare, toMigration } from './inside.ts'

beforeAll(prepare)

/** Pieces that end at keys (null: the end of all), with so many objects to delete, of ten at the destination each. */
type Piece = readonly [through: string | null, deletes: number]
const cut = (
  { id, generation, after }: LeasedPacket,
  pieces: readonly Piece[],
  from = after,
): Unnumbered => ({
  t: 'cut',
  packet: id,
  generation,
  from,
  cuts: pieces.map(([through, deletes]) => ({
    through: through as Key | null,
    work: { objects: 10, bytes: 0, ...(deletes > 0 && { deletes }) },
    settled: null,
    found: 10,
  })),
})

const passOf = async (id: string, number = 1) =>
  (await json<PassStatus>('GET', `/api/workspaces/local/migrations/${id}/passes/${number}`)).body
const answer = (id: string, body: object) =>
  json<PassStatus & { detail: string }>(
    'POST',
    `/api/workspaces/local/migrations/${id}/passes/1/deletes`,
    body,
  )

const deleting = (packet: LeasedPacket, deleted: number) => {
  const told = outcomeOf(packet, 2) as Unnumbered & { t: 'outcome' }
  told.counts.objects.deleted = deleted
  return told
}

/** An agent with a survey whose pieces delete nothing, 8 and 12 objects. */
async function surveying(
  id: string,
  deleteCap = { objects: null as number | null, share: 0.5 as number | null },
) {
  const object = await begin(id, { delete: true, deleteCap })
  const agent = await toMigration(id)
  await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(
    cut(survey!, [
      ['b', 0],
      ['d', 8],
      ['f', 12],
    ]),
  )
  return { object, agent, survey: survey! }
}

describe('a pass that deletes', () => {
  it('leases what deletes something only when nothing is left to survey, and says how much it may', async () => {
    const { agent, survey } = await surveying('counted', { objects: 20, share: null })
    agent.free(5)
    const { packets } = await agent.next('lease')
    expect(packets).toMatchObject([{ kind: 'copy', through: 'b', deletes: 0 }])
    await agent.settled()
    expect(agent.inbox).toEqual([])
    await agent.ask(cut(survey, [[null, 0]], 'f' as Key))
    const rest = (await agent.next('lease')).packets
    expect(rest.map(({ through, deletes }) => [through, deletes])).toEqual([
      ['d', 8],
      ['f', 12],
      [null, 0],
    ])
    expect((await passOf('counted')).asks).toBeUndefined()
  })

  it('asks past its cap, also after a restart; goes on with all else; and deletes when it is allowed to', async () => {
    const { object, agent, survey } = await surveying('asking')
    await agent.ask(cut(survey, [[null, 3]], 'f' as Key))
    agent.free(5)
    const { packets } = await agent.next('lease')
    expect(packets).toMatchObject([{ through: 'b', deletes: 0 }])
    await agent.ask(deleting(packets[0]!, 0))
    expect(await passOf('asking')).toMatchObject({ state: 'running', asks: { deletes: 23, of: 40 } })
    await agent.settled()
    await evictDurableObject(object)
    await agent.settled()
    expect(await passOf('asking')).toMatchObject({ state: 'running', asks: { deletes: 23, of: 40 } })
    expect(agent.inbox).toEqual([])

    const tooFew = await answer('asking', { do: 'allow', objects: 22 })
    expect([tooFew.status, tooFew.body.detail]).toEqual([
      409,
      expect.stringContaining('would delete 23 objects'),
    ])
    const taken = await answer('asking', { do: 'allow', objects: 23 })
    expect([taken.status, taken.body.asks]).toEqual([200, undefined])
    const held = (await agent.next('lease')).packets
    expect(held.map(({ through, deletes }) => [through, deletes])).toEqual([
      ['d', 8],
      ['f', 12],
      [null, 3],
    ])
    // The same answer once more is none that is refused; another one is.
    expect((await answer('asking', { do: 'allow', objects: 23 })).status).toBe(200)
    expect((await answer('asking', { do: 'leave' })).status).toBe(409)
    for (const packet of held) await agent.ask(deleting(packet, packet.deletes))
    expect(await passOf('asking')).toMatchObject({ state: 'complete', counts: { objects: { deleted: 23 } } })
    expect((await answer('asking', { do: 'leave' })).status).toBe(409)
  })

  it('goes on without deleting where the operator leaves it', async () => {
    const { object, agent, survey } = await surveying('leaving')
    await agent.ask(cut(survey, [[null, 3]], 'f' as Key))
    await answer('leaving', { do: 'leave' })
    await agent.settled()
    await evictDurableObject(object)
    await agent.settled()
    const packets = await agent.lease(4)
    expect(packets.map(({ deletes }) => deletes)).toEqual([0, 0, 0, 0])
    for (const packet of packets) await agent.ask(deleting(packet, 0))
    expect(await passOf('leaving')).toMatchObject({ state: 'complete', counts: { objects: { deleted: 0 } } })
  })

  it('asks while it is paused too, is answered then, and can be cancelled instead', async () => {
    const { agent, survey } = await surveying('paused')
    await agent.ask(cut(survey, [[null, 3]], 'f' as Key))
    await json('POST', '/api/workspaces/local/migrations/paused/passes/1/pause', {})
    expect((await passOf('paused')).asks).toEqual({ deletes: 23, of: 40 })
    await answer('paused', { do: 'allow', objects: 100 })
    agent.free(5)
    await agent.settled()
    expect(agent.inbox).toEqual([])
    await json('POST', '/api/workspaces/local/migrations/paused/passes/1/resume')
    expect(await agent.lease(4)).toHaveLength(4)

    const { agent: other, survey: its } = await surveying('cancelled')
    await other.ask(cut(its, [[null, 3]], 'f' as Key))
    await json('POST', '/api/workspaces/local/migrations/cancelled/passes/1/cancel')
    const over = await passOf('cancelled')
    expect([over.state, over.asks]).toEqual(['cancelled', undefined])
  })

  it('does not wait for ranges that nobody can list', async () => {
    const { agent, survey } = await surveying('unlisted', { objects: 20, share: null })
    const { id: packet, generation } = survey
    const error = { code: 'access-denied', op: 'LIST', message: 'no', retry: 'never', hint: null } as const
    await agent.ask({ t: 'failed', packet, generation, error })
    expect((await agent.lease(3)).map(({ deletes }) => deletes)).toEqual([0, 8, 12])
  })

  it('counts only, and asks nothing, in a dry run', async () => {
    await begin('dry', { delete: true, dryRun: true, deleteCap: { objects: 0, share: null } })
    const agent = await toMigration('dry')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cut(survey!, [['b', 5]]))
    expect(await agent.lease()).toMatchObject([{ through: 'b', deletes: 5 }])
  })

  it('tells whoever watches, once', async () => {
    const { object, agent, survey } = await surveying('telling')
    await agent.ask(cut(survey, [[null, 3]], 'f' as Key))
    await agent.lease()
    await agent.settled()
    const told = await runInDurableObject(object, (_, { storage }) =>
      storage.sql.exec<{ event: string }>(`SELECT * FROM event`).toArray(),
    )
    expect(told.filter((row) => JSON.stringify(row).includes('asks'))).toHaveLength(1)
    // The catalogue is told too, though nothing else happens.
    const { body } = await json<{ pass: PassStatus }>('GET', '/api/workspaces/local/migrations/telling')
    expect(body.pass.asks).toEqual({ deletes: 23, of: 40 })
  })
})

describe('a key that is tried again', () => {
  it('may be deleted, for as many as the cap allows of what the pass before had found', async () => {
    const { agent, survey } = await surveying('again', { objects: 2, share: null })
    await agent.ask(cut(survey, [[null, 0]], 'f' as Key))
    await answer('again', { do: 'allow', objects: 20 })
    for (const packet of await agent.lease(4)) {
      const keys = packet.through === 'd' ? (['c', 'ca', 'cb'] as Key[]) : []
      const told = deleting(packet, packet.deletes - keys.length < 0 ? 0 : packet.deletes - keys.length)
      told.counts.objects.listed += keys.length
      told.counts.objects.failed = keys.length
      await agent.ask({
        ...told,
        failures: keys.map((key) => ({ key, code: 'io', message: 'no', bytes: 0 })),
      })
    }
    expect((await passOf('again')).state).toBe('incomplete')
    await json('POST', '/api/workspaces/local/migrations/again/passes/1/failures/retry', {})
    const next = await toMigration('again')
    await next.hello('a', 'a-2')
    const packets = await next.lease(3)
    expect(packets.map(({ kind, deletes }) => [kind, deletes])).toEqual([
      ['copy', 1],
      ['copy', 1],
      ['copy', 0],
    ])
    // What one of them did not delete, another one may.
    await next.ask({
      t: 'release',
      held: packets.map(({ id: packet, generation }) => ({ packet, generation })),
    })
    const [one] = await next.lease(3)
    expect(one).toMatchObject({ deletes: 1 })
    await next.ask(deleting(one!, 0))
  })
})

const leasedTo = ({ inbox }: ScriptedAgent): LeasedPacket[] =>
  inbox.flatMap((message) => (message.t === 'lease' ? message.packets : []))

describe('an event', () => {
  it('deletes at once what is within the cap, and leaves the rest to a pass that counts', async () => {
    const object = await begin('events', { delete: true, deleteCap: { objects: 3, share: null } })
    const agent = await toMigration('events')
    await agent.hello('a')
    const [survey] = await agent.lease()
    const tell = (...keys: string[]) =>
      agent.ask({ t: 'changed', side: 'source', changes: keys.map((key) => ({ key: key as Key, at: 1 })) })
    await tell('a', 'b')
    const first = await agent.lease(2)
    expect(first.map(({ kind, deletes }) => [kind, deletes])).toEqual([
      ['event', 1],
      ['event', 1],
    ])
    // One is deleted; what the other one had leave for is left to others.
    await agent.ask(deleting(first[0]!, 1))
    await agent.ask(deleting(first[1]!, 0))
    await evictDurableObject(object)
    await tell('c', 'd', 'e')
    const next = await agent.lease(3)
    expect(next.map(({ deletes }) => deletes).toSorted()).toEqual([0, 1, 1])
    for (const packet of next) await agent.ask(deleting(packet, packet.deletes))
    await tell('f')
    expect((await agent.lease())[0]).toMatchObject({ kind: 'event', deletes: 0 })
    // What is counted has a cap of its own.
    await agent.ask(
      cut(survey!, [
        ['m', 3],
        [null, 0],
      ]),
    )
    expect((await agent.lease(2)).map(({ deletes }) => deletes).toSorted()).toEqual([0, 3])
  })

  it('has a share of what the last pass found that counted, also after a verification', async () => {
    await begin('shares', { delete: true })
    const agent = await toMigration('shares')
    await agent.hello('a')
    const [survey] = await agent.lease()
    // Forty objects at the destination, of which twenty may go.
    await agent.ask(
      cut(survey!, [
        ['b', 0],
        ['d', 0],
        ['f', 0],
        [null, 0],
      ]),
    )
    for (const packet of await agent.lease(4)) await agent.ask(deleting(packet, 0))
    await agent.next('end')
    const passes = '/api/workspaces/local/migrations/shares/passes'
    await json('POST', passes, { kind: 'verify' })
    const second = await toMigration('shares')
    await second.hello('a', 'a-2')
    // They begin where the first pass found work.
    second.free(8)
    await second.settled()
    for (const { id: packet, generation, after, through } of leasedTo(second)) {
      const all = [{ through, work: { objects: 0, bytes: 0 }, settled: zeroCounts() }]
      await second.ask({ t: 'cut', packet, generation, from: after, cuts: all })
    }
    await second.next('end')
    await json('POST', passes, { delete: true })
    const third = await toMigration('shares')
    await third.hello('a', 'a-3')
    const keys = Array.from({ length: 22 }, (_, i) => `k${String(i).padStart(2, '0')}` as Key)
    await third.ask({ t: 'changed', side: 'source', changes: keys.map((key) => ({ key, at: 1 })) })
    third.free(30)
    await third.settled()
    // Single keys, or ranges of them; surveys delete nothing.
    const leased = leasedTo(third)
    expect(leased.reduce((sum, { deletes }) => sum + deletes, 0)).toBe(20)
  })
})
