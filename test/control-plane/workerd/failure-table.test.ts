import { runInDurableObject } from 'cloudflare:test'
import { expect, it } from 'vitest'
import { createCauses, FailureTable } from '../../../control-plane/failure-table.ts'
import type { Key } from '../../../shared/key.ts'
import { objectOf } from './inside.ts'

it('failures of a version that knew no causes are found by their codes', async () => {
  await runInDurableObject(objectOf('before-causes'), (_, { storage: { sql } }) => {
    sql.exec(`
      DROP TABLE cause; DROP TABLE waiver; DROP TABLE failure; DROP TABLE pass;
      CREATE TABLE pass (number INTEGER PRIMARY KEY, started_at INTEGER, ended_at INTEGER, first_failure INTEGER);
      INSERT INTO pass VALUES (1, 10, 19, 1), (2, 20, 29, 1), (3, 30, NULL, 4);
      CREATE TABLE failure (
        id INTEGER PRIMARY KEY, packet INTEGER NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL,
        message TEXT NOT NULL, bytes INTEGER NOT NULL
      );
      INSERT INTO failure VALUES (1, 1, 'a', 'io', 'disk 1', 5), (2, 1, 'b', 'denied', 'no', 1),
        (3, 1, 'c', 'io', 'disk 2', 7), (4, 2, 'a', 'io', 'disk 3', 5);
    `)
    createCauses(sql)
    const table = new FailureTable(sql, (query, ...values) => void sql.exec(query, ...values))
    expect(table.causes(1)).toEqual([])
    expect(table.causes(2)).toMatchObject([
      { id: 1, code: 'denied', objects: 1, bytes: 1 },
      { id: 2, code: 'io', form: null, objects: 2, bytes: 12, firstAt: 20, lastAt: 29, samples: ['a'] },
    ])
    expect(table.list({ first: 1, end: 4 }, { cause: 2, state: 'open' }, 10)).toMatchObject([
      { id: 1, key: 'a', cause: 2, at: 29, retriedBy: null, waiver: null },
      { id: 3, key: 'c' },
    ])
    expect(table.causes(3)).toMatchObject([{ id: 1, objects: 1, lastAt: 30 }])
  })
})

it('a waiver is found by the object and the cause, and by nothing else', async () => {
  await runInDurableObject(objectOf('waivers'), (_, { storage: { sql } }) => {
    const table = new FailureTable(sql, (query, ...values) => void sql.exec(query, ...values))
    const failure = { key: 'k' as Key, code: 'io' as const, message: 'disk 1', bytes: 1 }
    const waiver = table.addWaiver({ by: 'me', reason: 'so', at: 1 })
    table.insert(1, 1, failure, { cause: 1, at: 1, waiver })
    expect(table.waiverOf(1, { ...failure, message: 'disk 2' })).toBe(waiver)
    expect(table.waiverOf(2, failure)).toBeNull()
    expect(table.waiverOf(1, { ...failure, message: 'other' })).toBeNull()
    expect(table.waiverOf(1, { ...failure, code: 'timeout' })).toBeNull()
    expect(table.waiverOf(1, { ...failure, key: 'K' as Key })).toBeNull()
  })
})
