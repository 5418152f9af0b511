import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { stuckAfterMs } from '../../../control-plane/core/stuck.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { cutOf, heldOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, json, passTime, prepare, toMigration } from './inside.ts'

beforeAll(prepare)
afterEach(() => vi.useRealTimers())

const passOf = async (id: string) =>
  (await json<PassStatus>('GET', `/api/workspaces/local/migrations/${id}/passes/1`)).body

it('a lease that stands still though its agent is there is taken back, told of, and parked where that goes on', async () => {
  const object = await begin('still')
  const agent = await toMigration('still')
  await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(cutOf(survey!, null, ['d', null]))
  const copies = await agent.lease(2)
  const [stuck, works] = [copies[0]!, copies[1]!]
  const stand = (packets: typeof copies, ms: number) =>
    agent.say({
      ...{ t: 'heartbeat', held: heldOf(copies), inFlight: { objects: 0, bytes: 0 } },
      still: heldOf(packets).map((held) => ({ ...held, ms })),
    })

  stand(copies, stuckAfterMs - 1)
  // One that it does not hold any more is nobody's.
  agent.say({
    ...{ t: 'heartbeat', held: heldOf(copies), inFlight: { objects: 0, bytes: 0 } },
    still: [{ packet: stuck.id, generation: stuck.generation + 1, ms: stuckAfterMs }],
  })
  await agent.settled()
  expect((await passOf('still')).packets).toMatchObject({ ready: 0, leased: 2 })

  stand([stuck], stuckAfterMs)
  expect(await agent.next('drop')).toEqual({ t: 'drop', held: heldOf([stuck]) })
  expect(await passOf('still')).toMatchObject({
    packets: { ready: 1, leased: 1 },
    errors: [{ error: { code: 'timeout', message: expect.stringContaining('60 minutes') }, packets: 1 }],
  })
  expect(await agent.ask(outcomeOf(stuck))).toMatchObject({ t: 'refused', code: 'stale' })
  await agent.ask(outcomeOf(works))

  for (let tries = 2; tries <= 5; tries++) {
    passTime(10_000)
    await agent.settled()
    passTime(60_000)
    agent.heartbeat([])
    await runDurableObjectAlarm(object)
    const [again] = await agent.lease()
    expect(again!.id).toBe(stuck.id)
    const held = heldOf([again!])
    const still = held.map((each) => ({ ...each, ms: stuckAfterMs }))
    agent.say({ t: 'heartbeat', held, inFlight: { objects: 0, bytes: 0 }, still })
    if (tries < 5) await agent.next('drop')
  }
  await agent.next('end')
  expect(await passOf('still')).toMatchObject({ state: 'incomplete', packets: { parked: 1, done: 2 } })
  const told = await runInDurableObject(object, (_, { storage }) =>
    [...storage.sql.exec('SELECT * FROM event'), ...storage.sql.exec('SELECT * FROM announcement')].map(
      (row) => JSON.stringify(row),
    ),
  )
  expect(told.filter((row) => row.includes('stuck') && row.includes('packets'))).not.toHaveLength(0)
})
