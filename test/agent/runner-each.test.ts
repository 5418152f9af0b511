import { describe, expect, it } from 'vitest'
import { eachInSlot } from '../../agent/runner/each.ts'
import { openSlots } from '../../agent/runner/slots.ts'

const never = new AbortController().signal
function slotsOf(objects: number) {
  const slots = openSlots({ objects, bytes: Number.POSITIVE_INFINITY })
  return Object.assign(slots, slots.share(1))
}

describe('work on many objects', () => {
  it('has no more of them in flight than there are slots, and does them all', async () => {
    const slots = slotsOf(3)
    let most = 0
    const done: number[] = []
    await eachInSlot(
      [1, 2, 3, 4, 5, 6, 7],
      slots,
      never,
      () => 1,
      async (item) => {
        most = Math.max(most, slots.used)
        await new Promise(setImmediate)
        done.push(item)
      },
    )
    expect(most).toBe(3)
    expect(done.sort()).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(slots.used).toBe(0)
  })

  it('ends with the first error, once the others have noticed', async () => {
    const slots = slotsOf(2)
    const begun: number[] = []
    let ended = false
    const work = eachInSlot(
      [1, 2, 3, 4],
      slots,
      never,
      () => 1,
      async (item, signal) => {
        begun.push(item)
        if (item === 2) throw new Error('no')
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        ended = true
      },
    )
    await expect(work).rejects.toThrow('no')
    expect(begun).toEqual([1, 2])
    expect(ended).toBe(true)
    expect(slots.used).toBe(0)
  })

  it('begins nothing more when it is aborted', async () => {
    const controller = new AbortController()
    const begun: number[] = []
    const work = eachInSlot(
      [1, 2, 3],
      slotsOf(1),
      controller.signal,
      () => 1,
      async (item) => {
        begun.push(item)
        controller.abort()
      },
    )
    await expect(work).rejects.toMatchObject({ code: 'interrupted' })
    expect(begun).toEqual([1])
  })
})
