import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuditEntry } from '../../../shared/api/audit.ts'
import type { MigrationView, PassStatus } from '../../../shared/api/migrations.ts'
import type { ScheduleView } from '../../../shared/api/schedules.ts'
import type { LifeView } from '../../../shared/life.ts'
import { call, definition, json, passTime, prepare } from './inside.ts'

const all = '/api/workspaces/local'
const timetable = () => env.TIMETABLE.getByName('local')
const put = async (id: string, body: object) =>
  (await json<ScheduleView & { detail: string }>('PUT', `${all}/schedules/${id}`, { migration: id, ...body }))
    .body
const read = async (id: string) => (await json<ScheduleView>('GET', `${all}/schedules/${id}`)).body
const wake = () => runDurableObjectAlarm(timetable())
const passOf = async (id: string, number = 1) =>
  (await json<PassStatus>('GET', `${all}/migrations/${id}/passes/${number}`)).body
const deed = (id: string, path: string) => json('POST', `${all}/migrations/${id}/${path}`, {})
const lifeOf = async (id: string) => (await json<LifeView>('GET', `${all}/migrations/${id}/life`)).body
const actions = async (id: string) =>
  (await json<{ entries: AuditEntry[] }>('GET', `${all}/audit?subject=schedule/${id}`)).body.entries
    .map(({ action }) => action.replace('schedule.', ''))
    .toReversed()
const migration = (id: string) => json<MigrationView>('PUT', `${all}/migrations/${id}`, definition)
/** The clock is moved, to the minute, and what is due then is done. */
async function at(moment: string): Promise<void> {
  passTime(Date.parse(moment) - Date.now())
  await wake()
}

beforeAll(prepare)
afterEach(async () => {
  const { schedules } = (await json<{ schedules: ScheduleView[] }>('GET', `${all}/schedules`)).body
  for (const { id } of schedules) await call('DELETE', `${all}/schedules/${id}`)
  await wake()
  vi.useRealTimers()
})

const nights = { cron: '0 22 * * *', window: { from: '22:00', to: '06:00' } }

describe('a schedule with a window', () => {
  it('pauses the pass that it started when the window ends, and lets it go on when the next begins', async () => {
    await migration('nights')
    await at('2038-02-01T12:00Z')
    const made = await put('nights', nights)
    expect(made).toMatchObject({ closedUntil: Date.parse('2038-02-01T22:00Z') })
    await at('2038-02-01T22:00Z')
    expect(await passOf('nights')).toMatchObject({ state: 'running' })
    await evictDurableObject(timetable())
    await at('2038-02-02T06:00Z')
    expect((await passOf('nights')).paused).toEqual({ since: expect.any(Number), by: 'schedule nights' })
    expect((await read('nights')).closedUntil).toBe(Date.parse('2038-02-02T22:00Z'))
    await at('2038-02-02T22:00Z')
    expect((await passOf('nights')).paused).toBeUndefined()
    // It is due then, too: what is still running is not joined.
    expect((await read('nights')).last).toMatchObject({ outcome: 'skipped', pass: 1 })
    expect(await actions('nights')).toEqual(['create', 'started', 'paused', 'resumed', 'skipped'])
  })

  it('leaves alone what others have started, paused, or resumed meanwhile', async () => {
    await migration('others')
    await at('2038-02-01T12:00Z')
    await put('others', nights)
    await deed('others', 'passes')
    await at('2038-02-01T22:00Z')
    await at('2038-02-02T06:00Z')
    expect((await passOf('others')).paused).toBeUndefined()
    await deed('others', 'passes/1/cancel')
    await at('2038-02-02T22:00Z')
    await deed('others', 'passes/2/pause')
    const { paused } = await passOf('others', 2)
    await at('2038-02-03T06:00Z')
    await at('2038-02-03T21:59Z')
    expect((await passOf('others', 2)).paused).toEqual(paused)
    await deed('others', 'passes/2/resume')
    await at('2038-02-04T06:00Z')
    await deed('others', 'passes/2/resume')
    await at('2038-02-04T12:00Z')
    expect((await passOf('others', 2)).paused).toBeUndefined()
  })

  it('lets go of what it has paused when it is deleted, or has other hours', async () => {
    await migration('edited')
    await at('2038-02-01T12:00Z')
    await put('edited', nights)
    await at('2038-02-01T22:00Z')
    await at('2038-02-02T06:00Z')
    await put('edited', { cron: '0 22 * * *' })
    await wake()
    expect((await passOf('edited')).paused).toBeUndefined()
    await put('edited', nights)
    await wake()
    expect((await passOf('edited')).paused).toMatchObject({ by: 'schedule edited' })
    await call('DELETE', `${all}/schedules/edited`)
    await wake()
    expect((await passOf('edited')).paused).toBeUndefined()
  })

  it('makes good what was missed when the window is open again', async () => {
    await migration('missed')
    await at('2038-02-01T12:00Z')
    await put('missed', nights)
    await at('2038-02-02T12:00Z')
    expect((await read('missed')).last).toBe(null)
    await at('2038-02-02T22:00Z')
    expect((await read('missed')).last).toMatchObject({ outcome: 'started', pass: 1 })
    expect((await read('missed')).next[0]).toBe(Date.parse('2038-02-03T22:00Z'))
  })
})

describe('a blackout', () => {
  it('lets nothing begin on its days, and pauses whatever runs', async () => {
    await migration('quiet')
    await at('2038-02-01T12:00Z')
    const made = await put('quiet', { cron: '0 3 * * *', blackouts: ['2038-02-02..2038-02-03'] })
    expect(made.next[0]).toBe(Date.parse('2038-02-04T03:00Z'))
    await deed('quiet', 'passes')
    await at('2038-02-02T00:00Z')
    expect((await passOf('quiet')).paused).toMatchObject({ by: 'schedule quiet' })
    await at('2038-02-04T00:00Z')
    expect((await passOf('quiet')).paused).toBeUndefined()
    expect(await actions('quiet')).toEqual(['create', 'paused', 'resumed'])
  })

  it('pauses a life as a whole', async () => {
    await migration('alive')
    await at('2038-02-01T12:00Z')
    await put('alive', { cron: null, at: '2038-02-01T13:00:00Z', starts: 'life', blackouts: ['2038-02-02'] })
    await at('2038-02-01T13:00Z')
    expect(await read('alive')).toMatchObject({ next: [], last: { outcome: 'started', pass: null } })
    expect((await lifeOf('alive')).state).not.toBe('draft')
    await at('2038-02-02T00:00Z')
    expect((await lifeOf('alive')).paused).toMatchObject({ by: 'schedule alive' })
    await at('2038-02-03T00:00Z')
    expect((await lifeOf('alive')).paused).toBe(null)
    await deed('alive', 'life/cancel')
  })
})

describe('a start at one moment', () => {
  it('is made once, is kept when it is done, and can be given another one', async () => {
    await migration('once')
    await at('2038-02-01T12:00Z')
    const made = await put('once', { at: '2038-02-01T14:00:00+01:00' })
    expect(made.next).toEqual([Date.parse('2038-02-01T13:00Z')])
    // Nobody was there at that moment.
    await at('2038-02-01T13:30Z')
    const done = await read('once')
    expect(done).toMatchObject({ next: [], enabled: true, last: { outcome: 'started', pass: 1 } })
    await at('2038-02-02T13:00Z')
    expect(await read('once')).toEqual(done)
    const kept = await put('once', { at: '2038-02-01T14:00:00+01:00', enabled: false })
    expect(kept).toMatchObject({ enabled: false, last: { outcome: 'started' } })
    expect((await put('once', { at: '2038-02-02T13:00:00Z' })).detail).toContain('is in the past')
    expect((await put('once', { at: '2038-02-02T13:01:00Z' })).next).toHaveLength(1)
    await deed('once', 'passes/1/cancel')
    await at('2038-02-02T13:01Z')
    expect((await read('once')).last).toMatchObject({ outcome: 'started', pass: 2 })
    const known = await runInDurableObject(timetable(), (_, { storage }) =>
      storage.sql.exec('SELECT id FROM entry').toArray(),
    )
    expect(known).toEqual([])
  })

  it('is refused where nothing may start then', async () => {
    await migration('wrong')
    await at('2038-02-01T12:00Z')
    const wrong = async (body: object) => (await put('wrong', body)).detail
    expect(await wrong({ at: '2038-02-02T12:00:00Z', window: nights.window })).toContain(
      'is outside its window',
    )
    expect(await wrong({ at: '2038-02-02T12:00:00Z', blackouts: ['2038-02-02'] })).toContain(
      'of its blackouts',
    )
    expect(await wrong({ cron: '0 12 * * *', window: nights.window })).toContain(
      'never due while its window is open',
    )
  })
})

describe('several schedules of one migration', () => {
  it('are told where they are due at the same time', async () => {
    await migration('both')
    await at('2038-02-01T12:00Z')
    await put('both', { cron: '0 3 * * *' })
    expect((await put('apart', { migration: 'both', cron: '30 3 * * *' })).collides).toEqual([])
    const late = await put('late', { migration: 'both', cron: '0 3 * * mon', options: { kind: 'verify' } })
    expect(late.collides).toEqual([{ schedule: 'both', at: Date.parse('2038-02-08T03:00Z') }])
    await at('2038-02-08T03:00Z')
    const outcomes = [(await read('both')).last!.outcome, (await read('late')).last!.outcome]
    expect(outcomes.toSorted()).toEqual(['skipped', 'started'])
  })
})
