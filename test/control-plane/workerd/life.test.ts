import { evictDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AuditEntry } from '../../../shared/api/audit.ts'
import type { MigrationView } from '../../../shared/api/migrations.ts'
import { outcomeOf } from '../../support/scripted-agent.ts'
import { call, json, objectOf, prepare } from './inside.ts'
import {
  answer,
  ask,
  check,
  equal,
  failing,
  following,
  frozen,
  halfway,
  later,
  nextPass,
  over,
  put,
  read,
  refusal,
  toReady,
  until,
} from './living.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

const at = (id: string) => `/api/workspaces/local/migrations/${id}`
const listed = async (id: string) => (await json<MigrationView>('GET', at(id))).body

describe('a migration that is started', () => {
  it('surveys, backfills, and follows by passes, less and less often where nothing changes', async () => {
    const id = 'begun'
    await put(id)
    expect(await read(id)).toMatchObject({ state: 'draft', revision: 0, commands: ['start'], next: null })
    expect((await listed(id)).life).toBeUndefined()
    await ask(id, 'start')
    const first = await nextPass(id)
    const copy = { kind: 'copy', remember: 'all', conflicts: 'overwrite', direction: 'forward' }
    expect(first.options).toMatchObject(copy)
    const life = await until(id, ({ state }) => state === 'following')
    expect(life.history.map(({ state }) => state)).toEqual(['following', 'backfilling', 'surveying'])
    expect(life.lag).toEqual({ age: 0, of: 'nothing', provenAt: first.startedAt, events: 0 })
    const pauses = []
    for (let i = 0; i < 5; i++) {
      const before = Date.now()
      pauses.push(Math.round(((await read(id)).next!.at! - before) / 1_000))
      await nextPass(id)
      await until(id, ({ next }) => (next?.at ?? 0) > Date.now())
    }
    expect(pauses.slice(1)).toEqual([20, 40, 80, 80])
    await vi.waitFor(async () => expect((await listed(id)).life?.state).toBe('following'), {
      timeout: 10_000,
    })
  })

  it('says how old the oldest difference is that it knows, and why', async () => {
    const id = 'lagging'
    await following(id)
    const pass = await nextPass(id, failing('a', 'b'))
    await later(id, 5_000)
    const since = (await read(id)).lag
    expect([since.of, Math.floor(since.age! / 1_000)]).toEqual(['failure', 5])
    await json('POST', `${at(id)}/passes/${pass.number}/failures/waive`, { reason: 'nobody needs it' })
    expect((await read(id)).lag).toMatchObject({ of: 'nothing', age: 0 })
    await later(id, 100_000)
    await vi.waitFor(async () => expect((await listed(id)).pass?.state).toBe('running'), { timeout: 10_000 })
    const { agent, packet } = await halfway(id)
    await later(id, 3_000)
    const { of, age } = (await read(id)).lag
    expect([of, Math.floor(age! / 1_000)]).toEqual(['pass', 3])
    await agent.ask(outcomeOf(packet, 2))
    await until(id, ({ lag }) => lag.of === 'nothing')
  })
})

describe('a pause', () => {
  it('lets nothing begin, and is that of the pass that runs too, whoever asks for it', async () => {
    const id = 'paused'
    await following(id)
    expect(await ask(id, 'pause', {})).toMatchObject({ paused: { by: 'the operator token' } })
    await later(id, 3_600_000)
    expect(await read(id)).toMatchObject({ state: 'following', pass: 1, next: { at: null } })
    expect((await refusal(id, 'passes', {})).detail).toBe('the migration is paused')
    expect((await refusal(id, 'life/verify', {})).hint).toMatch(/Resume it first/)
    await ask(id, 'resume')
    await until(id, ({ pass }) => pass === 2)
    const { agent, packet } = await halfway(id)
    expect((await json('POST', `${at(id)}/passes/2/pause`, { inFlight: 'stop' })).status).toBe(200)
    expect((await read(id)).paused).not.toBeNull()
    expect(await agent.ask(outcomeOf(packet, 2))).toMatchObject({ t: 'refused' })
    await evictDurableObject(objectOf(id))
    expect((await json<{ paused?: object }>('POST', `${at(id)}/passes/2/resume`)).body.paused).toBeUndefined()
    expect((await read(id)).paused).toBeNull()
  })

  it('is what becomes of a life whose pass somebody cancels: nothing begins in its place', async () => {
    const id = 'stopped'
    await put(id)
    await ask(id, 'start')
    await until(id, ({ pass }) => pass === 1)
    await json('POST', `${at(id)}/passes/1/cancel`)
    const life = await read(id)
    expect(life.paused?.by).toBe('the operator token')
    expect(life.history[0]?.why).toBe('Pass 1 was cancelled. Resume to go on.')
    await ask(id, 'resume')
    expect((await nextPass(id)).number).toBe(2)
    await until(id, ({ state }) => state === 'following')
  })
})

describe('the checklist', () => {
  it('refuses what comes out of turn, and says what can be done instead', async () => {
    const id = 'order'
    await put(id)
    expect(await refusal(id, 'life/cut-over')).toMatchObject({
      status: 409,
      detail: 'nothing follows the source (draft)',
    })
    await ask(id, 'start')
    await until(id, ({ pass }) => pass === 1)
    expect((await refusal(id, 'life/cut-over')).detail).toMatch(/the first pass is not done/)
    await nextPass(id)
    await until(id, ({ state }) => state === 'following')
    expect((await refusal(id, 'life/switch')).hint).toBe('Begin the checklist first: POST /life/cut-over.')
    expect((await refusal(id, 'life/close')).detail).toMatch(/neither cut over nor rolled back/)
    await ask(id, 'cut-over')
    const { revision } = await ask(id, 'cut-over')
    expect((await ask(id, 'cut-over')).revision).toBe(revision)
    expect((await refusal(id, 'life/steps/certificate', { do: 'retry' })).detail).toMatch(/comes after/)
    expect((await refusal(id, 'life/switch')).detail).toMatch(/^the step \w+ is not done/)
    await frozen(id)
    expect((await refusal(id, 'life/steps/last-pass', { do: 'waive', reason: 'no' })).detail).toBe(
      'the step last-pass cannot be waived',
    )
    // Once more is no error.
    await answer(id, 'freeze', { do: 'declare' })
    expect((await refusal(id, 'passes', {})).detail).toMatch(/begins its passes by itself/)
    expect(await ask(id, 'abandon')).toMatchObject({ state: 'following', checks: [] })
    const actions = (
      await json<{ entries: AuditEntry[] }>('GET', `/api/workspaces/local/audit?subject=migration/${id}`)
    ).body.entries
    expect(actions.map(({ action }) => action).filter((action) => action.startsWith('life'))).toEqual([
      ...['life.abandon', 'life.step.declare', 'life.cut-over', 'life.start'],
    ])
  })

  it('lets one of two operators win, and tells the other', async () => {
    const id = 'two'
    await following(id)
    const { revision } = await read(id)
    const post = (deed: string) =>
      call('POST', `${at(id)}/life/${deed}`, { headers: { 'if-match': `"${revision}"` } })
    const statuses = (await Promise.all([post('cut-over'), post('cancel')])).map(({ status }) => status)
    expect(statuses.sort()).toEqual([200, 412])
  })

  it('waits for what failed to be mended or waived, and takes the waiver for what a verification finds of it', async () => {
    const id = 'waived'
    await following(id)
    await ask(id, 'cut-over')
    const { number } = await nextPass(id, failing('a', 'b'))
    const life = await until(id, (now) => check(now, 'failures').state === 'asks')
    expect(check(life, 'failures').message).toMatch(/^2 objects are open/)
    expect((await refusal(id, 'life/steps/failures', { do: 'waive', reason: 'x' })).hint).toMatch(
      /failures\/waive/,
    )
    await json('POST', `${at(id)}/passes/${number}/failures/waive`, { reason: 'they may stay away' })
    expect(check(await read(id), 'failures')).toMatchObject({
      state: 'waived',
      message: '2 objects are waived.',
    })
    await answer(id, 'freeze', { do: 'declare' })
    await nextPass(id, failing('a', 'b'))
    const missing = () => {
      const { counts, failures } = failing('a', 'b')({} as never)
      return {
        counts,
        failures: failures!.map((one) => ({ ...one, code: 'missing' as const, message: 'Not there.' })),
      }
    }
    for (let i = 0; i < 3; i++) expect((await nextPass(id, missing)).state).toBe('complete')
    await until(id, ({ state }) => state === 'ready')
  })

  it('begins again with the last pass where the source still changes, and where a verification finds a difference', async () => {
    const id = 'moving'
    await following(id)
    await ask(id, 'cut-over')
    await frozen(id)
    expect((await nextPass(id, failing('a'))).state).toBe('incomplete')
    const failed = await until(id, (now) => check(now, 'last-pass').state !== 'waiting')
    expect(failed.state).toBe('verifying')
    for (const [kind, sees] of [['copy'], ['verify', 1], ['verify', 2]] as const)
      expect((await nextPass(id, equal(2), sees)).options.kind).toBe(kind)
    const moved = await read(id)
    expect(moved.next?.what).toMatch(/The source has changed between two listings \(passes 5 and 6\)/)
    for (const kind of ['copy', 'verify', 'verify']) expect((await nextPass(id)).options.kind).toBe(kind)
    expect((await nextPass(id, failing('b'))).options).toMatchObject({ kind: 'verify', depth: 'checksum' })
    // What a listing took for equal is looked at more closely from then on.
    const again = await nextPass(id)
    expect(again.options).toMatchObject({ kind: 'copy', compare: 'checksum', deleteAfter: 0 })
    for (let i = 0; i < 3; i++) expect((await nextPass(id)).options.kind).toBe('verify')
    await until(id, ({ state }) => state === 'ready')
  })
})

describe('a migration that is cut over', () => {
  it('follows back, lets no copy go the other way, and comes back by the same checklist', async () => {
    const id = 'whole'
    expect(await over(id)).toMatchObject({ state: 'cut-over', direction: 'back', checks: [] })
    expect((await refusal(id, 'passes', {})).detail).toMatch(/the application is at the destination/)
    const back = await nextPass(id)
    expect(back.options).toMatchObject({ direction: 'back', conflicts: 'park', remember: 'all' })
    expect((await refusal(id, 'life/cut-over')).hint).toMatch(/roll-back/)
    expect((await call('DELETE', at(id))).status).toBe(409)
    await ask(id, 'roll-back')
    await frozen(id)
    await toReady(id)
    expect(await ask(id, 'switch')).toMatchObject({ state: 'rolled-back', direction: 'forward' })
    expect((await nextPass(id)).options).toMatchObject({ direction: 'forward', conflicts: 'park' })
    await ask(id, 'cut-over')
    await frozen(id)
    await toReady(id)
    await ask(id, 'switch')
    expect(await ask(id, 'close')).toMatchObject({ state: 'closed', next: null, commands: [] })
    expect((await refusal(id, 'passes', {})).status).toBe(409)
    expect((await call('DELETE', at(id))).status).toBe(204)
  })

  it('goes on where it was when it is cancelled and started again', async () => {
    const id = 'again'
    await over(id)
    expect(await ask(id, 'cancel')).toMatchObject({ state: 'cancelled', direction: 'back' })
    expect(await ask(id, 'start')).toMatchObject({ state: 'cut-over', direction: 'back' })
    expect((await nextPass(id)).options.direction).toBe('back')
  })

  it('says before the switch that there is no way back, where there is none, and then follows nothing', async () => {
    const id = 'one-way'
    const mapping = { kind: 'template', pattern: '^(?<name>.*)$', to: 'x/{name}', unmatched: 'fail' }
    await following(id, { mapping })
    await ask(id, 'cut-over')
    await frozen(id)
    expect(check(await toReady(id), 'switch').message).toMatch(/There is no way back/)
    const life = await ask(id, 'switch')
    expect(life).toMatchObject({ state: 'cut-over', commands: ['cancel', 'close'] })
    expect((await refusal(id, 'life/roll-back')).detail).toMatch(/There is no way back/)
    await later(id, 3_600_000)
    expect((await read(id)).pass).toBe(life.pass)
  })
})
