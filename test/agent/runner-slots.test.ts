import { describe, expect, it } from 'vitest'
import { heldBy } from '../../agent/core/budget.ts'
import { openSlots } from '../../agent/runner/slots.ts'

const never = new AbortController().signal
const large = 5 * 1024 ** 3
const tiny = heldBy(1)
const wide = { objects: 100, bytes: Number.POSITIVE_INFINITY }

/** Which of the asked have been admitted, after a turn of the loop. */
async function admitted(asked: Promise<() => void>[]): Promise<boolean[]> {
  const states = asked.map(() => false)
  for (const [i, each] of asked.entries()) each.then(() => (states[i] = true)).catch(() => {})
  await new Promise(setImmediate)
  return states
}

describe('the slots of an agent', () => {
  it('lets so many objects in, and the next one when one leaves', async () => {
    const slots = openSlots({ ...wide, objects: 2 })
    const asked = [1, 1, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, true, false])
    const leave = await asked[0]!
    leave()
    leave()
    expect(await admitted(asked)).toEqual([true, true, true])
    expect(slots.used).toBe(2)
  })

  it('admits objects against a budget of bytes, each up to what it can hold', async () => {
    const slots = openSlots({ ...wide, bytes: heldBy(large) + tiny })
    const asked = [large, large, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, false, false])
    ;(await asked[0]!)()
    expect(await admitted(asked)).toEqual([true, true, true])
    expect(slots.held).toBe(heldBy(large) + tiny)
  })

  it('takes an object that is larger than the whole budget when nothing else is in', async () => {
    const slots = openSlots({ objects: 2, bytes: 10 })
    const asked = [500, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, false])
  })

  it('has as many in as the endpoints take and a few more, and follows them', async () => {
    let room: number | null = 1
    const slots = openSlots({ ...wide, room: () => room })
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
    const slots = openSlots({ ...wide, room: () => 2 })
    const asked = [large, large, 1, large, 1, 1].map((size) => slots.admit(size, never))
    expect(await admitted(asked)).toEqual([true, true, true, true, true, true])
    const more = [large, 1].map((size) => slots.admit(size, never))
    expect(await admitted(more)).toEqual([true, false])
  })

  it('forgets who gives up waiting', async () => {
    const slots = openSlots({ ...wide, bytes: 2 * tiny })
    const controller = new AbortController()
    const asked = [slots.admit(1, never), slots.admit(large, controller.signal), slots.admit(1, never)]
    expect(await admitted(asked)).toEqual([true, false, false])
    controller.abort()
    await expect(asked[1]).rejects.toMatchObject({ code: 'interrupted' })
    expect(await admitted(asked)).toEqual([true, false, true])
  })
})
