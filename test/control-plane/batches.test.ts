import { expect, it } from 'vitest'
import { Batches } from '../../control-plane/batches.ts'

function record() {
  const applied: number[][] = []
  const later: (() => void)[] = []
  const batches = new Batches<number>(
    (items) => applied.push(items),
    (run) => later.push(run),
  )
  const turn = () => {
    for (const run of later.splice(0)) run()
  }
  return { applied, batches, turn }
}

it('applies a lone message at once, but for a rare probe', () => {
  const { applied, batches, turn } = record()
  for (let i = 0; i < 1_000; i++) {
    batches.add(i)
    if (applied.length <= i) turn()
  }
  expect(applied).toEqual(Array.from({ length: 1_000 }, (_, i) => [i]))
})

it('applies together what arrives together, in order, once a probe found company', () => {
  const { applied, batches, turn } = record()
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 10; i++) batches.add(round * 10 + i)
    turn()
  }
  expect(applied.flat()).toEqual(Array.from({ length: 200 }, (_, i) => i))
  expect(applied.slice(-10).map((batch) => batch.length)).toEqual(Array(10).fill(10))
})

it('goes back to one by one when the company has left', () => {
  const { applied, batches, turn } = record()
  for (let i = 0; i < 100; i++) batches.add(i)
  turn()
  for (let i = 0; i < 20; i++) {
    batches.add(i)
    turn()
  }
  const before = applied.length
  batches.add(1)
  expect(applied.length).toBe(before + 1)
})

it('applies what waits before what must come after it', () => {
  const { applied, batches, turn } = record()
  for (let i = 0; i < 100; i++) batches.add(i)
  batches.flush()
  expect(applied.flat()).toHaveLength(100)
  turn()
  expect(applied.flat()).toHaveLength(100)
})
