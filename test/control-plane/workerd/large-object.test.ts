/** A large object's upload, as the control plane remembers it: across sleep, lost answers, passes and earlier tables. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, expect, it } from 'vitest'
import type { Migration } from '../../../control-plane/migration.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { Key } from '../../../shared/key.ts'
import type { PlannedUpload } from '../../../shared/large-object.ts'
import type { LeasedPacket, LeasedUpload } from '../../../shared/protocol.ts'
import { cutOf, outcomeOf, type ScriptedAgent } from '../../support/scripted-agent.ts'
import { begin, json, prepare, toMigration } from './inside.ts'

beforeAll(prepare)

const key = 'k' as Key
const planned: PlannedUpload = {
  source: { token: 'etag-6', size: 600, mtime: 1, version: null },
  boundaries: [[100, 6]],
  metadata: 'digest',
  asSource: true,
  hashing: true,
  packetBytes: 200,
}
const md5 = (n: number) => String(n).padStart(32, '0')

const named = ({ id, generation }: LeasedPacket) => ({ packet: id, generation })
const status = async (id: string, pass: number) =>
  (await json<PassStatus>('GET', `/api/workspaces/local/migrations/${id}/passes/${pass}`)).body
const uploadsOf = (object: DurableObjectStub<Migration>) =>
  runInDurableObject(object, (_, { storage }) => storage.sql.exec('SELECT * FROM upload').toArray())

/** An agent with the object's packet, leased again with its plan. */
async function expanded(id: string) {
  const object = await begin(id)
  const agent = await toMigration(id)
  await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(cutOf(survey!, null, [null]))
  const [copy] = await agent.lease()
  await agent.ask({ t: 'expand', ...named(copy!), key, planned })
  return { object, agent, copy: copy! }
}

/** Opens the upload, and leases so many of its three packets. */
async function opened(agent: ScriptedAgent, leased = 3): Promise<LeasedPacket[]> {
  const leases = await agent.lease(2)
  const packet = leases.find(({ upload }) => upload !== undefined)!
  const rest = leases.find(({ upload }) => upload === undefined)!
  await agent.ask(outcomeOf(rest, 0))
  await agent.ask({ t: 'opened', ...named(packet), upload: 'id' })
  return agent.lease(leased)
}

it('is planned before it is created, gathered from its packets, and counted once', async () => {
  const { object, agent, copy } = await expanded('once')
  // The answer was lost: nothing happens twice.
  expect((await agent.ask({ t: 'expand', ...named(copy), key, planned })).t).toBe('ack')
  const leases = await agent.lease(2)
  const [packet, rest] = leases.sort((a, b) => a.id - b.id) as [LeasedPacket, LeasedPacket]
  expect(packet).toMatchObject({ id: copy.id, generation: 2, kind: 'copy', after: null, through: key })
  expect(packet.upload).toMatchObject({ key, planned, upload: null, parts: null, md5s: null, stale: [] })
  expect(rest).toMatchObject({ kind: 'copy', after: key, through: null })
  expect(await uploadsOf(object)).toMatchObject([{ packet: copy.id, upload: null }])

  const say = { t: 'opened', ...named(packet), upload: 'id' } as const
  expect((await agent.ask(say)).t).toBe('ack')
  await evictDurableObject(object)
  expect((await agent.ask(say)).t).toBe('ack')
  const parts = await agent.lease(3)
  expect(parts.map(({ kind, upload, work }) => [kind, upload!.parts, upload!.upload, work.bytes])).toEqual([
    ['parts', { first: 1, last: 2 }, 'id', 200],
    ['parts', { first: 3, last: 4 }, 'id', 200],
    ['parts', { first: 5, last: 6 }, 'id', 200],
  ])
  await agent.ask(outcomeOf(rest, 0))
  for (const [i, part] of [...parts.entries()].reverse()) {
    const md5s = md5(2 * i + 1) + md5(2 * i + 2)
    expect((await agent.ask({ t: 'parts', ...named(part), md5s })).t).toBe('ack')
    expect((await status('once', 1)).inFlight.bytes).toBe((3 - i) * 200)
    if (i === 1) await evictDurableObject(object)
  }
  const [whole] = await agent.lease()
  expect(whole).toMatchObject({ id: copy.id, generation: 3, through: key })
  expect(whole!.upload).toMatchObject({ upload: 'id', parts: null })
  expect(whole!.upload!.md5s).toBe([1, 2, 3, 4, 5, 6].map(md5).join(''))
  await agent.ask(outcomeOf(whole!, 1))
  expect(await agent.next('end')).toMatchObject({ state: 'complete' })
  expect(await status('once', 1)).toMatchObject({
    counts: { objects: { listed: 1, copied: 1 } },
    inFlight: { bytes: 0 },
    packets: { ready: 0, leased: 0, parked: 0 },
  })
  expect(await uploadsOf(object)).toEqual([])
})

it('that is of no use takes its packets with it, and whoever holds one hears so', async () => {
  const { object, agent, copy } = await expanded('collapsed')
  const [first, second] = (await opened(agent)) as [LeasedPacket, LeasedPacket]
  await agent.ask({ t: 'parts', ...named(first), md5s: null })
  await agent.ask({ t: 'collapse', ...named(second) })
  agent.heartbeat([named(second), { packet: first.id + 2, generation: 1 }])
  expect((await agent.next('drop')).held).toEqual([{ packet: first.id + 2, generation: 1 }])
  expect((await status('collapsed', 1)).inFlight.bytes).toBeLessThanOrEqual(10)
  expect(await uploadsOf(object)).toEqual([])
  const [again] = await agent.lease()
  expect(again).toMatchObject({ id: copy.id, kind: 'copy', after: null, through: key })
  expect(again).not.toHaveProperty('upload')
  await agent.ask(outcomeOf(again!, 1))
  expect((await status('collapsed', 1)).state).toBe('complete')
})

it('that is of no use leaves nothing of it to be leased', async () => {
  const { agent, copy } = await expanded('queued')
  const [part] = (await opened(agent, 1)) as [LeasedPacket]
  await agent.ask({ t: 'collapse', ...named(part) })
  // Two packets of parts were in the queue, and wait there no more.
  agent.free(3)
  const { packets } = await agent.next('lease')
  expect(packets).toMatchObject([{ id: copy.id, kind: 'copy' }])
  await agent.ask(outcomeOf(packets[0]!, 1))
  expect(await agent.next('end')).toMatchObject({ state: 'complete' })
})

it('refuses the upload of a lease that ran out, so that nobody counts on it', async () => {
  const { agent } = await expanded('late')
  const leases = await agent.lease(2)
  const packet = leases.find(({ upload }) => upload !== undefined)!
  await agent.ask({ t: 'release', held: [named(packet)] })
  expect(await agent.ask({ t: 'opened', ...named(packet), upload: 'id' })).toMatchObject({ code: 'stale' })
})

it('goes over to the next pass: taken up where the object is the same, else to be aborted', async () => {
  const { object, agent } = await expanded('next')
  const [part] = (await opened(agent)) as [LeasedPacket]
  const denied = { code: 'access-denied', op: 'x', message: 'no', retry: 'never', hint: null } as const
  await agent.ask({ t: 'failed', ...named(part), error: denied })
  await json('POST', '/api/workspaces/local/migrations/next/passes/1/cancel')
  await agent.closed

  for (const [pass, token, isTakenUp] of [
    [2, 'etag-6', true],
    [3, 'other-6', false],
  ] as const) {
    await json('POST', '/api/workspaces/local/migrations/next/passes', {})
    const later = await toMigration('next', 'b')
    const welcome = await later.hello('b', `b-${pass}`)
    expect(welcome.uploads).toMatchObject([{ key, upload: 'id', source: planned.source }])
    // Divided where the earlier pass was.
    let copy: LeasedPacket | null = null
    while (copy === null) {
      const [packet] = (await later.lease()) as [LeasedPacket]
      if (packet.kind === 'survey') await later.ask(cutOf(packet, packet.after, [packet.through]))
      else if (packet.after === null) copy = packet
      else await later.ask(outcomeOf(packet, 0))
    }
    await later.ask({
      t: 'expand',
      ...named(copy),
      key,
      planned: { ...planned, source: { ...planned.source, token } },
    })
    const uploads: LeasedUpload[] = []
    while (uploads.length < (isTakenUp ? 3 : 1)) {
      const [{ upload }] = (await later.lease()) as [LeasedPacket]
      if (upload) uploads.push(upload)
    }
    if (isTakenUp) {
      expect(uploads.map(({ parts, adopted }) => [parts?.first, adopted])).toEqual([
        [1, true],
        [3, true],
        [5, true],
      ])
    } else {
      expect(uploads).toMatchObject([{ upload: null, stale: ['id'] }])
    }
    await json('POST', `/api/workspaces/local/migrations/next/passes/${pass}/cancel`)
    await later.closed
  }
  expect(await uploadsOf(object)).toHaveLength(1)
})

it('that an agent has cleared away is forgotten', async () => {
  const { object, agent } = await expanded('cleared')
  await opened(agent)
  await json('POST', '/api/workspaces/local/migrations/cleared/passes/1/cancel')
  await agent.closed
  await json('POST', '/api/workspaces/local/migrations/cleared/passes', {})
  const later = await toMigration('cleared', 'b')
  const { uploads } = await later.hello('b')
  expect((await later.ask({ t: 'cleared', upload: uploads![0]!.id })).t).toBe('ack')
  expect(await uploadsOf(object)).toEqual([])
})

it('tables that an earlier version made get their new columns', async () => {
  const object = env.MIGRATION.getByName('local/older')
  await runInDurableObject(object, (_, { storage }) => {
    // It knew of no versions.
    for (const table of ['schema', 'packet', 'failure', 'cause', 'waiver'])
      storage.sql.exec(`DROP TABLE ${table}`)
    storage.sql.exec(`CREATE TABLE packet (
      id INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, after TEXT, through TEXT,
      objects INTEGER NOT NULL, bytes INTEGER NOT NULL, generation INTEGER NOT NULL, failures INTEGER NOT NULL,
      error TEXT, prefer INTEGER, session INTEGER, not_before INTEGER, counts TEXT, report INTEGER)`)
  })
  await evictDurableObject(object)
  await begin('older')
  const agent = await toMigration('older')
  await agent.hello('a')
  const [survey] = await agent.lease()
  expect((await agent.ask(cutOf(survey!, null, [null]))).t).toBe('ack')
})
