import { runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { MigrationTables } from '../../../control-plane/migration-tables.ts'
import { thin } from '../../../control-plane/thinning.ts'
import { objectOf, prepare } from './inside.ts'
import { ask, check, failing, following, frozen, nextPass, read, toReady } from './living.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

it('forgets what a later pass has superseded, and nothing of what is certified or still open', async () => {
  const id = 'thinned'
  await following(id)
  await nextPass(id, failing('a', 'b'))
  await ask(id, 'cut-over')
  await frozen(id)
  const certified = check(await toReady(id), 'verification').pass!
  await ask(id, 'abandon')
  await nextPass(id, failing('c'))
  const last = (await nextPass(id, failing('c'))).number
  await runInDurableObject(objectOf(id), (_, { storage }) => {
    const tables = new MigrationTables(storage)
    const packetsOf = (pass: number) => {
      const [first, end] = [tables.passes.get(pass)!.firstPacket, tables.passes.endOfPackets(pass)]
      const query = 'SELECT COUNT(*) AS n FROM packet WHERE id >= ? AND id < ?'
      return storage.sql.exec<{ n: number }>(query, first, end).one().n
    }
    const numbers = Array.from({ length: last }, (_, i) => i + 1)
    expect(numbers.every((pass) => packetsOf(pass) > 0)).toBe(true)
    const next = tables.failures.next()
    // There is room for all of them.
    thin(tables)
    expect(numbers.every((pass) => packetsOf(pass) > 0)).toBe(true)
    thin(tables, 0, 2)
    expect(numbers.filter((pass) => packetsOf(pass) > 0)).toEqual([certified, last - 1, last])
    expect(tables.failures.next()).toBe(next)
    expect(tables.failures.count(tables.failureIds(tables.passes.get(2)!), {}, 10)).toBe(0)
    expect(tables.passes.get(2)!.counters.counts.objects.failed).toBe(2)
  })
  expect((await read(id)).lag.of).toBe('failure')
  expect((await nextPass(id)).state).toBe('complete')
})
