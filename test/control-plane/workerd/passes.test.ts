import { runInDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { compareFailures } from '../../../control-plane/comparison.ts'
import { MigrationTables } from '../../../control-plane/migration-tables.ts'
import { comparePasses, listPasses } from '../../../shared/api/passes.ts'
import { outcomeOf } from '../../support/scripted-agent.ts'
import { begin, json, objectOf, prepare, toMigration } from './inside.ts'

beforeAll(prepare)

const at = (id: string) => `/api/workspaces/local/migrations/${id}`

/** Of one packet, which ends at once; with so many objects that failed, by their keys. */
async function pass(id: string, keys: readonly string[] = []): Promise<void> {
  await begin(id)
  const agent = await toMigration(id)
  await agent.hello('a')
  const [packet] = await agent.lease()
  await agent.ask({
    ...{ t: 'cut', packet: packet!.id, generation: packet!.generation, from: null },
    cuts: [{ through: null, work: { objects: 1, bytes: 1 }, settled: null }],
  } as never)
  const [copy] = await agent.lease()
  const failures = keys.map((key) => ({ key, code: 'io', message: `the disk broke at ${key}`, bytes: 1 }))
  const outcome = outcomeOf(copy!, 0) as ReturnType<typeof outcomeOf> & { counts: { objects: object } }
  const objects = { ...outcome.counts.objects, listed: keys.length, failed: keys.length }
  await agent.ask({ ...outcome, failures, counts: { ...outcome.counts, objects } } as never)
  await agent.next('end')
}

const list = async (id: string, query = '') => {
  const { status, body } = await json('GET', `${at(id)}/passes${query}`)
  expect(status).toBe(200)
  return listPasses.answer.parse(body)
}

describe('the passes of a migration', () => {
  it('are listed with the newest first, a page at a time, and what runs is as it is now', async () => {
    for (let i = 0; i < 4; i++) await pass('listed')
    await begin('listed')
    const all = await list('listed')
    expect(all.cursor).toBeNull()
    expect(all.passes.map(({ number, state }) => [number, state])).toEqual([
      ...[[5, 'running']],
      ...[4, 3, 2, 1].map((number) => [number, 'complete']),
    ])
    const first = await list('listed', '?limit=2')
    expect(first.passes).toEqual(all.passes.slice(0, 2))
    const second = await list('listed', `?limit=2&cursor=${first.cursor}`)
    const third = await list('listed', `?limit=2&cursor=${second.cursor}`)
    expect([...first.passes, ...second.passes, ...third.passes]).toEqual(all.passes)
    expect(third.cursor).toBeNull()
    expect(all.passes[0]).toEqual((await json('GET', `${at('listed')}/passes/5`)).body)
  })

  it('are none before the first', async () => {
    const place = (bucket: string) => ({
      ...{ kind: 's3', bucket, prefix: '', endpoint: null, region: null, profile: null, site: null },
    })
    const filter = { include: [], exclude: [], only: null }
    await json('PUT', at('fresh'), { source: place('a'), destination: place('b'), filter })
    expect(await list('fresh')).toEqual({ passes: [], cursor: null })
    expect((await json('GET', `${at('nobody')}/passes`)).status).toBe(404)
    expect((await json('GET', `${at('fresh')}/passes?limit=101`)).status).toBe(400)
  })
})

const compare = async (id: string, from: number, to: number) => {
  const { status, body } = await json('GET', `${at(id)}/comparison?from=${from}&to=${to}`)
  expect(status).toBe(200)
  return comparePasses.answer.parse(body)
}

describe('two passes, compared', () => {
  it('tell by key what is mended, what still fails, and what is new', async () => {
    await pass('compared', ['gone', 'stays', '\xff', 'stays'])
    await pass('compared', ['fresh', 'stays', 'other', '\xff'])
    const { from, to, failures } = await compare('compared', 1, 2)
    expect([from.number, from.counts.objects.failed, to.number]).toEqual([1, 4, 2])
    expect(failures).toEqual({
      fixed: { objects: 1, samples: [{ key: 'gone' }] },
      // A key counts once, and one that is no text is told as one.
      still: { objects: 2, samples: [{ key: 'stays' }, { key: '\\xff', keyEscaped: '%FF' }] },
      new: { objects: 2, samples: [{ key: 'fresh' }, { key: 'other' }] },
    })
    const back = await compare('compared', 2, 1)
    expect([back.failures.fixed, back.failures.new]).toEqual([failures.new, failures.fixed])
    expect((await compare('compared', 2, 2)).failures).toMatchObject({
      fixed: { objects: 0 },
      new: { objects: 0 },
    })
  })

  it('name at most 20 of each, and are refused where there is no such pass', async () => {
    await pass(
      'many',
      Array.from({ length: 2_500 }, (_, i) => `k${i}`),
    )
    await pass(
      'many',
      Array.from({ length: 2_500 }, (_, i) => `k${i + 2_000}`),
    )
    const { failures } = await compare('many', 1, 2)
    const sums = Object.entries(failures).map(([kind, { objects, samples }]) => [
      kind,
      objects,
      samples.length,
    ])
    expect(sums).toEqual([
      ['fixed', 2_000, 20],
      ['still', 500, 20],
      ['new', 2_000, 20],
    ])
    expect(failures.still.samples[0]).toEqual({ key: 'k2000' })
    expect((await json('GET', `${at('many')}/comparison?from=1&to=3`)).status).toBe(404)
    expect((await json('GET', `${at('many')}/comparison?from=1`)).status).toBe(400)
  })

  it('come out the same where there is room for a few of the keys alone', async () => {
    const whole = (await compare('many', 1, 2)).failures
    await runInDurableObject(objectOf('many'), async (_, { storage }) => {
      const tables = new MigrationTables(storage)
      const few = await compareFailures(tables, tables.passes.get(1)!, tables.passes.get(2)!, 100)
      for (const kind of ['fixed', 'still', 'new'] as const) {
        expect(few[kind].objects).toBe(whole[kind].objects)
        expect(few[kind].samples).toHaveLength(20)
      }
    })
  })
})
