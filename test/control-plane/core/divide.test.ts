/** Shares of an endpoint: what they add up to, whom they reach, and how soon. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  divide,
  fairPlaces,
  fairShares,
  type Holder,
  heard,
  isOver,
  kinds,
  type Use,
  validMs,
} from '../../../control-plane/core/divide.ts'
import type { LimitValues } from '../../../shared/limit.ts'

const sum = (values: number[]) => values.reduce((all, value) => all + value, 0)

describe('fair shares', () => {
  const wants = fc.array(
    fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constant(Number.POSITIVE_INFINITY)),
    { minLength: 1, maxLength: 40 },
  )

  test('are all of the limit, and nobody who wants more has less than an equal part', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), wants, (limit, all) => {
        const shares = fairShares(limit, all)
        expect(sum(shares)).toBeCloseTo(limit, 3)
        shares.forEach((share, i) => {
          expect(share).toBeGreaterThanOrEqual(Math.min(all[i]!, limit / all.length) * (1 - 1e-9))
        })
      }),
    )
  })

  test('leave what one does not want to the others', () => {
    expect(fairShares(90, [10, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])).toEqual([10, 40, 40])
    expect(fairShares(90, [10, 20])).toEqual([40, 50])
  })

  test('in whole numbers are all of them too, and in time everybody has one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 20 }), (limit, n) => {
        const all = Array.from({ length: n }, () => Number.POSITIVE_INFINITY)
        const had = new Set<number>()
        for (let turn = 0; turn < n; turn++) {
          const shares = fairPlaces(limit, all, turn)
          expect(sum(shares)).toBe(limit)
          for (const [i, share] of shares.entries()) if (share > 0) had.add(i)
        }
        expect(had.size).toBe(n)
      }),
    )
  })
})

/** Agents that obey what reaches them, as late as it does. */
class World {
  now = 0
  holders: ReadonlyMap<string, Holder> = new Map()
  limit: LimitValues
  number = 0
  readonly agents = new Map<string, Agent>()

  constructor(limit: LimitValues) {
    this.limit = limit
  }

  /** What all of them may do now, by their own clocks. */
  allowed(kind: (typeof kinds)[number]): number {
    return sum([...this.agents.values()].map((agent) => agent.may(kind, this.now)))
  }

  divide(): void {
    this.holders = divide(this.limit, this.holders, this.now, ++this.number)
    for (const [id, { told, number }] of this.holders) {
      const agent = this.agents.get(id)!
      if (number === this.number) agent.inbox.push({ told, number, heardOf: agent.heardOf })
    }
  }

  /** One that begins anew has a new session, which knows nothing. */
  hear(id: string): void {
    const agent = this.agents.get(id)!
    const message = agent.outbox.shift()
    if (!message) return
    agent.heardOf = message.sentAt
    const holder = this.holders.get(id)
    // As the fleet has it: nobody is believed to have what he was not given here.
    const use = holder ? message.use : { ...message.use, share: null }
    this.holders = new Map(this.holders).set(id, heard(holder, use, message.applied, this.now))
    this.divide()
    const { told, number } = this.holders.get(id)!
    agent.inbox.push({ told, number, heardOf: message.sentAt })
  }
}

class Agent {
  /** What it would use of anything, a second. */
  demand: number
  share: LimitValues | null = null
  applied = 0
  validUntil = 0
  /** When it sent what was heard of it last. */
  heardOf = 0
  inbox: { told: LimitValues; number: number; heardOf: number }[] = []
  outbox: { use: Use; applied: number; sentAt: number }[] = []

  constructor(demand: number) {
    this.demand = demand
  }

  may(kind: (typeof kinds)[number], now: number): number {
    return now < this.validUntil ? (this.share?.[kind] ?? 0) : 0
  }

  tell(now: number): void {
    const use = Object.fromEntries(
      kinds.map((kind) => [kind, Math.min(this.demand, this.may(kind, now))]),
    ) as Record<(typeof kinds)[number], number>
    const isHeld = (kind: (typeof kinds)[number]) => use[kind] < this.demand
    this.outbox.push({
      use: {
        ms: 1000,
        bytes: use.bandwidth,
        requests: use.requests,
        inFlight: Math.floor(use.concurrency),
        held: {
          bandwidth: isHeld('bandwidth'),
          requests: isHeld('requests'),
          concurrency: isHeld('concurrency'),
        },
        share: now < this.validUntil ? this.share : null,
      },
      applied: this.applied,
      sentAt: now,
    })
  }

  take(): void {
    const message = this.inbox.shift()
    if (!message) return
    this.share = message.told
    this.applied = message.number
    this.validUntil = Math.max(this.validUntil, message.heardOf + validMs)
  }
}

const limits = fc.record({
  bandwidth: fc.integer({ min: 8_000, max: 1_000_000_000 }),
  requests: fc.integer({ min: 1, max: 10_000 }),
  concurrency: fc.integer({ min: 1, max: 500 }),
})

describe('the division of an endpoint', () => {
  test('never lets all together do more than the limit, whatever comes when, or never', () => {
    const agent = fc.integer({ min: 0, max: 2 })
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ is: fc.constant('tells' as const), agent }) },
      { weight: 5, arbitrary: fc.record({ is: fc.constant('arrives' as const), agent }) },
      { weight: 5, arbitrary: fc.record({ is: fc.constant('obeys' as const), agent }) },
      { weight: 1, arbitrary: fc.record({ is: fc.constant('is silent' as const), agent }) },
      {
        weight: 1,
        arbitrary: fc.record({
          is: fc.constant('wants' as const),
          agent,
          demand: fc.constantFrom(0, 5_000, 1e5, 2e9),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ is: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 4_000 }) }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ is: fc.constant('limit' as const), by: fc.constantFrom(0.25, 0.5, 2) }),
      },
    )
    fc.assert(
      fc.property(limits, fc.array(step, { minLength: 20, maxLength: 200 }), (limit, steps) => {
        const world = new World(limit)
        // What a limit that was lowered finds given is let go of as it is told.
        const most = { ...limit }
        for (let i = 0; i < 3; i++) world.agents.set(`${i}`, new Agent(1e9))
        for (const each of steps) {
          if (each.is === 'time') world.now += each.ms
          else if (each.is === 'limit') {
            const by = (kind: (typeof kinds)[number]) => Math.max(1, Math.floor(world.limit[kind]! * each.by))
            world.limit = {
              bandwidth: by('bandwidth'),
              requests: by('requests'),
              concurrency: by('concurrency'),
            }
            world.divide()
          } else {
            const its = world.agents.get(`${each.agent}`)!
            if (each.is === 'tells') its.tell(world.now)
            if (each.is === 'arrives') world.hear(`${each.agent}`)
            if (each.is === 'obeys') its.take()
            if (each.is === 'wants') its.demand = each.demand
            if (each.is === 'is silent') {
              its.outbox = []
              its.inbox = []
            }
          }
          for (const kind of kinds) {
            const given = sum([...world.holders.values()].map(({ bound }) => bound[kind]))
            expect(world.allowed(kind)).toBeLessThanOrEqual(given * (1 + 1e-9))
            // What has begun is counted where it is heard of, whoever began it.
            if (kind !== 'concurrency')
              expect(given).toBeLessThanOrEqual(Math.max(world.limit[kind]!, most[kind]) * (1 + 1e-9))
            most[kind] = given
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  /** So many seconds in which everything arrives. */
  function run(world: World, seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      world.now += 1_000
      for (const [id, agent] of world.agents) {
        agent.tell(world.now)
        world.hear(id)
      }
      // What is lowered is told of at once, and what that frees given away.
      for (let round = 0; round < 3; round++) {
        for (const [id, agent] of world.agents) {
          const before = agent.applied
          while (agent.inbox.length > 0) agent.take()
          if (agent.applied === before) continue
          agent.tell(world.now)
          world.hear(id)
        }
      }
      for (const agent of world.agents.values()) while (agent.inbox.length > 0) agent.take()
    }
  }

  // Who could not use more has a quarter more than it uses, so that it is not held back by what it wants next; that is all that may lie idle.
  test('comes within three seconds to where those who want more have equal parts of what the others leave', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 }),
        (n, parts) => {
          const world = new World({ bandwidth: 1e6, requests: null, concurrency: null })
          for (let i = 0; i < n; i++) world.agents.set(`${i}`, new Agent(parts[i]! * 1e6))
          run(world, 3)
          const demands = parts.slice(0, n).map((part) => part * 1e6)
          const used = [...world.agents.values()].map((agent) =>
            Math.min(agent.demand, agent.may('bandwidth', world.now)),
          )
          expect(sum(used)).toBeGreaterThanOrEqual(Math.min(sum(demands), 1e6) * 0.75)
          for (const [i, demand] of demands.entries())
            expect(used[i]!).toBeGreaterThanOrEqual(Math.min(demand, 1e6 / n) * 0.9)
        },
      ),
    )
  })

  test('moves what one lets go of to the others, and gives it back', () => {
    const world = new World({ bandwidth: 1e6, requests: null, concurrency: null })
    const [a, b] = [new Agent(1e9), new Agent(1e9)]
    world.agents.set('a', a).set('b', b)
    run(world, 2)
    expect([a.may('bandwidth', world.now), b.may('bandwidth', world.now)]).toEqual([5e5, 5e5])
    a.demand = 1_000
    run(world, 15)
    expect(b.may('bandwidth', world.now)).toBeGreaterThan(9e5)
    a.demand = 1e9
    run(world, 2)
    expect(a.may('bandwidth', world.now)).toBeGreaterThan(4.8e5)
  })

  test('gives the share of a silent agent away when its budget has run out, and not before', () => {
    const world = new World({ bandwidth: 1e6, requests: null, concurrency: null })
    const [a, b] = [new Agent(1e9), new Agent(1e9)]
    world.agents.set('a', a).set('b', b)
    run(world, 2)
    const last = world.now
    world.agents.delete('a')
    world.divide = function (this: World) {
      this.holders = divide(this.limit, this.holders, this.now, ++this.number)
    }
    while (world.now < last + validMs) {
      run(world, 1)
      expect(b.may('bandwidth', world.now)).toBe(5e5)
    }
    run(world, 2)
    expect(b.may('bandwidth', world.now)).toBe(1e6)
    expect(a.may('bandwidth', last + validMs)).toBe(0)
  })

  test('follows a limit that is lowered, raised and taken away', () => {
    const world = new World({ bandwidth: 1e6, requests: 100, concurrency: 10 })
    for (const id of ['a', 'b', 'c']) world.agents.set(id, new Agent(1e9))
    run(world, 2)
    for (const limit of [
      { bandwidth: 3e5, requests: 7, concurrency: 2 },
      { bandwidth: 9e6, requests: 3_000, concurrency: 64 },
    ]) {
      world.limit = limit
      run(world, 2)
      for (const kind of kinds) expect(world.allowed(kind)).toBeCloseTo(limit[kind], 6)
    }
    world.limit = { bandwidth: null, requests: 50, concurrency: null }
    run(world, 2)
    for (const agent of world.agents.values()) expect(agent.share).toMatchObject({ bandwidth: null })
    expect(world.allowed('requests')).toBeCloseTo(50, 6)
    world.limit = { bandwidth: 1e6, requests: 50, concurrency: 3 }
    run(world, 2)
    expect(world.allowed('bandwidth')).toBeCloseTo(1e6, 6)
  })

  test('raises nothing while others may be using what nobody is known to have', () => {
    const use: Use = {
      ms: 1000,
      bytes: 0,
      requests: 0,
      inFlight: 0,
      held: { bandwidth: true, requests: true, concurrency: true },
      share: { bandwidth: 400, requests: 4, concurrency: 2 },
    }
    const limit = { bandwidth: 1_000, requests: 10, concurrency: 5 }
    const holders = new Map([['a', heard(undefined, use, 7, 0)]])
    expect(divide(limit, holders, 0, 8, false).get('a')!.told).toEqual(use.share)
    expect(divide(limit, holders, 0, 8, true).get('a')!.told).toEqual(limit)
    expect(isOver(holders.get('a')!, validMs)).toBe(false)
  })
})
