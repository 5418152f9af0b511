import { runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type * as z from 'zod'
import { type Failure, listCauses, listFailures, retryFailures } from '../../../shared/api/failures.ts'
import type { MigrationView, PassStatus, Problem, packetsPageSchema } from '../../../shared/api/migrations.ts'
import type { Key } from '../../../shared/key.ts'
import type { Failure as Told } from '../../../shared/protocol.ts'
import { cutOf, outcomeOf, type ScriptedAgent } from '../../support/scripted-agent.ts'
import { denied, failed, failing } from './failing.ts'
import { begin, file, json, objectOf, prepare, s3, toMigration } from './inside.ts'

beforeAll(prepare)

type PacketsPage = z.infer<typeof packetsPageSchema>

const migration = (id: string) => `/api/workspaces/local/migrations/${id}`
const of = (id: string, pass = 1) => `${migration(id)}/passes/${pass}`
const broken = (key: string): Told => ({ key: key as Key, code: 'io', message: 'Disk error.', bytes: 1 })

const statusOf = async (id: string, pass = 1) => (await json<PassStatus>('GET', of(id, pass))).body
const causesIn = async (id: string, pass = 1) =>
  listCauses.answer.parse((await json('GET', `${of(id, pass)}/causes`)).body).causes
const failuresIn = async (id: string, pass = 1): Promise<Failure[]> =>
  listFailures.answer.parse((await json('GET', `${of(id, pass)}/failures?limit=1000`)).body).failures
const retry = (id: string, body: object = {}, pass = 1) =>
  json('POST', `${of(id, pass)}/failures/retry`, body)
const waive = async (id: string, body: object = {}, pass = 1) =>
  (await json('POST', `${of(id, pass)}/failures/waive`, { reason: 'known', ...body })).body
const reopen = async (id: string, body: object = {}, pass = 1) =>
  (await json('POST', `${of(id, pass)}/failures/reopen`, body)).body
const workIn = async (id: string, pass: number) => {
  const packets: PacketsPage['packets'] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor && `&cursor=${cursor}`
    const page = await json<PacketsPage>('GET', `${migration(id)}/packets?pass=${pass}${query}`)
    packets.push(...page.body.packets)
    cursor = page.body.cursor
  }
  expect(packets[0]!.after).toBeNull()
  expect(packets.at(-1)!.through).toBeNull()
  expect(packets.every(({ after }, i) => i === 0 || after === packets[i - 1]!.through)).toBe(true)
  return packets.filter(({ state }) => state !== 'done')
}

/** Works off all packets of the pass that runs: what `fails` names fails again. */
async function work(id: string, packets: number, fails: (key: string | null) => Told[] = () => []) {
  const agent: ScriptedAgent = await toMigration(id)
  await agent.hello('a', `a-${Date.now()}-2`)
  for (const packet of await agent.lease(packets)) {
    const failures = fails(packet.through)
    await agent.ask(failures.length > 0 ? failed(packet, failures) : outcomeOf(packet, 1))
  }
  return (await agent.next('end')).state
}

describe('a retry', () => {
  it('covers nothing but the failures that are meant, and makes its pass complete when none is open', async () => {
    await failing('by-cause', [denied('a'), broken('b'), denied('c')])
    const [access] = await causesIn('by-cause')
    const { status, body } = await retry('by-cause', { cause: access!.id })
    expect(status).toBe(201)
    expect(retryFailures.answer.parse(body)).toMatchObject({
      objects: 2,
      pass: { number: 2, state: 'running', retries: 1, open: 1, expected: { objects: 2, bytes: 20 } },
    })
    expect(await workIn('by-cause', 2)).toMatchObject([
      { kind: 'copy', through: 'a' },
      { kind: 'copy', through: 'c' },
    ])
    expect(await failuresIn('by-cause')).toMatchObject([
      { key: 'a', state: 'retried', retriedBy: 2 },
      { key: 'b', state: 'open', retriedBy: null },
      { key: 'c', state: 'retried', retriedBy: 2 },
    ])
    expect(await causesIn('by-cause')).toMatchObject([
      { objects: 2, open: 0, retried: 2 },
      { objects: 1, open: 1, retried: 0 },
    ])
    expect((await retry('by-cause')).body).toMatchObject({
      code: 'busy',
      detail: 'pass 2 of by-cause is running',
    })

    expect(await work('by-cause', 2)).toBe('incomplete')
    expect(await statusOf('by-cause', 2)).toMatchObject({ state: 'incomplete', open: 1 })
    expect(await retry('by-cause', { cause: access!.id })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('nothing that is meant is open') },
    })
    // What is open further back belongs to it, where nothing is chosen.
    expect((await retry('by-cause', {}, 2)).body).toMatchObject({ objects: 1, pass: { retries: 2 } })
    expect(await work('by-cause', 1)).toBe('complete')
    expect(await statusOf('by-cause', 3)).toMatchObject({ state: 'complete', open: 0, retries: 2 })
    expect(await statusOf('by-cause', 1)).toMatchObject({ state: 'incomplete', open: 0 })
  })

  it('of what fails again has failures of its own', async () => {
    await failing('again', [denied('a'), denied('b')])
    await retry('again')
    expect(await work('again', 2, (key) => (key === 'b' ? [denied('b')] : []))).toBe('incomplete')
    expect(await failuresIn('again', 2)).toMatchObject([{ key: 'b', state: 'open' }])
    expect((await statusOf('again', 2)).open).toBe(1)
  })

  it('does what was parked, too, where nothing is chosen', async () => {
    await begin('parked')
    const agent = await toMigration('parked')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['m', null]))
    const [lower, upper] = await agent.lease(2)
    const error = {
      code: 'config',
      op: 'list',
      message: 'no such place',
      retry: 'never',
      hint: null,
    } as const
    await agent.ask(failed(lower!, [denied('a')]))
    await agent.ask({ t: 'failed', packet: upper!.id, generation: upper!.generation, error })
    expect((await agent.next('end')).state).toBe('incomplete')

    // With the one object alone it is not.
    expect((await retry('parked', { prefix: 'a' })).body).toMatchObject({ objects: 1 })
    expect(await work('parked', 1)).toBe('incomplete')
    expect(await statusOf('parked', 2)).toMatchObject({ open: 0 })
    expect((await retry('parked', {}, 2)).body).toMatchObject({ objects: 0 })
    expect(await workIn('parked', 3)).toMatchObject([{ kind: 'survey', after: 'm', through: null }])
    const other = await toMigration('parked')
    await other.hello('a', 'a-3')
    const [rest] = await other.lease()
    await other.ask(cutOf(rest!, 'm', [null]))
    const [packet] = await other.lease()
    await other.ask(outcomeOf(packet!))
    expect((await other.next('end')).state).toBe('complete')
  })

  it('that is cancelled opens again what it did not get to', async () => {
    await failing('cancelled', [denied('a'), denied('b'), denied('c')])
    await retry('cancelled')
    const agent = await toMigration('cancelled')
    await agent.hello('a', 'a-2')
    const packets = await agent.lease(3)
    await agent.ask(outcomeOf(packets.find(({ through }) => through === 'b')!, 1))
    const { body } = await json<PassStatus>('POST', `${of('cancelled', 2)}/cancel`)
    expect(body).toMatchObject({ state: 'cancelled', open: 2 })
    expect((await failuresIn('cancelled')).map(({ key, state }) => [key, state])).toEqual([
      ['a', 'open'],
      ['b', 'retried'],
      ['c', 'open'],
    ])
    expect((await retry('cancelled')).body).toMatchObject({ objects: 2 })
    expect(await work('cancelled', 2)).toBe('complete')
  })

  it('repairs by a copy what a verification found', async () => {
    const differs: Told = { key: 'x' as Key, code: 'differs', message: 'Other content.', bytes: 3 }
    await failing('repair', [differs], { kind: 'verify' })
    expect((await retry('repair', { kind: 'copy' })).body).toMatchObject({
      pass: { options: { kind: 'copy' } },
    })
    expect(await workIn('repair', 2)).toMatchObject([{ kind: 'copy', through: 'x' }])
    expect(await work('repair', 1)).toBe('complete')
  })

  it('of very many is a few surveys; where a side is a directory, very few', async () => {
    const many = Array.from({ length: 1_500 }, (_, i) => denied(`k${String(i).padStart(4, '0')}`))
    await failing('many', many)
    expect((await retry('many')).body).toMatchObject({ objects: 1_500, pass: { surveying: true } })
    const surveys = await workIn('many', 2)
    expect(surveys.length).toBeLessThanOrEqual(1_000)
    const files = {
      source: file('/a'),
      destination: s3('b'),
      filter: { include: [], exclude: [], only: null },
    }
    await failing('few', many, {}, files)
    await retry('few')
    expect((await workIn('few', 2)).length).toBeLessThanOrEqual(64)
  })

  it('is nothing that the next pass divides by, and nobody goes on with it as if it were one', async () => {
    await begin('divide')
    const agent = await toMigration('divide')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['f', 'p', null]))
    const packets = await agent.lease(3)
    for (const packet of packets)
      await agent.ask(packet.through === 'f' ? failed(packet, [denied('c')]) : outcomeOf(packet))
    await agent.next('end')
    await retry('divide')
    expect(await json('POST', `${migration('divide')}/passes`, {})).toMatchObject({
      ...{ status: 409, body: { detail: expect.stringContaining('retries what failed in pass 1') } },
    })
    await work('divide', 1)
    await json('POST', `${migration('divide')}/passes`, {})
    const ends = (await workIn('divide', 3)).map(({ through }) => through)
    expect(ends).toEqual(['f', 'p', null])
  })

  it('is refused where a later pass has looked at everything', async () => {
    await failing('later', [denied('a'), denied('b')])
    await json('POST', `${migration('later')}/passes`, {})
    const agent = await toMigration('later')
    await agent.hello('a', 'a-2')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, [null]))
    const [packet] = await agent.lease()
    await agent.ask(failed(packet!, [denied('b')]))
    await agent.next('end')
    expect(await failuresIn('later')).toMatchObject([
      { state: 'retried', retriedBy: 2 },
      { state: 'retried', retriedBy: 2 },
    ])
    expect(await causesIn('later')).toMatchObject([{ open: 0, retried: 2 }])
    expect(await statusOf('later')).toMatchObject({ open: 0 })
    const answer = await json<Problem>('POST', `${of('later')}/failures/retry`, {})
    expect(answer).toMatchObject({ status: 409, body: { hint: 'Retry what failed in pass 2.' } })
    expect(await waive('later')).toEqual({ objects: 0 })
    const path = `${of('later')}/failures?state=`
    expect((await json('GET', `${path}open`)).body).toMatchObject({ failures: [], matching: 0 })
    expect((await json('GET', `${path}retried`)).body).toMatchObject({ matching: 2 })
  })
})

describe('a waiver', () => {
  it('is told with each failure, is recorded, and can be taken back', async () => {
    await failing('waived', [denied('a'), broken('b'), denied('c')])
    const [access] = await causesIn('waived')
    expect(await waive('waived', { cause: access!.id, reason: 'private on purpose' })).toEqual({ objects: 2 })
    expect(await failuresIn('waived')).toMatchObject([
      { key: 'a', state: 'waived', waiver: { reason: 'private on purpose', by: expect.any(String) } },
      { key: 'b', state: 'open', waiver: null },
      { key: 'c', state: 'waived' },
    ])
    expect(await causesIn('waived')).toMatchObject([{ waived: 2, open: 0 }, { open: 1 }])
    expect(await statusOf('waived')).toMatchObject({ state: 'incomplete', open: 1, waived: 2 })
    const { body } = await json<{ entries: { action: string; after: object }[] }>(
      'GET',
      '/api/workspaces/local/audit?limit=1',
    )
    expect(body.entries[0]).toMatchObject({
      action: 'failures.waive',
      after: { pass: 1, cause: access!.id, reason: 'private on purpose', objects: 2 },
    })
    const [first] = await failuresIn('waived')
    expect(await reopen('waived', { ids: [first!.id] })).toEqual({ objects: 1 })
    expect(await statusOf('waived')).toMatchObject({ open: 2, waived: 1 })
    // Nothing that is waived is tried again.
    expect((await retry('waived')).body).toMatchObject({ objects: 2 })
  })

  it('of the last open failure makes the pass complete: the catalogue and the courier hear so, and of the opposite', async () => {
    await failing('last', [denied('a'), denied('b')])
    await waive('last', { prefix: 'a' })
    expect((await statusOf('last')).state).toBe('incomplete')
    await waive('last')
    expect(await statusOf('last')).toMatchObject({ state: 'complete', open: 0, waived: 2 })
    const known = async () => (await json<MigrationView>('GET', migration('last'))).body.pass
    await vi.waitFor(async () => expect(await known()).toMatchObject({ state: 'complete', waived: 2 }))
    await reopen('last', { prefix: 'b' })
    expect(await statusOf('last')).toMatchObject({ state: 'incomplete', open: 1, waived: 1 })
    await vi.waitFor(async () => expect(await known()).toMatchObject({ state: 'incomplete', open: 1 }))
  })

  it('of the last open failure is an event: the pass is finished', async () => {
    await failing('event', [denied('a')])
    const events = await runInDurableObject(objectOf('event'), (migration, state) => {
      migration.waive(1, {}, { by: 'me', reason: 'so', at: 1 }, { from: 0, waiver: null })
      return state.storage.sql.exec<{ event: string }>('SELECT event FROM announcement').toArray()
    })
    // Whether or not the courier has what was told before.
    expect(JSON.parse(events.at(-1)!.event)).toMatchObject({
      ...{ type: 'pass.finished', data: { pass: 1, state: 'complete' } },
    })
  })

  it('of what a retry left makes the retry complete', async () => {
    await failing('chain', [denied('a'), denied('b')])
    await retry('chain', { prefix: 'a' })
    expect(await work('chain', 1)).toBe('incomplete')
    await waive('chain', { prefix: 'b' })
    expect(await statusOf('chain', 2)).toMatchObject({ state: 'complete', open: 0, waived: 1 })
    // What it retried failed in it all the same.
    expect(await statusOf('chain', 1)).toMatchObject({ state: 'incomplete', open: 0 })
  })

  it('holds in the next pass for the same object and cause, and only then', async () => {
    await failing('holds', [denied('a'), denied('b'), denied('c')])
    await waive('holds', { prefix: 'a', reason: 'of old' })
    await waive('holds', { prefix: 'b' })
    const again = async (failures: Told[], number: number) => {
      await json('POST', `${migration('holds')}/passes`, {})
      const agent = await toMigration('holds')
      await agent.hello('a', `a-${number}`)
      const [survey] = await agent.lease()
      await agent.ask(cutOf(survey!, null, [null]))
      const [packet] = await agent.lease()
      await agent.ask(failed(packet!, failures))
      return (await agent.next('end')).state
    }
    expect(await again([denied('a'), broken('b'), denied('d')], 2)).toBe('incomplete')
    expect(await failuresIn('holds', 2)).toMatchObject([
      { key: 'a', state: 'waived', waiver: { reason: 'of old' } },
      { key: 'b', state: 'open' },
      { key: 'd', state: 'open' },
    ])
    expect(await statusOf('holds', 2)).toMatchObject({ open: 2, waived: 1 })
    expect(await again([denied('a')], 3)).toBe('complete')
    expect(await statusOf('holds', 3)).toMatchObject({ open: 0, waived: 1 })
    expect(await again([], 4)).toBe('complete')
    // It did not fail, so the waiver is over.
    expect(await again([denied('a')], 5)).toBe('incomplete')
  })

  it('can be given while the pass runs', async () => {
    await begin('running')
    const agent = await toMigration('running')
    await agent.hello('a')
    const [survey] = await agent.lease()
    await agent.ask(cutOf(survey!, null, ['m', null]))
    const [lower, upper] = await agent.lease(2)
    await agent.ask(failed(lower!, [denied('a')]))
    expect(await waive('running')).toEqual({ objects: 1 })
    await agent.ask(failed(upper!, [denied('x')]))
    expect((await agent.next('end')).state).toBe('incomplete')
    expect(await causesIn('running')).toMatchObject([{ objects: 2, waived: 1, open: 1 }])
  })

  it('of very many goes in parts, of which each is stored', async () => {
    const many = Array.from({ length: 2_000 }, (_, i) => denied(`k${i}`))
    await failing('parts', many)
    const object = objectOf('parts')
    const waiver = { by: 'me', reason: 'so', at: 1 }
    const some = await object.waive(1, {}, waiver, { from: 0, waiver: null })
    expect(some).toMatchObject({ objects: 2_000, rest: null })
    const rows = await object.rowsWritten()
    expect(rows).toBeLessThan(2_000 * 6)
  })
})
