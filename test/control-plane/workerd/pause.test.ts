import { evictDurableObject } from 'cloudflare:test'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import { cutOf, heldOf, outcomeOf } from '../../support/scripted-agent.ts'
import { begin, json, prepare, toMigration } from './inside.ts'

beforeAll(prepare)

const to = async (id: string, deed: 'pause' | 'resume', body?: object) =>
  (await json<PassStatus>('POST', `/api/workspaces/local/migrations/${id}/passes/1/${deed}`, body)).body

/** An agent that has a survey and two copies, of three ready ones. */
async function working(id: string) {
  const object = await begin(id)
  const agent = await toMigration(id)
  await agent.hello('a')
  const [survey] = await agent.lease()
  await agent.ask(cutOf(survey!, null, ['b', 'd', 'f']))
  const copies = await agent.lease(2)
  return { object, agent, survey: survey!, copies }
}

describe('a paused pass', () => {
  it('leases nothing, lets what is at work come to its end, and has surveys back at once', async () => {
    const { object, agent, survey, copies } = await working('finishing')
    const status = await to('finishing', 'pause', {})
    expect(status).toMatchObject({
      state: 'running',
      paused: { by: expect.any(String), since: expect.any(Number) },
    })
    expect(await agent.next('drop')).toEqual({ t: 'drop', held: heldOf([survey]) })
    for (const copy of copies) expect(await agent.ask(outcomeOf(copy))).toMatchObject({ t: 'ack' })
    agent.free(3)
    // It stays so where the object has slept.
    await agent.settled()
    await evictDurableObject(object)
    await agent.settled()
    const { packets, paused } = (
      await json<PassStatus>('GET', '/api/workspaces/local/migrations/finishing/passes/1')
    ).body
    expect({ ready: packets.ready, leased: packets.leased, paused }).toEqual({
      ready: 2,
      leased: 0,
      paused: status.paused,
    })
    expect((await to('finishing', 'resume')).paused).toBeUndefined()
    const rest = await agent.lease(2)
    expect(rest.map(({ kind, after }) => [kind, after]).sort()).toEqual([
      ['copy', 'd'],
      ['survey', 'f'],
    ])
  })

  it('has everything back where it is to stop, and what comes of it later is refused', async () => {
    const { agent, survey, copies } = await working('stopping')
    const { packets } = await to('stopping', 'pause', { inFlight: 'stop' })
    expect(packets).toMatchObject({ ready: 4, leased: 0 })
    const dropped = await agent.next('drop')
    expect(dropped.held.map(({ packet }: { packet: number }) => packet).sort()).toEqual(
      [survey, ...copies].map(({ id }) => id).sort(),
    )
    expect(await agent.ask(outcomeOf(copies[0]!))).toMatchObject({ t: 'refused', code: 'stale' })
  })

  it('goes on when it is started again, is paused no more once it is over, and stays as it is after that', async () => {
    const { agent, survey } = await working('again')
    await agent.ask(cutOf(survey, 'f', [null]))
    await to('again', 'pause', {})
    const path = '/api/workspaces/local/migrations/again/passes'
    const { body } = await json<{ pass: PassStatus; resumed: boolean }>('POST', path, {})
    expect([body.resumed, body.pass.paused]).toEqual([true, undefined])
    await to('again', 'pause', { inFlight: 'stop' })
    await json('POST', `${path}/1/cancel`)
    const ended = (await json<PassStatus>('GET', `${path}/1`)).body
    expect([ended.state, ended.paused]).toEqual(['cancelled', undefined])
    expect((await to('again', 'pause', {})).paused).toBeUndefined()
    const next = (await json<{ pass: PassStatus }>('POST', path, {})).body.pass
    expect([next.number, next.state, next.paused]).toEqual([2, 'running', undefined])
  })
})
