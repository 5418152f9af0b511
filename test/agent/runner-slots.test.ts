import { describe, expect, it } from 'vitest'
import { openSlots } from '../../agent/runner/slots.ts'

const never = new AbortController().signal
const limits = { objects: 2, bytes: 100, bytesEach: 60 }

/** Which of the asked have been admitted, after a turn of the loop. */
async function admitted(asked: Promise<() => void>[]): Promise<boolean[]> {
  const states = asked.map(() => false)
  for (const [i, each] of asked.entries()) each.then(() => (states[i] = true)).catch(() => {})
  await new Promise(setImmediate)
  return states
}

describe('the slots of an agent', () => {
  it('lets so many objects in, and the next one when one leaves', async () => {
    const slots = openSlots(limits)
    const asked = [1, 1, 1].map((bytes) => slots.admit(bytes, never))
    expect(await admitted(asked)).toEqual([true, true, false])
    const leave = await asked[0]!
    leave()
    leave()
    expect(await admitted(asked)).toEqual([true, true, true])
    expect(slots.used).toBe(2)
  })

  it('admits bodies against a budget of bytes, each up to what it buffers', async () => {
    const slots = openSlots({ ...limits, objects: 10 })
    const asked = [60, 1_000_000, 40].map((bytes) => slots.admit(bytes, never))
    expect(await admitted(asked)).toEqual([true, false, false])
    ;(await asked[0]!)()
    expect(await admitted(asked)).toEqual([true, true, true])
  })

  it('takes an object that is larger than the whole budget when nothing else is in', async () => {
    const slots = openSlots({ objects: 2, bytes: 10, bytesEach: 1000 })
    const asked = [500, 1].map((bytes) => slots.admit(bytes, never))
    expect(await admitted(asked)).toEqual([true, false])
  })

  it('forgets who gives up waiting', async () => {
    const slots = openSlots(limits)
    const controller = new AbortController()
    const asked = [slots.admit(60, never), slots.admit(60, controller.signal), slots.admit(40, never)]
    expect(await admitted(asked)).toEqual([true, false, false])
    controller.abort()
    await expect(asked[1]).rejects.toMatchObject({ code: 'interrupted' })
    expect(await admitted(asked)).toEqual([true, false, true])
  })
})
