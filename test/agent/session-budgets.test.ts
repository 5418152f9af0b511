/** The agent's part of the governor: what it tells, what it obeys, and for how long. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Budgets, openBudgets } from '../../agent/session/budgets.ts'
import type { Allowance } from '../../agent/storage/allowance.ts'
import type { LimitValues } from '../../shared/limit.ts'
import type { FleetAgentMessage } from '../../shared/protocol.ts'

type Usage = FleetAgentMessage & { t: 'usage' }
const store = 'https://s3.example.com'
const share = (bandwidth: number | null): LimitValues => ({ bandwidth, requests: null, concurrency: null })
const open: Budgets[] = []
afterEach(() => {
  for (const budgets of open.splice(0)) budgets.close()
})

function agent(own?: (endpoint: string) => LimitValues | null) {
  const told: Usage[] = []
  const allowances = new Map<string, Allowance | null>()
  const budgets = openBudgets({ own, changed: (endpoint, allowance) => allowances.set(endpoint, allowance) })
  open.push(budgets)
  budgets.connect((usage) => told.push(usage))
  let number = 0
  return {
    told,
    budgets,
    allowance: () => allowances.get(store),
    limited: (...endpoints: string[]) => budgets.heard({ t: 'limited', endpoints }),
    budget: (values: LimitValues, { heard = told.at(-1)!.seq, validMs = 15_000 } = {}) =>
      budgets.heard({
        t: 'budget',
        number: ++number,
        heard,
        validMs,
        shares: [{ endpoint: store, share: values }],
      }),
  }
}

describe('an agent', () => {
  test('tells nothing of endpoints without a limit, nor of those that it does not use', () => {
    const { told, budgets, allowance, limited } = agent()
    budgets.used(store)
    expect(allowance()).toBeUndefined()
    limited(store)
    expect(allowance()!.isValid).toBe(false)
    expect(told).toEqual([])
  })

  test('asks as soon as something needs a share, once, and does as it is told', () => {
    const { told, budgets, allowance, limited, budget } = agent()
    limited(store)
    budgets.needed(store)
    budgets.needed(store)
    expect(told).toHaveLength(1)
    expect(told[0]).toMatchObject({ applied: 0, endpoints: [{ endpoint: store, share: null }] })
    expect(told[0]!.endpoints[0]!.held).toEqual({ bandwidth: true, requests: true, concurrency: true })
    budget(share(1_000_000))
    expect(allowance()).toMatchObject({ isValid: true, bandwidth: 1_000_000 })
  })

  test('says at once that it obeys a lower share, for which others wait', () => {
    const { told, budgets, limited, budget } = agent()
    limited(store)
    budgets.needed(store)
    budget(share(1_000_000))
    budget(share(2_000_000))
    expect(told).toHaveLength(1)
    budget(share(500_000))
    expect(told).toHaveLength(2)
    expect(told[1]).toMatchObject({ applied: 3, endpoints: [{ share: { bandwidth: 500_000 } }] })
  })

  test('does nothing more when its share is not confirmed in time, counted from when it asked', async () => {
    const { budgets, allowance, limited, budget } = agent()
    limited(store)
    budgets.needed(store)
    budget(share(1_000_000), { validMs: 50 })
    while (allowance()!.isValid) await new Promise((resolve) => setTimeout(resolve, 5))
    expect([allowance()!.bytesWait, allowance()!.requestsWait]).toEqual([null, null])
    // It had asked longer ago than that holds.
    budget(share(1_000_000), { validMs: 1 })
    expect(allowance()!.isValid).toBe(false)
  })

  test('takes no share of what it gave back, though it was on its way', () => {
    const { told, budgets, allowance, limited, budget } = agent()
    limited(store)
    budgets.needed(store)
    const { seq } = told[0]!
    limited()
    limited(store)
    budgets.needed(store)
    budget(share(1_000_000), { heard: seq })
    expect(allowance()!.isValid).toBe(false)
    budget(share(1_000_000))
    expect(allowance()!.isValid).toBe(true)
  })

  test('gives everything back when it leaves', () => {
    const { told, budgets, limited, budget } = agent()
    limited(store)
    budgets.needed(store)
    budget(share(1_000_000))
    budgets.close()
    expect(told.at(-1)!.endpoints).toEqual([])
  })

  test('keeps to the lower of what it is told and what it was begun with', () => {
    const { told, budgets, allowance, limited, budget } = agent(() => share(300_000))
    budgets.used(store)
    expect(allowance()).toMatchObject({ isValid: true, bandwidth: 300_000 })
    limited(store)
    expect(allowance()!.isValid).toBe(false)
    budgets.needed(store)
    budget(share(1_000_000))
    expect(allowance()!.bandwidth).toBe(300_000)
    budget(share(200_000))
    expect(allowance()!.bandwidth).toBe(200_000)
    limited()
    expect(allowance()).toMatchObject({ isValid: true, bandwidth: 300_000 })
    expect(told.length).toBeGreaterThan(0)
  })
})
