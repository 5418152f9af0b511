import { beforeAll, describe, expect, it } from 'vitest'
import { listPasses } from '../../../shared/api/passes.ts'
import { outcomeOf } from '../../support/scripted-agent.ts'
import { begin, json, prepare, toMigration } from './inside.ts'

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
