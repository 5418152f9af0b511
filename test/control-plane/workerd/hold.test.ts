import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { AgentMessage } from '../../../shared/protocol.ts'
import { cutOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, json, passTime, prepare, toMigration } from './inside.ts'

beforeAll(prepare)
afterEach(() => {
  vi.useRealTimers()
})

const statusOf = async (id: string) =>
  (await json<PassStatus>('GET', `/api/workspaces/local/migrations/${id}/passes/1`)).body

const inAnHour = () => Date.now() + 3_600_000

/** A pass that holds, with an agent that has a survey and, once it is cut, a copy. */
async function holding(id: string, until = inAnHour()) {
  const object = await begin(id)
  const agent = await toMigration(id)
  await agent.hello('a')
  const [survey] = await agent.lease()
  await object.holdPass(1, until)
  return { object, agent, until, survey: survey! }
}

/** The same, of which nothing is left to do. */
async function settled(id: string) {
  const all = await holding(id)
  await all.agent.ask(cutOf(all.survey, null, [null]))
  const [copy] = await all.agent.lease()
  await all.agent.ask(outcomeOf(copy!))
  return all
}

describe('a pass that holds', () => {
  it('stays open when nothing is left to do, where its object has slept too, and ends by itself', async () => {
    const { object, agent, survey, until } = await holding('holds')
    expect((await statusOf('holds')).holdsUntil).toBeUndefined()
    await agent.ask(cutOf(survey, null, [null]))
    const [copy] = await agent.lease()
    await agent.ask(outcomeOf(copy!))
    expect(await statusOf('holds')).toMatchObject({ state: 'running', holdsUntil: until })
    await evictDurableObject(object)
    expect(await statusOf('holds')).toMatchObject({ state: 'running', holdsUntil: until, agents: 1 })
    passTime(3_600_000)
    await runDurableObjectAlarm(object)
    expect(await agent.next('end')).toMatchObject({ pass: 1, state: 'complete' })
    const ended = await statusOf('holds')
    expect([ended.state, ended.holdsUntil]).toEqual(['complete', undefined])
  })

  it('is woken when it is over and not before', async () => {
    const { object, until } = await settled('woken')
    await runDurableObjectAlarm(object)
    expect(await statusOf('woken')).toMatchObject({ state: 'running', holdsUntil: until })
    expect(await runInDurableObject(object, (_, { storage }) => storage.getAlarm())).toBe(until)
  })

  it('ends at once where it is to hold no longer, and goes on while there is something to do', async () => {
    const { object, agent, survey } = await holding('lets-go')
    await object.holdPass(1, null)
    expect((await statusOf('lets-go')).state).toBe('running')
    await object.holdPass(1, inAnHour())
    await agent.ask(cutOf(survey, null, [null]))
    const [copy] = await agent.lease()
    await agent.ask(outcomeOf(copy!))
    expect((await object.holdPass(1, null))!.state).toBe('complete')
  })

  it('does not keep what is left to do from being done after its time', async () => {
    const { object, agent, survey } = await holding('late')
    passTime(3_700_000)
    await agent.ask(cutOf(survey, null, [null]))
    expect((await statusOf('late')).state).toBe('running')
    const [copy] = await agent.lease()
    expect((await object.passStatus(1))!.holdsUntil).toBeUndefined()
    agent.say({ ...outcomeOf(copy!), seq: 99 } as AgentMessage)
    expect(await agent.next('end')).toMatchObject({ state: 'complete' })
  })

  it('can be cancelled, and paused, and its end leaves nothing to the next', async () => {
    const { object } = await settled('cancelled')
    const path = '/api/workspaces/local/migrations/cancelled/passes'
    await json('POST', `${path}/1/pause`, {})
    expect(await statusOf('cancelled')).toMatchObject({ state: 'running', holdsUntil: expect.any(Number) })
    await json('POST', `${path}/1/cancel`)
    const { state, holdsUntil, paused } = await statusOf('cancelled')
    expect([state, holdsUntil, paused]).toEqual(['cancelled', undefined, undefined])
    const next = (await json<{ pass: PassStatus }>('POST', path, {})).body.pass
    expect([next.number, next.holdsUntil]).toEqual([2, undefined])
    const kept = await runInDurableObject(object, (_, { storage }) =>
      storage.sql.exec(`SELECT name FROM config ORDER BY name`).toArray(),
    )
    expect(kept).toEqual([{ name: 'definition' }])
  })
})
