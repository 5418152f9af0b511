import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { giveRoom, takeRoom } from '../../agent/storage/s3/wire/room.ts'

test('room that is given back is used again in the next turn, for bodies of about its size', async () => {
  for (const [length, next, other] of [
    [1, 1000, 1025],
    [4096, 3000, 2048],
    [1 << 20, (1 << 19) + 1, 1 << 19],
  ] as const) {
    const first = takeRoom(length)
    expect(first).toHaveLength(length)
    giveRoom(first)
    expect(takeRoom(next).buffer).not.toBe(first.buffer)
    await turn()
    expect(takeRoom(other).buffer).not.toBe(first.buffer)
    const second = takeRoom(next)
    expect(second).toHaveLength(next)
    expect(second.buffer).toBe(first.buffer)
  }
})

test('room for the largest is its reader’s for good', async () => {
  const large = takeRoom((1 << 20) + 1)
  giveRoom(large)
  await turn()
  expect(takeRoom((1 << 20) + 1).buffer).not.toBe(large.buffer)
})
