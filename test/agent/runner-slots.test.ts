import { describe, expect, it } from 'vitest'
import { heldBy } from '../../agent/core/budget.ts'
import { openSlots, type SlotLimits, type SlotShare } from '../../agent/runner/slots.ts'

const never = new AbortController().signal
const large = 5 * 1024 ** 3
const tiny = heldBy(1)
const wide = { objects: 100, bytes: Number.POSITIVE_INFINITY }

/** Of one migration. */
function slotsOf(limits: SlotLimits) {
  const slots = openSlots(limits)
  return Object.assign(slots, slots.share(1))
}

/** Which of the asked have been admitted, after a turn of the loop. */
async function admitted(asked: Promise<() => void>[]): Promise<boolean[]> {
  const states = asked.map(() => false)
  for (const [i, each] of asked.entries()) each.then(() => (states[i] = true)).catch(() => {})
  await new Promise(setImmediate)
  return states
}

describe('the slots of an agent', () => {
  it('lets so many objects in, and the next one when one leaves', async () => {
    const slots = slotsOf({ ...wide, objects: 2 })
    const asked = [1, 1, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, true, false])
    const leave = await asked[0]!
    leave()
    leave()
    expect(await admitted(asked)).toEqual([true, true, true])
    expect(slots.used).toBe(2)
  })

  it('admits objects against a budget of bytes, each up to what it can hold', async () => {
    const slots = slotsOf({ ...wide, bytes: heldBy(large) + tiny })
    const asked = [large, large, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, false, false])
    ;(await asked[0]!)()
    expect(await admitted(asked)).toEqual([true, true, true])
    expect(slots.held).toBe(heldBy(large) + tiny)
  })

  it('takes an object that is larger than the whole budget when nothing else is in', async () => {
    const slots = slotsOf({ objects: 2, bytes: 10 })
    const asked = [500, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, false])
  })

  it('has as many in as the endpoints take and a few more, and follows them', async () => {
    let room: number | null = 1
    const slots = slotsOf({ ...wide, room: () => room })
    const asked = Array.from({ length: 50 }, () => slots.admit(1, never))
    await admitted(asked)
    expect(slots.used).toBe(9)
    room = 20
    slots.changed()
    expect(slots.used).toBe(28)
    room = null
    slots.changed()
    expect(slots.used).toBe(40)
  })

  it('counts a large object as the two requests that go at once for it', async () => {
    const slots = slotsOf({ ...wide, room: () => 2 })
    const asked = [large, large, 1, large, 1, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, true, true, true, true, true])
    const more = [large, 1].map((size) => slots.admit(size, never))
    expect(await admitted(more)).toEqual([true, false])
  })

  it('forgets who gives up waiting', async () => {
    const slots = slotsOf({ ...wide, bytes: 2 * tiny })
    const controller = new AbortController()
    const asked = [slots.admit(1, never), slots.admit(large, controller.signal), slots.admit(1, never)]
    expect(await admitted(asked)).toEqual([true, false, false])
    controller.abort()
    await expect(asked[1]).rejects.toMatchObject({ code: 'interrupted' })
    expect(await admitted(asked)).toEqual([true, false, true])
  })

  it('are shared by weight among migrations, and all are one’s own while the others wait for nothing', async () => {
    let now = 0
    const slots = openSlots({ ...wide, objects: 8 }, () => now)
    const busy = { low: 0, high: 0 }
    const isOver = new AbortController()
    /** One packet: an object at a time asks for a slot, and holds it for a turn of the loop. */
    async function packet(share: SlotShare, name: keyof typeof busy) {
      while (!isOver.signal.aborted) {
        const leave = await share.admit(1, never)
        busy[name]++
        setImmediate(leave)
      }
    }
    const low = slots.share(1)
    for (let i = 0; i < 8; i++) void packet(low, 'low')
    const turns = async (n: number) => {
      for (let i = 0; i < n; i++, now++) await new Promise(setImmediate)
    }
    await turns(10)
    expect(slots.used).toBe(8)
    const high = slots.share(1)
    for (let i = 0; i < 8; i++) void packet(high, 'high')
    const shareOfHigh = async () => {
      await turns(100)
      Object.assign(busy, { low: 0, high: 0 })
      await turns(1_000)
      return busy.high / (busy.high + busy.low)
    }
    expect(await shareOfHigh()).toBeCloseTo(1 / 2, 1)
    high.weigh(16)
    expect(await shareOfHigh()).toBeCloseTo(16 / 17, 1)
    isOver.abort()
  })
})
