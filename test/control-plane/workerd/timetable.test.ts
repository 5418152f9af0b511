import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuditEntry } from '../../../shared/api/audit.ts'
import type { MigrationView } from '../../../shared/api/migrations.ts'
import type { ScheduleView } from '../../../shared/api/schedules.ts'
import { call, definition, json, passTime, prepare, toMigration } from './inside.ts'

const all = '/api/workspaces/local'
const hour = 3_600_000
const timetable = () => env.TIMETABLE.getByName('local')
const put = (id: string, body: object) =>
  json<ScheduleView & { detail: string }>('PUT', `${all}/schedules/${id}`, body)
const read = async (id: string) => (await json<ScheduleView>('GET', `${all}/schedules/${id}`)).body
const lastPass = async (id: string) =>
  (await json<MigrationView>('GET', `${all}/migrations/${id}`)).body.pass?.number ?? 0
const actions = async (id: string) =>
  (await json<{ entries: AuditEntry[] }>('GET', `${all}/audit?subject=schedule/${id}`)).body.entries.map(
    ({ action, actor }) => `${action} by ${actor.kind}`,
  )

async function migration(id: string, more: object = {}) {
  expect((await json('PUT', `${all}/migrations/${id}`, { ...definition, ...more })).status).toBe(201)
}
const wake = () => runDurableObjectAlarm(timetable())
const cancel = (id: string, pass: number) => json('POST', `${all}/migrations/${id}/passes/${pass}/cancel`)

beforeAll(prepare)
afterEach(async () => {
  for (const { id } of (await json<{ schedules: ScheduleView[] }>('GET', `${all}/schedules`)).body
    .schedules) {
    await call('DELETE', `${all}/schedules/${id}`)
  }
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('a schedule', () => {
  it('starts a pass when it is due, with its options over those of the policy', async () => {
    await migration('hourly', { policy: { delete: true, compare: 'mtime' } })
    const made = await put('hourly', { migration: 'hourly', cron: '0 * * * *', options: { compare: 'full' } })
    expect(made.status).toBe(201)
    expect(made.body.next).toHaveLength(3)
    expect(await lastPass('hourly')).toBe(0)
    passTime(made.body.next[0]! - Date.now())
    expect(await wake()).toBe(true)
    const { last, next } = await read('hourly')
    expect(last).toMatchObject({ outcome: 'started', pass: 1, due: made.body.next[0] })
    expect(next[0]).toBe(made.body.next[1])
    const pass = await json('GET', `${all}/migrations/hourly/passes/1`)
    expect(pass.body).toMatchObject({ state: 'running', options: { delete: true, compare: 'full' } })
    expect(await actions('hourly')).toEqual(['schedule.started by system', 'schedule.create by machine'])
  })

  it('lets a pass that is still running end, and says so', async () => {
    await migration('slow')
    vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response(null, { status: 204 }))
    const hook = { id: 'slow', url: 'https://example.com/', events: ['schedule.missed'] }
    expect((await json('POST', `${all}/webhooks`, hook)).status).toBe(201)
    const { body } = await put('slow', { migration: 'slow', cron: '0 * * * *' })
    passTime(body.next[0]! - Date.now())
    await wake()
    passTime(hour)
    await wake()
    expect((await read('slow')).last).toMatchObject({ outcome: 'skipped', pass: 1 })
    expect((await actions('slow'))[0]).toBe('schedule.skipped by system')
    const told = await json<{ deliveries: { type: string; event: string }[] }>(
      'GET',
      `${all}/webhooks/slow/deliveries`,
    )
    const due = body.next[1]!
    expect(told.body.deliveries).toMatchObject([
      { type: 'schedule.missed', event: `local_slow_${due}_schedule-missed` },
    ])
    await call('DELETE', `${all}/webhooks/slow`)
    await cancel('slow', 1)
    passTime(hour)
    await wake()
    expect((await read('slow')).last).toMatchObject({ outcome: 'started', pass: 2 })
  })

  it('makes good what was missed while the control plane was away, once', async () => {
    await migration('away')
    const { body } = await put('away', { migration: 'away', cron: '0 * * * *' })
    await evictDurableObject(timetable())
    passTime(body.next[2]! + 60_000 - Date.now())
    await wake()
    const { last, next } = await read('away')
    expect(last).toMatchObject({ outcome: 'started', due: body.next[0] })
    expect(next[0]).toBe(body.next[2]! + hour)
    await wake()
    expect((await read('away')).last).toEqual(last)
  })

  it('keeps its time when others change, and takes another when it is edited itself', async () => {
    await migration('kept')
    const { body } = await put('kept', { migration: 'kept', cron: '0 * * * *' })
    passTime(body.next[0]! + 1_000 - Date.now())
    await put('other', { migration: 'kept', cron: '30 2 * * *' })
    const dues = () =>
      runInDurableObject(timetable(), (_, state) =>
        Object.fromEntries(
          state.storage.sql
            .exec<{ id: string; due: number }>('SELECT id, due FROM entry')
            .toArray()
            .map(({ id, due }) => [id, due]),
        ),
      )
    expect((await dues()).kept).toBe(body.next[0])
    await put('kept', { migration: 'kept', cron: '15 * * * *' })
    expect((await dues()).kept).toBeGreaterThan(Date.now())
    await put('kept', { migration: 'kept', cron: '15 * * * *', enabled: false })
    expect((await dues()).kept).toBeUndefined()
    expect((await read('kept')).next).toEqual([])
  })

  it('tells of what it could not start, and goes on', async () => {
    await migration('broken', { source: { ...definition.source, bucket: 'c' } })
    const { body } = await put('broken', { migration: 'broken', cron: '0 * * * *' })
    await env.DB.prepare("UPDATE schedules SET migration = 'nowhere' WHERE id = 'broken'").run()
    passTime(body.next[0]! - Date.now())
    await wake()
    expect((await read('broken')).last).toMatchObject({
      outcome: 'failed',
      pass: null,
      message: 'there is no migration nowhere',
    })
    expect((await read('broken')).next).toHaveLength(3)
  })

  it('is refused where it could never start a pass', async () => {
    await migration('sane')
    const wrong = async (body: object) =>
      (await put('wrong', { migration: 'sane', cron: '0 * * * *', ...body })).body.detail
    expect(await wrong({ migration: 'nobody' })).toBe('there is no migration nobody')
    expect(await wrong({ cron: '0 25 * * *' })).toMatch(/^cron: .*hour/)
    expect(await wrong({ cron: '0 0 31 6 *' })).toBe('cron: 0 0 31 6 * is never due')
    expect(await wrong({ cron: '0 0 0 * * *' })).toMatch(/five fields/)
    expect(await wrong({ zone: 'Mars/Olympus' })).toMatch(/IANA/)
    expect(await wrong({ more: 1 })).toMatch(/more/)
  })

  it('is edited by who read it as it is', async () => {
    await migration('twice')
    const body = { migration: 'twice', cron: '0 * * * *' }
    await put('twice', body)
    const edit = (revision: number) =>
      call('PUT', `${all}/schedules/twice`, {
        body: JSON.stringify({ ...body, cron: '1 * * * *' }),
        headers: { 'if-match': `"${revision}"` },
      })
    expect((await edit(1)).status).toBe(200)
    expect((await edit(1)).status).toBe(412)
  })
})

describe('deleting a migration', () => {
  it('is refused while a pass runs, and takes its passes, reports and schedules along', async () => {
    await migration('going')
    await put('going', { migration: 'going', cron: '0 * * * *' })
    await json('POST', `${all}/migrations/going/passes`, {})
    const busy = await json<{ detail: string }>('GET', `${all}/migrations/going`)
    expect(busy.status).toBe(200)
    expect((await call('DELETE', `${all}/migrations/going`)).status).toBe(409)
    await cancel('going', 1)
    await env.REPORTS.put('local/migrations/going/passes/1/1-1.ndjson.gz', 'x')
    await env.REPORTS.put('local/migrations/going-too/passes/1/1-1.ndjson.gz', 'x')
    expect((await call('DELETE', `${all}/migrations/going`)).status).toBe(204)
    expect((await call('DELETE', `${all}/migrations/going`)).status).toBe(404)
    expect((await call('GET', `${all}/schedules/going`)).status).toBe(404)
    const left = (await env.REPORTS.list()).objects.map(({ key }) => key)
    expect(left).toEqual(['local/migrations/going-too/passes/1/1-1.ndjson.gz'])
    await migration('going')
    const again = await json<{ pass: { number: number } }>('POST', `${all}/migrations/going/passes`, {})
    expect([again.status, again.body.pass.number]).toEqual([201, 1])
    // The object has forgotten all of the one before, and works.
    await toMigration('going')
  })
})

describe('the policy of a migration', () => {
  it('says what its passes do, where they are not told otherwise', async () => {
    await migration('policed', { policy: { delete: true, fidelity: { tags: 'drop' } } })
    const begun = await json<{ pass: { options: object } }>('POST', `${all}/migrations/policed/passes`, {
      kind: 'verify',
    })
    expect(begun.body.pass.options).toMatchObject({
      kind: 'verify',
      delete: false,
      fidelity: { tags: 'drop', acl: 'drop' },
    })
  })

  it('is edited, and refused where it could lose what it does not know', async () => {
    await migration('edited', {
      mapping: { kind: 'prefix', from: 'a', to: 'b', unmatched: 'fail' },
      filter: { include: ['*.jpg'], exclude: [], only: null },
    })
    const edit = (policy: object) =>
      json<MigrationView & { detail: string }>('PATCH', `${all}/migrations/edited`, { policy })
    expect((await edit({ compare: 'full' })).body).toMatchObject({ policy: { compare: 'full' }, revision: 2 })
    expect((await edit({ compare: 'full' })).body.revision).toBe(2)
    expect((await edit({ delete: true })).body.detail).toMatch(/nothing can be deleted/)
  })
})

it('refuses a migration that would read what it writes', async () => {
  const bucket = (prefix: string) => ({ ...definition.source, bucket: 'one', prefix })
  const attempt = async (source: string, destination: string) =>
    (
      await json<{ detail: string }>('PUT', `${all}/migrations/overlaps`, {
        ...definition,
        source: bucket(source),
        destination: bucket(destination),
      })
    ).body.detail
  expect(await attempt('', '')).toBe('source and destination are the same place: s3://one/')
  expect(await attempt('a/', 'a/b/')).toMatch(/is inside the source/)
  expect(await attempt('a/b/', 'a/')).toBeUndefined()
  const deleting = await json<{ detail: string }>('POST', `${all}/migrations/overlaps/passes`, {
    delete: true,
  })
  expect(deleting.body.detail).toBe('the source is inside the destination, where it would be deleted')
})
