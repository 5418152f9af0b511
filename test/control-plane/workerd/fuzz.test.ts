import { runInDurableObject } from 'cloudflare:test'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import type { Migration } from '../../../control-plane/migration.ts'
import { MigrationTables } from '../../../control-plane/migration-tables.ts'
import { zeroCounts } from '../../../shared/counts.ts'
import type { Key } from '../../../shared/key.ts'
import { closeCodes, maxMessageBytes } from '../../../shared/protocol.ts'
import { compareRanges, everything, tiles } from '../../../shared/range.ts'
import { cutOf } from '../../support/scripted-agent.ts'
import { begin, prepare, toMigration } from './inside.ts'

beforeAll(prepare)

/** What must hold in the tables after anything at all. */
function check(_: Migration, state: DurableObjectState): void {
  const tables = new MigrationTables(state.storage)
  const pass = tables.passes.last()!
  const packets = tables.packets.inKeyOrder(pass.firstPacket, Number.MAX_SAFE_INTEGER, null, 100_000)
  expect(tiles(packets.sort(compareRanges), everything)).toBe(true)
  const counts = packets.map((packet) => (packet.state === 'done' ? (packet.counts?.objects.listed ?? 0) : 0))
  expect(pass.counters.counts.objects.listed).toBe(counts.reduce((a, b) => a + b, 0))
  const rows = state.storage.sql.exec<{ state: string; n: number }>(
    'SELECT state, count(*) n FROM packet GROUP BY state',
  )
  const { settled: _settled, ...byState } = pass.counters.packets
  expect({
    ready: 0,
    leased: 0,
    done: 0,
    parked: 0,
    ...Object.fromEntries(rows.toArray().map((r) => [r.state, r.n])),
  }).toEqual(byState)
}

it.each([
  ['text that is not JSON', '{'],
  ['nothing', ''],
  ['null', 'null'],
  ['a list', '[]'],
  ['a number', '17'],
  ['an unknown message', '{"t":"lease"}'],
  ['a member too many', '{"t":"free","n":1,"m":2}'],
  ['a negative count', '{"t":"free","n":-1}'],
  ['a key that is no byte string', '{"t":"split","seq":1,"packet":1,"generation":1,"at":"\u{1F600}"}'],
  ['a prototype', '{"t":"free","n":1,"__proto__":{"n":2}}'],
  ['a second hello', '{"t":"hello","protocol":2,"agent":"a","session":"b","held":[]}'],
])('closes the socket on %s, and lives on', async (name, text) => {
  const id = `bad-${name.toLowerCase().replace(/ /g, '-')}`
  const object = await begin(id)
  const agent = await toMigration(id)
  await agent.hello('a')
  agent.raw(text)
  expect(await agent.closed).toMatchObject({ code: closeCodes.protocol, reason: expect.stringMatching(/./) })
  await runInDurableObject(object, check)
  await (await toMigration(id)).hello('a')
})

it('gives back at once what an agent held that comes again with another version', async () => {
  await begin('upgraded')
  const old = await toMigration('upgraded', 'upgraded')
  await old.hello('upgraded')
  const [survey] = await old.lease()
  old.close()
  await old.closed
  const other = await toMigration('upgraded', 'other')
  await other.hello('other')
  other.free(1)
  const newer = await toMigration('upgraded', 'upgraded')
  newer.raw('{"t":"hello","protocol":99,"anything":true}')
  await newer.closed
  expect((await other.next('lease')).packets).toMatchObject([{ id: survey!.id, generation: 2 }])
})

it('closes the socket of another protocol version, and says which one is spoken', async () => {
  await begin('versions')
  const agent = await toMigration('versions')
  agent.raw('{"t":"hello","protocol":99,"session":"b","held":[],"new":true}')
  expect(await agent.closed).toEqual({
    code: 1008,
    reason: 'protocol 99 is not spoken here, 5 is: upgrade the control plane',
  })
})

it('closes the socket on anything before hello', async () => {
  await begin('early')
  const agent = await toMigration('early')
  agent.free(1)
  expect(await agent.closed).toMatchObject({ code: closeCodes.protocol, reason: 'hello comes first' })
})

it('takes what an agent says right after its hello, without waiting for the welcome', async () => {
  await begin('eager')
  const agents = await Promise.all(Array.from({ length: 40 }, (_, i) => toMigration('eager', `a${i}`)))
  for (const agent of agents) {
    agent.raw('{"t":"hello","protocol":5,"session":"s","started":1,"held":[]}')
    agent.free(0)
  }
  for (const agent of agents) {
    await agent.next('welcome')
    await agent.settled()
  }
})

it('closes the socket on a message past the bound, counted in bytes', async () => {
  await begin('big')
  const agent = await toMigration('big')
  await agent.hello('a')
  agent.raw(`{"t":"${'é'.repeat(maxMessageBytes / 2)}"}`)
  expect(await agent.closed).toMatchObject({ code: closeCodes.tooBig })
})

const letters = [...'bcdfghjklm'] as Key[]
const small = fc.integer({ min: 1, max: 6 })
const end = fc.constantFrom<Key | null>(...letters, null)
const held = fc.array(fc.record({ packet: small, generation: small }), { maxLength: 3 })
const counts = fc.nat(5).map((n) => {
  const zero = zeroCounts()
  return { ...zero, objects: { ...zero.objects, listed: n, same: n } }
})
const fence = { seq: fc.nat(100), packet: small, generation: small }
const error = {
  code: fc.constantFrom('unreachable', 'access-denied'),
  op: fc.constant('LIST'),
  message: fc.constant('no'),
  retry: fc.constantFrom('now', 'later', 'never'),
  hint: fc.constant(null),
}
/** Messages that parse, about packets that are there or not, in any order. */
const message = fc.oneof(
  { weight: 3, arbitrary: fc.record({ t: fc.constant('free'), n: fc.nat(4) }) },
  fc.record({ t: fc.constant('heartbeat'), held, inFlight: fc.constant({ objects: 1, bytes: 1 }) }),
  fc.record({
    t: fc.constant('cut'),
    ...fence,
    from: end,
    cuts: fc.array(
      fc.record({
        through: end,
        work: fc.constant({ objects: 1, bytes: 1 }),
        settled: fc.option(counts),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({ t: fc.constant('split'), ...fence, at: fc.constantFrom(...letters) }),
  {
    weight: 4,
    arbitrary: fc.record({
      t: fc.constant('outcome'),
      ...fence,
      through: end,
      counts,
      failures: fc.constant([]),
      report: fc.boolean(),
    }),
  },
  fc.record({ t: fc.constant('failed'), ...fence, error: fc.record(error) }),
  fc.record({ t: fc.constant('release'), seq: fc.nat(100), held }),
)

it('tiles the key space and counts each packet once, whatever two agents say', async () => {
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(1), message), { maxLength: 60 }), async (said) => {
      const id = `fuzz-${run++}`
      const object = await begin(id)
      const agents = await Promise.all([toMigration(id), toMigration(id, 'b')])
      await agents[0].hello('a')
      await agents[1].hello('b')
      const [survey] = await agents[0].lease()
      await agents[0].ask(cutOf(survey!, null, ['d', 'g']))
      for (const [who, one] of said) agents[who]!.raw(JSON.stringify(one))
      await Promise.all(agents.map((agent) => agent.settled().catch(() => {})))
      await runInDurableObject(object, check)
      // Nobody was told of a lease that another holds: each (packet, generation) went out once.
      const leases = agents.flatMap((agent) =>
        agent.inbox.flatMap((m) => (m.t === 'lease' ? m.packets.map((p) => `${p.id}.${p.generation}`) : [])),
      )
      expect(new Set(leases).size).toBe(leases.length)
      for (const agent of agents) agent.close()
    }),
    { numRuns: 25, seed: 7 },
  )
})
