import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { lateAfterMs, mostYields, yieldPauseMs } from '../../../control-plane/core/straggler.ts'
import type { PassStatus } from '../../../shared/api/migrations.ts'
import type { LeasedPacket } from '../../../shared/protocol.ts'
import { cutOf, heldOf, outcomeOf, type ScriptedAgent } from '../../support/scripted-agent.ts'
import { begin, json, passTime, prepare, toMigration } from './inside.ts'

beforeAll(prepare)
afterEach(() => void vi.useRealTimers())

/** Two agents, of which the first holds the last packet of a pass; each has done one of so many objects before, in so many ms. */
async function withStraggler(id: string, [slow, fast]: readonly [number, number] = [100, 100], objects = 2) {
  await begin(id)
  const holder = await toMigration(id, 'holder')
  const other = await toMigration(id, 'other')
  await holder.hello('holder')
  await other.hello('other')
  const [survey] = await holder.lease()
  await holder.ask(cutOf(survey!, null, ['a', 'b'], objects))
  await holder.ask(cutOf(survey!, 'b', [null]))
  for (const [agent, ms] of [[holder, slow] as const, [other, fast] as const]) {
    const [packet] = await agent.lease()
    passTime(ms)
    await agent.ask(outcomeOf(packet!, objects))
  }
  const [packet] = await holder.lease()
  other.free(1)
  await other.settled()
  return { holder, other, packet: packet! }
}

/** What it is asked for when it beats `ms` from now, if anything. */
async function askedAfter(ms: number, agent: ScriptedAgent, packet: LeasedPacket): Promise<number[]> {
  passTime(ms)
  agent.heartbeat(heldOf([packet]))
  await agent.settled()
  const asked = agent.inbox.flatMap((message) => (message.t === 'please-yield' ? [message.packet] : []))
  agent.inbox.splice(0)
  return asked
}

const status = async (id: string) =>
  (await json<PassStatus>('GET', `/api/workspaces/local/migrations/${id}/passes/1`)).body

describe('a straggler', () => {
  it('is asked to yield, and its rest goes to an idle agent', async () => {
    const { holder, other, packet } = await withStraggler('late')
    expect(await askedAfter(lateAfterMs - 100, holder, packet)).toEqual([])
    expect(await askedAfter(200, holder, packet)).toEqual([packet.id])
    expect((await holder.ask(outcomeOf(packet, 1, { through: 'x' }))).t).toBe('ack')
    const { packets } = await other.next('lease')
    expect(packets).toMatchObject([{ after: 'x', through: null, work: { objects: 1, bytes: 10 } }])
    await other.ask(outcomeOf(packets[0]!, 1))
    expect(await other.next('end')).toMatchObject({ state: 'complete' })
    expect((await status('late')).counts.objects.copied).toBe(6)
  })

  it('keeps its lease, so that its own outcome counts and nobody else’s', async () => {
    const { holder, other, packet } = await withStraggler('kept')
    expect(await askedAfter(2 * lateAfterMs, holder, packet)).toEqual([packet.id])
    expect((await other.ask(outcomeOf(packet))).t).toBe('refused')
    // It had begun everything already: nothing is left for anybody.
    await holder.ask(outcomeOf(packet))
    expect(await holder.next('end')).toMatchObject({ state: 'complete' })
    expect((await status('kept')).counts.objects.copied).toBe(6)
  })

  it('keeps what only a slower agent could take', async () => {
    const { holder, packet } = await withStraggler('slower', [10, 60_000])
    expect(await askedAfter(600_000, holder, packet)).toEqual([])
  })

  it('is asked again after a pause, and not for ever', async () => {
    const { holder, packet } = await withStraggler('deaf')
    expect(await askedAfter(lateAfterMs, holder, packet)).toEqual([packet.id])
    expect(await askedAfter(yieldPauseMs - 1_000, holder, packet)).toEqual([])
    for (let times = 1; times < mostYields; times++) {
      expect(await askedAfter(yieldPauseMs, holder, packet)).toEqual([packet.id])
    }
    expect(await askedAfter(10 * yieldPauseMs, holder, packet)).toEqual([])
  })

  it('is handed on a few times at most, though everybody is late with it', async () => {
    // Both have long been fast, so that one slow packet makes neither of them a slow agent.
    const { holder, other, packet } = await withStraggler('hot', [100_000, 100_000], 100_000)
    const agents = [holder, other]
    let held = packet
    for (let times = 0; times < mostYields; times++) {
      const [has, gets] = [agents[times % 2]!, agents[(times + 1) % 2]!]
      expect(await askedAfter(lateAfterMs, has, held)).toEqual([held.id])
      await has.ask(outcomeOf(held, 0, { through: `x${times}` }))
      held = (await gets.next('lease')).packets[0]!
      has.free(1)
      await has.settled()
    }
    const last = agents[mostYields % 2]!
    expect(await askedAfter(10 * yieldPauseMs, last, held)).toEqual([])
  })
})

describe('an agent that can work on nothing', () => {
  const unreachable = { code: 'unreachable', op: 'LIST', message: 'm', retry: 'later', hint: null } as const
  const fail = ({ id, generation }: LeasedPacket) =>
    ({ t: 'failed', packet: id, generation, error: unreachable }) as const
  /** A pass of ten packets, of which an agent has failed three. */
  async function withFailing(id: string): Promise<ScriptedAgent> {
    await begin(id)
    const failing = await toMigration(id, 'failing')
    await failing.hello('failing')
    const [survey] = await failing.lease()
    await failing.ask(cutOf(survey!, null, [...'abcdefghi', null]))
    for (const packet of await failing.lease(3)) await failing.ask(fail(packet))
    return failing
  }
  const leasedTo = async (agent: ScriptedAgent) => {
    agent.free(1)
    await agent.settled()
    return agent.inbox.splice(0).flatMap((message) => (message.t === 'lease' ? message.packets : []))
  }

  it('is given none for a while, while others are there', async () => {
    const failing = await withFailing('failing-one')
    const other = await toMigration('failing-one', 'other')
    await other.hello('other')
    expect(await leasedTo(failing)).toEqual([])
    expect(await leasedTo(other)).toHaveLength(1)
    passTime(3_000)
    expect(await leasedTo(failing)).toHaveLength(1)
  })

  it('goes on trying where it is alone, or where the others fare no better', async () => {
    const failing = await withFailing('failing-all')
    const [packet] = await leasedTo(failing)
    const other = await toMigration('failing-all', 'other')
    await other.hello('other')
    for (const lost of await other.lease(3)) await other.ask(fail(lost))
    await failing.ask(fail(packet!))
    expect(await leasedTo(other)).toHaveLength(1)
  })
})
