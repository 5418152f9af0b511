import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fateOf, verdict } from '../../agent/core/mirror-verdict.ts'
import { Journal } from '../../agent/mirror/journal.ts'
import { openTables, type Tables } from '../../agent/mirror/journal-tables.ts'
import type { Key } from '../../shared/key.ts'

const key = (text: string) => text as Key
const alike = () => ({ key: 'alike', late: false }) as const
const dirty = () => ({ key: 'dirty', late: false }) as const
const late = () => ({ key: 'dirty', late: true }) as const

function journal(): { file: string; open(now?: () => number): Journal; syncs(): number } {
  const dir = mkdtempSync(join(tmpdir(), 'dray-journal-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'journal.sqlite')
  let count = 0
  return {
    file,
    syncs: () => count,
    open(now = Date.now) {
      const tables = openTables(file)
      const counted: Tables = {
        ...tables,
        sync() {
          count++
          return tables.sync()
        },
      }
      return new Journal(counted, { now, lateMs: 1_000 })
    },
  }
}

describe('the journal', () => {
  it('shares the disk: intents that come together are one sync, those that come meanwhile the next', async () => {
    const { open, syncs } = journal()
    const it = open()
    const many = Array.from({ length: 200 }, (_, i) => it.begin([key(`${i}`)], 'put'))
    await many[0]
    await Promise.all([...many, it.begin([key('later')], 'put')])
    expect(syncs()).toBe(2)
    expect(it.open).toBe(201)
    it.close()
  })

  it('finds what was under way dirty at the next start, and what was clean clean', async () => {
    const { open } = journal()
    let it = open()
    await it.begin([key('a'), key('\x00\xff')], 'put')
    it.end(await it.begin([key('b')], 'put'), alike)
    await it.flushed()
    it.close()
    it = open()
    expect(it.figures).toMatchObject({ open: 0, dirty: 2 })
    expect(['a', '\x00\xff', 'b'].map((each) => it.isUncertain(key(each)))).toEqual([true, true, false])
    it.close()
  })

  it('calls no key clean while a write may still land at it, whatever succeeds meanwhile', async () => {
    let now = 10_000
    const { open } = journal()
    const it = open(() => now)
    it.end(await it.begin([key('a')], 'put'), late)
    it.end(await it.begin([key('a')], 'put'), alike)
    await it.flushed()
    const [row] = it.due(10)
    await it.repaired(row!, false)
    expect(it.isUncertain(key('a'))).toBe(true)
    expect(it.due(10)).toEqual([])
    now += 1_000
    await it.repaired(it.due(10)[0]!, false)
    expect(it.figures.dirty).toBe(0)
    it.close()
  })

  it('does not take for repaired what was written meanwhile', async () => {
    const { open } = journal()
    const it = open()
    it.end(await it.begin([key('a')], 'put'), dirty)
    await it.flushed()
    const [row] = it.due(10)
    it.end(await it.begin([key('a')], 'put'), dirty)
    await it.repaired(row!, false)
    expect(it.figures.dirty).toBe(1)
    it.close()
  })

  it('remembers a delete with its intent, until the key is written again or nothing falls back', async () => {
    const { open } = journal()
    const it = open()
    it.end(await it.begin([key('a'), key('b')], 'delete'), alike)
    await it.flushed()
    expect(it.tombstones(null, 10)).toEqual(['a', 'b'])
    it.end(await it.begin([key('a')], 'put'), alike)
    await it.flushed()
    expect(it.tombstones(null, 10)).toEqual(['b'])
    await it.forgetTombstones()
    expect(it.isUncertain(key('b'))).toBe(false)
    it.close()
  })

  it('writes nothing any more once the disk has failed', async () => {
    const { file } = journal()
    const tables = openTables(file)
    const it = new Journal({ ...tables, sync: () => Promise.reject(new Error('EIO')) }, { lateMs: 0 })
    await expect(it.begin([key('a')], 'put')).rejects.toThrow('EIO')
    await expect(it.begin([key('b')], 'put')).rejects.toThrow('EIO')
    expect(it.broken).toBe('EIO')
    expect(it.open).toBe(0)
    it.close()
  })
})

it('gives the word to the side of record', () => {
  const fates = ['done', 'refused', 'unknown'] as const
  const table = fates.flatMap((record) =>
    fates.map((follower) => {
      const { told, key: is, late: isLate } = verdict(record, follower)
      return `${record} ${follower}: ${told}, ${is}${isLate ? ', late' : ''}`
    }),
  )
  expect(table).toEqual([
    'done done: done, alike',
    'done refused: done, dirty',
    'done unknown: done, dirty, late',
    'refused done: refused, dirty',
    'refused refused: refused, as-it-was',
    'refused unknown: refused, dirty, late',
    'unknown done: unknown, dirty, late',
    'unknown refused: unknown, dirty, late',
    'unknown unknown: unknown, dirty, late',
  ])
  expect([200, 204, 304, 403, 412, 500, 503].map(fateOf)).toEqual([
    'done',
    'done',
    'refused',
    'refused',
    'refused',
    'unknown',
    'refused',
  ])
})
